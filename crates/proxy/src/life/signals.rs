//! Signals become wishes for the steward; the second one that asks for the end is the end.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use super::sd;
use crate::mail::{StewardLetter, StewardMail, Wish};

/// Watches from here on, on a thread of its own that ends with the process.
pub(super) fn watch(steward: StewardMail) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])?;
    let body = move || {
        let mut leaving = false;
        for signal in signals.forever() {
            let wish = match signal {
                SIGHUP => Wish::Reload,
                SIGUSR1 => Wish::Pause,
                SIGUSR2 => Wish::Resume,
                SIGTERM | SIGINT if !leaving => {
                    leaving = true;
                    sd::tell(sd::State::Stopping);
                    if signal == SIGTERM { Wish::Leave } else { Wish::LeaveNow }
                }
                _ => {
                    tracing::warn!("leaving at once");
                    std::process::exit(1);
                }
            };
            tracing::info!(?wish, "signal received");
            steward.send(StewardLetter::Wish(wish));
        }
    };
    thread::Builder::new().name("signals".into()).spawn(body)?;
    Ok(())
}
