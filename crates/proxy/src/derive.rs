//! Costly steps of logins, on threads of their own: a password's 4,096 hash rounds take a millisecond that no worker has.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use engine::contract::Derive;

use crate::mail::{Letter, WorkerMail};

/// The way to the deriving threads.
#[derive(Clone, Debug)]
pub struct Derivers(mpsc::Sender<(Derive, WorkerMail)>);

impl Derivers {
    /// Starts so many threads; they end with the last clone.
    pub fn start(threads: usize) -> io::Result<Self> {
        let (sender, inbox) = mpsc::channel::<(Derive, WorkerMail)>();
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..threads {
            let inbox = inbox.clone();
            thread::Builder::new().name(format!("derive-{number}")).spawn(move || {
                loop {
                    let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((derive, mail)) = next else { return };
                    mail.send(Letter::Derived { ticket: derive.ticket, salted: salted(&derive) });
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Hands a step over; the answer goes to `mail`.
    pub fn ask(&self, derive: Derive, mail: &WorkerMail) {
        // The threads live as long as this sender.
        let _ = self.0.send((derive, mail.clone()));
    }
}

fn salted(derive: &Derive) -> [u8; 32] {
    let password = derive.password.expose().as_bytes();
    *wire::auth::scram::derive(password, &derive.salt, derive.iterations).bytes()
}
