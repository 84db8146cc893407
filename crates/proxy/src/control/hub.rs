//! What the console, HTTP and the clock share: the way to the steward and, through it, to every worker's books.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::snapshot::{Ask, Book, ClientRow, Page, ServerRow, SliceRow};
use engine::steward::{Answer, Books, Command};
use engine::tally::WorkerTally;
use model::config::checked::Config;
use model::id::{PublicId, WorkerId};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Manners;
use super::averages::Averages;
use super::record::{NotRecorded, Office, Recorder, Status};
use crate::console::guests::Guests;
use crate::mail::{StewardLetter, StewardMail};
use crate::observe::format;
use crate::resolve::{Known, Resolver};
use crate::worker::hoard::Hoard;

/// All of a process's books must be in within this time.
const BOOKS_DEADLINE: Duration = Duration::from_secs(5);

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The process ends.
    #[error("the process ends")]
    Ended,
    /// A worker did not turn for too long.
    #[error("the workers did not answer within {} s", BOOKS_DEADLINE.as_secs())]
    Late,
}

/// What [`Hub`] is made of.
pub(super) struct Parts {
    pub steward: StewardMail,
    pub workers: u16,
    pub config: Arc<Config>,
    pub listen_port: u16,
    pub descriptors: u64,
    pub resolver: Resolver,
    pub hoard: Hoard,
    pub manners: Manners,
    pub recorder: Recorder,
    pub epoch: Instant,
}

/// The shared middle of the control side's second thread.
pub struct Hub {
    parts: Parts,
    config: Mutex<Arc<Config>>,
    averages: Mutex<Averages>,
    guests: Mutex<Guests>,
    /// One reload at a time.
    pub(super) reloading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hub")
    }
}

/// A slice's row, and whose books it stands in.
#[derive(Clone, Debug)]
pub struct SliceAt {
    /// The worker.
    pub worker: WorkerId,
    /// The row.
    pub row: SliceRow,
}

/// Rows of one book of all workers.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// Clients.
    pub clients: Vec<(WorkerId, ClientRow)>,
    /// Servers.
    pub servers: Vec<(WorkerId, ServerRow)>,
    /// Slices.
    pub slices: Vec<SliceAt>,
    /// Workers' own counters.
    pub workers: Vec<WorkerTally>,
}

/// What most of SHOW and all metrics are made from: the steward's books and the workers' pools.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The steward's.
    pub books: Books,
    /// The workers'.
    pub slices: Vec<SliceAt>,
    /// Workers' own counters.
    pub workers: Vec<WorkerTally>,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Since the process started.
    pub age: Duration,
    /// Guests of the console.
    pub guests: u32,
}

impl Hub {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            config: Mutex::new(parts.config.clone()),
            averages: Mutex::new(Averages::default()),
            guests: Mutex::new(Guests::default()),
            reloading: tokio::sync::Mutex::new(()),
            parts,
        }
    }

    /// Asks the steward, and waits as long as it takes.
    ///
    /// # Errors
    /// [`NoAnswer::Ended`].
    pub async fn ask(&self, command: Command) -> Result<Answer, NoAnswer> {
        let (reply, answer) = oneshot::channel();
        if !self.parts.steward.send(StewardLetter::Ask(command, reply)) {
            return Err(NoAnswer::Ended);
        }
        answer.await.map_err(|_| NoAnswer::Ended)
    }

    /// A number that no client has.
    ///
    /// # Errors
    /// [`NoAnswer::Ended`].
    pub async fn number(&self) -> Result<PublicId, NoAnswer> {
        match self.ask(Command::Number).await? {
            Answer::Number(number) => Ok(number),
            Answer::Done | Answer::Error(_) | Answer::Page(_) | Answer::Books(_) => Err(NoAnswer::Ended),
        }
    }

    /// The steward's own books.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn books(&self) -> Result<Books, NoAnswer> {
        match timeout(BOOKS_DEADLINE, self.ask(Command::Books)).await.map_err(|_| NoAnswer::Late)?? {
            Answer::Books(books) => Ok(*books),
            Answer::Done | Answer::Error(_) | Answer::Page(_) | Answer::Number(_) => Err(NoAnswer::Ended),
        }
    }

    /// All rows of one book.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn shelf(&self, book: Book) -> Result<Shelf, NoAnswer> {
        timeout(BOOKS_DEADLINE, self.pages(book)).await.map_err(|_| NoAnswer::Late)?
    }

    async fn pages(&self, book: Book) -> Result<Shelf, NoAnswer> {
        let mut shelf = Shelf::default();
        for worker in (0..self.parts.workers).map(WorkerId) {
            let mut from = Some(0);
            while let Some(row) = from {
                let page = self.page(worker, Ask { book, from: row }).await?;
                from = page.next;
                shelf.clients.extend(page.clients.into_iter().map(|row| (worker, row)));
                shelf.servers.extend(page.servers.into_iter().map(|row| (worker, row)));
                shelf.slices.extend(page.slices.into_iter().map(|row| SliceAt { worker, row }));
                if row == 0 {
                    shelf.workers.extend(page.worker.map(|tally| *tally));
                }
            }
        }
        Ok(shelf)
    }

    async fn page(&self, worker: WorkerId, ask: Ask) -> Result<Page, NoAnswer> {
        match self.ask(Command::Page(worker, ask)).await? {
            Answer::Page(page) => Ok(page),
            Answer::Done | Answer::Error(_) | Answer::Books(_) | Answer::Number(_) => Err(NoAnswer::Ended),
        }
    }

    /// True where every thread of the process still turns.
    pub async fn turns(&self) -> bool {
        let empty = |worker| Command::Page(worker, Ask { book: Book::Slices, from: u32::MAX });
        for worker in (0..self.parts.workers).map(WorkerId) {
            if !matches!(timeout(Duration::from_secs(1), self.ask(empty(worker))).await, Ok(Ok(_))) {
                return false;
            }
        }
        true
    }

    /// What most of SHOW and all metrics are made from.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn frame(&self) -> Result<Frame, NoAnswer> {
        let shelf = self.shelf(Book::Slices).await?;
        let books = self.books().await?;
        Ok(Frame {
            books,
            slices: shelf.slices,
            workers: shelf.workers,
            config: self.config(),
            age: self.age(),
            guests: self.guests().count(),
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        locked(&self.config).clone()
    }

    /// Puts a checked configuration in force.
    pub(super) fn configure(&self, config: Arc<Config>) {
        format::retune(config.proxy.verbose);
        *locked(&self.config) = config.clone();
        // Where the steward has ended, so has the process.
        self.parts.steward.send(StewardLetter::Configure(config));
    }

    /// Reads the configuration again; what it says is not in force yet. Takes its time.
    pub(super) fn read_again(&self) -> Result<Arc<Config>, String> {
        (self.parts.manners.reload)()
    }

    /// Tells the steward how busy the workers are.
    pub(super) fn busy(&self, busy: Box<[u32]>) {
        // Where the steward has ended, so has the process.
        self.parts.steward.send(StewardLetter::Busy(busy));
    }

    /// Threads that serve.
    pub(super) fn workers(&self) -> u16 {
        self.parts.workers
    }

    /// The limit of open files.
    pub(super) fn descriptors(&self) -> u64 {
        self.parts.descriptors
    }

    /// Begins a recording of checkouts.
    ///
    /// # Errors
    /// [`NotRecorded`].
    pub async fn record(&self, file: PathBuf, span: Duration) -> Result<(), NotRecorded> {
        let (steward, epoch) = (self.parts.steward.clone(), self.parts.epoch);
        let office = Office { steward, epoch, program: self.version().to_owned() };
        let recorder = self.parts.recorder.clone();
        let begun = spawn_blocking(move || recorder.start(&file, span, office)).await;
        begun.unwrap_or(Err(NotRecorded::Ended))
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`NotRecorded`].
    pub async fn record_no_more(&self) -> Result<(), NotRecorded> {
        let recorder = self.parts.recorder.clone();
        spawn_blocking(move || recorder.stop()).await.unwrap_or(Err(NotRecorded::Ended))
    }

    /// The recording under way, else the last one.
    pub fn recording(&self) -> Option<Status> {
        self.parts.recorder.status()
    }

    /// Samples of the past.
    pub fn averages(&self) -> MutexGuard<'_, Averages> {
        locked(&self.averages)
    }

    /// Who is on the console.
    pub fn guests(&self) -> MutexGuard<'_, Guests> {
        locked(&self.guests)
    }

    /// Since the process started.
    pub fn age(&self) -> Duration {
        self.parts.epoch.elapsed()
    }

    /// What is known of names.
    pub(crate) fn names(&self) -> Vec<Known> {
        self.parts.resolver.known()
    }

    /// Bytes that all workers keep for connections.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.parts.hoard.bytes()
    }

    /// What SHOW VERSION prints.
    pub fn version(&self) -> &str {
        &self.parts.manners.version
    }

    /// The greeting's `server_version`.
    pub fn server_version(&self) -> &str {
        &self.parts.manners.server_version
    }

    /// The port clients use.
    pub fn listen_port(&self) -> u16 {
        self.parts.listen_port
    }
}

/// No code panics while it holds one of these locks; if some did, what they guard would still be whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
