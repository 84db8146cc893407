//! All worker threads of the process: their mailboxes first, so that everybody can write to everybody, then the threads.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use mio::{Poll, Waker};
use model::id::WorkerId;

use super::brain::Brain;
use super::dial::Dials;
use super::errands::Errands;
use super::hoard::Hoard;
use super::room::Room;
use super::tuning::Tuning;
use super::turn::Turn;
use crate::derive::Derivers;
use crate::door::listen::Bound;
use crate::door::{Doors, MAIL};
use crate::mail::{ConsoleDoor, Letter, StewardMail, WorkerInbox, WorkerMail, worker_box};
use crate::observe::log::Journal;
use crate::resolve::Resolver;

/// A worker's loop and mailbox before its thread runs.
#[derive(Debug)]
pub struct Berth {
    poll: Poll,
    inbox: WorkerInbox,
}

/// What all workers share.
#[derive(Clone, Debug)]
pub struct Outfit {
    /// The steward's mailbox.
    pub steward: StewardMail,
    /// The console's door.
    pub console: ConsoleDoor,
    /// Threads for hash rounds.
    pub derivers: Derivers,
    /// Threads for names.
    pub resolver: Resolver,
    /// The log.
    pub journal: Journal,
    /// How sockets are set up.
    pub tuning: Tuning,
    /// Bytes kept by the process.
    pub hoard: Hoard,
    /// When the process started: the zero of all its clocks.
    pub epoch: Instant,
}

/// The running threads.
#[derive(Debug)]
pub struct Crew {
    mails: Vec<WorkerMail>,
    threads: Vec<JoinHandle<()>>,
}

/// Loops and mailboxes for so many workers.
pub fn berths(workers: usize) -> io::Result<(Vec<WorkerMail>, Vec<Berth>)> {
    let mut mails = Vec::new();
    let mut berths = Vec::new();
    for _ in 0..workers {
        let poll = Poll::new()?;
        let (mail, inbox) = worker_box(Waker::new(poll.registry(), MAIL)?);
        mails.push(mail);
        berths.push(Berth { poll, inbox });
    }
    Ok((mails, berths))
}

impl Crew {
    /// Starts the threads. Listeners stay the caller's; each worker has duplicates of them.
    pub fn start<B: Brain + Send + 'static>(
        berths: Vec<Berth>,
        mails: Vec<WorkerMail>,
        listeners: &[Bound],
        outfit: &Outfit,
        mut brain: impl FnMut(WorkerId) -> B,
    ) -> io::Result<Self> {
        let mut threads = Vec::new();
        for ((number, berth), mail) in (0..).zip(berths).zip(&mails) {
            let id = WorkerId(number);
            let registry = berth.poll.registry().try_clone()?;
            let doors = Doors::open(listeners, &registry)?;
            let dials = Dials::new(outfit.resolver.clone(), mail.clone());
            let room = Room::new(registry, dials, outfit.hoard.clone(), outfit.tuning.clone());
            let errands = Errands {
                id,
                workers: mails.clone(),
                steward: outfit.steward.clone(),
                console: outfit.console.clone(),
                derivers: outfit.derivers.clone(),
                journal: outfit.journal.clone(),
            };
            let turn = Turn::new(brain(id), room, errands, doors, berth.inbox, berth.poll, outfit.epoch);
            let body = move || {
                if let Err(error) = turn.run() {
                    // Without its loop a worker can't even say goodbye; half a process helps nobody.
                    tracing::error!(worker = number, %error, "cannot wait for events");
                    std::process::abort();
                }
            };
            threads.push(thread::Builder::new().name(format!("worker-{number}")).spawn(body)?);
        }
        Ok(Self { mails, threads })
    }

    /// Stops the threads and waits for them: what is still open is dropped.
    pub fn stop(self) {
        for mail in &self.mails {
            mail.send(Letter::Stop);
        }
        for thread in self.threads {
            // A panic has aborted the process already, or is the test's to see.
            let _ = thread.join();
        }
    }
}
