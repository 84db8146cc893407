//! What threads tell each other: letters to workers, letters to the steward, guests of the console.
//!
//! Letters from one sender to one receiver arrive in the order they were sent. Nobody ever waits for an answer.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use engine::orders::{Note, Order};
use engine::session::seed::{ClientSeed, ConsoleSeed};
use engine::steward::{Answer, Command};
use mio::Waker;
use model::config::checked::Config;
use model::id::{ConnId, Ticket, WorkerId};

use crate::control::record::Tape;
use crate::worker::socket::{Detached, Line};

/// To a worker.
#[derive(Debug)]
pub enum Letter {
    /// A word from the steward.
    Order(Order),
    /// A client moves in.
    Parcel(Box<Moving>),
    /// The answer to a derivation.
    Derived {
        /// Which.
        ticket: Ticket,
        /// SaltedPassword of RFC 5802.
        salted: [u8; 32],
    },
    /// The answer to a name.
    Resolved {
        /// The dial that asked.
        conn: ConnId,
        /// Addresses in the resolver's order; empty where the name has none.
        addresses: Arc<[IpAddr]>,
    },
    /// Leave the loop; what is still open is dropped.
    Stop,
}

/// A client on its way from one worker to another, with all that was read of it and not yet used.
#[derive(Debug)]
pub struct Moving {
    /// Its socket, in no loop.
    pub line: Line,
    /// Bytes read and not used.
    pub kept: Vec<u8>,
    /// Bytes to be sent before all others.
    pub backlog: Vec<u8>,
    /// Who it is.
    pub seed: Box<ClientSeed>,
}

/// The way to one worker's mailbox. Clones lead to the same box.
#[derive(Clone, Debug)]
pub struct WorkerMail {
    letters: mpsc::Sender<Letter>,
    waker: Arc<Waker>,
    woken: Arc<AtomicBool>,
}

/// The worker's end of its mailbox.
#[derive(Debug)]
pub struct WorkerInbox {
    letters: mpsc::Receiver<Letter>,
    woken: Arc<AtomicBool>,
}

/// A mailbox whose letters wake the loop that `waker` belongs to.
pub fn worker_box(waker: Waker) -> (WorkerMail, WorkerInbox) {
    let (sender, letters) = mpsc::channel();
    let woken = Arc::new(AtomicBool::new(false));
    (
        WorkerMail { letters: sender, waker: Arc::new(waker), woken: woken.clone() },
        WorkerInbox { letters, woken },
    )
}

impl WorkerMail {
    /// Puts a letter into the box. False where the worker has ended and nobody will read it.
    pub fn send(&self, letter: Letter) -> bool {
        if self.letters.send(letter).is_err() {
            return false;
        }
        // One wake-up serves all letters up to the next look into the box.
        if !self.woken.swap(true, Ordering::AcqRel) {
            // The waker is an eventfd of ours: its write fails only when it is full, and then the loop wakes anyway.
            let _ = self.waker.wake();
        }
        true
    }
}

impl WorkerInbox {
    /// To be called before the box is emptied: letters from here on wake the loop again.
    pub fn open(&self) {
        self.woken.swap(false, Ordering::AcqRel);
    }

    /// True where letters have come since the box was opened last. Costs a load.
    #[inline]
    pub fn rings(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    /// The next letter, if there is one.
    pub fn next(&self) -> Option<Letter> {
        self.letters.try_recv().ok()
    }
}

/// To the steward's thread.
#[derive(Debug)]
pub enum StewardLetter {
    /// A worker's note.
    Note(WorkerId, Note),
    /// What a signal asks for.
    Wish(Wish),
    /// A question or command of the console; the answer goes the way that comes with it.
    Ask(Command, Reply),
    /// A configuration that was checked and is to be in force.
    Configure(Arc<Config>),
    /// How busy each worker has been of late, in thousandths of a core.
    Busy(Box<[u32]>),
    /// Where the rows of a recording go from now on.
    Tape(Tape),
}

/// The way back of one answer. Dropped unanswered, it tells that there will be none.
pub type Reply = tokio::sync::oneshot::Sender<Answer>;

/// What a signal to the process asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM: drain while clients finish, for `drain_timeout` at most.
    Leave,
    /// SIGINT: every client leaves now.
    LeaveNow,
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGUSR1: PAUSE.
    Pause,
    /// SIGUSR2: RESUME.
    Resume,
}

/// The way to the steward's mailbox.
#[derive(Clone, Debug)]
pub struct StewardMail(mpsc::Sender<StewardLetter>);

/// A mailbox for the steward: its thread blocks on the receiver.
pub fn steward_box() -> (StewardMail, mpsc::Receiver<StewardLetter>) {
    let (sender, receiver) = mpsc::channel();
    (StewardMail(sender), receiver)
}

impl StewardMail {
    /// Puts a letter into the box. False where the steward has ended.
    pub fn send(&self, letter: StewardLetter) -> bool {
        self.0.send(letter).is_ok()
    }

    /// Passes a worker's note on.
    pub fn note(&self, worker: WorkerId, note: Note) -> bool {
        self.send(StewardLetter::Note(worker, note))
    }
}

/// A client of the console, handed over by the worker that logged it in.
#[derive(Debug)]
pub struct ConsoleGuest {
    /// Its socket: non-blocking, in no loop.
    pub socket: Detached,
    /// Bytes read and not used.
    pub kept: Vec<u8>,
    /// Bytes to be sent before all others: usually none.
    pub backlog: Vec<u8>,
    /// Who it is.
    pub seed: Box<ConsoleSeed>,
}

/// Where guests of the console are handed in: the console gives a function that must not wait.
#[derive(Clone)]
pub struct ConsoleDoor(Arc<dyn Fn(ConsoleGuest) + Send + Sync>);

impl ConsoleDoor {
    /// A door that hands guests to `welcome`.
    pub fn new(welcome: impl Fn(ConsoleGuest) + Send + Sync + 'static) -> Self {
        Self(Arc::new(welcome))
    }

    /// Hands a guest in.
    pub fn enter(&self, guest: ConsoleGuest) {
        (self.0)(guest);
    }
}

impl std::fmt::Debug for ConsoleDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsoleDoor")
    }
}
