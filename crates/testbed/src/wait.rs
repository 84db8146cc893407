//! Waiting for a condition.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How long a test waits for something that should take milliseconds, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until `ask` has an answer; asks often at first, then every 20 ms.
pub fn until<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if started.elapsed() > patience {
            return Err(Error::Late { what: what.to_owned(), waited: patience, last: String::new() });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
