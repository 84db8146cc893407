//! A control side with a stub in the worker's place, and guests at its console.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine::contract::Peer;
use engine::orders::{Note, Order, PoolKey, Replication};
use engine::session::seed::ConsoleSeed;
use engine::snapshot::{Book, ClientRow, ClientState, Page, SliceRow};
use engine::tally::{SliceTally, WorkerTally};
use engine::time::Now;
use engine::trace::{Batch, Row};
use mio::{Events, Poll, Token, Waker};
use model::config::checked::{Config, PoolMode};
use model::id::{ConnId, PublicId, SliceId, WorkerId};
use proxy::control::{self, Manners};
use proxy::life::{Seat, Started};
use proxy::mail::{self, ConsoleGuest, Letter, StewardMail, WorkerInbox};
use proxy::resolve::Resolver;
use proxy::worker::hoard::Hoard;
use proxy::worker::socket::Detached;

const W0: WorkerId = WorkerId(0);

/// The control side.
pub(super) struct Desk {
    started: Started,
    configured: Arc<AtomicU32>,
}

fn config() -> Config {
    let mut config = Config::for_tests();
    config.proxy.metrics_listen = Some(([127, 0, 0, 1], 0).into());
    config
}

impl Desk {
    /// Its worker does what it is told at once.
    pub(super) fn open() -> Self {
        Self::start(true, || Ok(Arc::new(config())))
    }

    /// Its worker answers questions about its books and nothing else.
    pub(super) fn silent() -> Self {
        Self::start(false, || Ok(Arc::new(config())))
    }

    pub(super) fn with_reload(
        reload: impl Fn() -> Result<Arc<Config>, String> + Send + Sync + 'static,
    ) -> Self {
        Self::start(true, reload)
    }

    fn start(obeys: bool, reload: impl Fn() -> Result<Arc<Config>, String> + Send + Sync + 'static) -> Self {
        let poll = Poll::new().unwrap();
        let (worker, inbox) = mail::worker_box(Waker::new(poll.registry(), Token(0)).unwrap());
        let (steward, letters) = mail::steward_box();
        let configured = Arc::new(AtomicU32::new(0));
        let stub = Stub { poll, inbox, steward: steward.clone(), obeys, configured: configured.clone() };
        thread::spawn(move || stub.run());
        let seat = Seat {
            config: Arc::new(config()),
            descriptors: 100_000,
            workers: vec![worker],
            mail: steward,
            letters,
            listens: Vec::new(),
            resolver: Resolver::start(Arc::new(|_: &str| Ok(Vec::new()))).unwrap(),
            hoard: Hoard::default(),
            epoch: Instant::now(),
        };
        let started = control::start(seat, Manners::own("0.9", Box::new(reload))).unwrap();
        Self { started, configured }
    }

    /// A guest who has not been greeted yet.
    pub(super) fn guest(&self, database: &str, admin: bool) -> Guest {
        self.guest_with(database, admin, b"")
    }

    /// The same, with bytes that came with its login.
    pub(super) fn guest_with(&self, database: &str, admin: bool, kept: &[u8]) -> Guest {
        let (here, there) = UnixStream::pair().unwrap();
        there.set_nonblocking(true).unwrap();
        here.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        self.started.console.enter(ConsoleGuest {
            socket: Detached::Unix(there),
            kept: kept.to_vec(),
            backlog: Vec::new(),
            seed: Box::new(ConsoleSeed {
                user: "root".into(),
                database: database.into(),
                admin,
                peer: Peer::Unix { uid: 0, pid: 1 },
                minor: 0,
                accepted: Now(0),
            }),
        });
        Guest { stream: here }
    }

    pub(super) fn greeted(&self, database: &str, admin: bool) -> Guest {
        let mut guest = self.guest(database, admin);
        guest.until_ready();
        guest
    }

    /// Configurations the worker was given.
    pub(super) fn configured(&self) -> u32 {
        self.configured.load(Ordering::SeqCst)
    }

    pub(super) fn metrics(&self) -> SocketAddr {
        self.started.metrics.unwrap()
    }

    /// Waits for the end of the steward's thread, and of what it leaves behind.
    pub(super) fn ended(self) {
        self.started.thread.join().unwrap();
        self.started.recorder.settle(Duration::from_secs(10));
    }
}

/// What stands in the worker's place.
struct Stub {
    poll: Poll,
    inbox: WorkerInbox,
    steward: StewardMail,
    obeys: bool,
    configured: Arc<AtomicU32>,
}

impl Stub {
    fn run(mut self) {
        let mut events = Events::with_capacity(4);
        let mut told = true;
        while told {
            self.inbox.open();
            while let Some(Letter::Order(order)) = self.inbox.next() {
                told = self.answer(order);
            }
            self.poll.poll(&mut events, Some(Duration::from_millis(100))).unwrap();
            told &= self.steward.note(W0, Note::CancelDone { at: (W0, ConnId::client(0, 0)) });
        }
    }

    fn answer(&self, order: Order) -> bool {
        let note = match order {
            Order::Snapshot { ticket, ask } => Note::Page { ticket, page: page(ask.book, ask.from) },
            Order::Pause { ticket, .. }
            | Order::Resume { ticket, .. }
            | Order::Reconnect { ticket, .. }
            | Order::WaitClose { ticket, .. }
            | Order::Kill { ticket, .. }
            | Order::KillClient { ticket, .. }
                if self.obeys =>
            {
                Note::Done { ticket, found: false }
            }
            Order::Record { ticket, since } if self.obeys => {
                if since.is_none() {
                    self.steward.note(W0, Note::Recorded { batch: Box::new(rows(Some(2))) });
                }
                Note::Done { ticket, found: true }
            }
            Order::Drain(_) if self.obeys => {
                self.steward.note(W0, Note::Recorded { batch: Box::new(rows(None)) });
                Note::Drained
            }
            Order::Configure(_) => {
                self.configured.fetch_add(1, Ordering::SeqCst);
                return true;
            }
            _ => return true,
        };
        self.steward.note(W0, note)
    }
}

fn key() -> PoolKey {
    PoolKey { database: "shop".into(), user: "app".into(), replication: Replication::No }
}

/// What every recording of the stub has in it.
fn rows(unfinished: Option<u32>) -> Batch {
    let rows = vec![
        Row { pool: 0, at_us: 5, wait_us: 0, hold_us: Some(70) },
        Row { pool: 0, at_us: 6, wait_us: 80, hold_us: None },
    ];
    Batch { pools: vec![key()], rows, unfinished }
}

/// Two pages of the pools' book, so that paging is seen.
fn page(book: Book, from: u32) -> Page {
    let mut page = Page::default();
    match (book, from) {
        (Book::Slices, 0) => {
            page.worker = Some(Box::new(WorkerTally::default()));
            page.next = Some(1000);
        }
        (Book::Slices, 1000) => page.slices.push(slice()),
        (Book::Clients, 0) => page.clients.push(client()),
        _ => {}
    }
    page
}

fn slice() -> SliceRow {
    SliceRow {
        slice: SliceId(0),
        key: key(),
        mode: PoolMode::Transaction,
        clients_active: 2,
        clients_idle: 1,
        clients_waiting: 1,
        cancels: 0,
        servers_being_canceled: 0,
        servers_active: 2,
        servers_idle: 1,
        servers_used: 0,
        servers_tested: 0,
        servers_login: 0,
        servers_closing: 0,
        credits: 3,
        oldest_us: 0,
        paused: false,
        closings: Default::default(),
        taints: [0; 9],
        tally: SliceTally { transactions: 5, queries: 7, ..SliceTally::default() },
    }
}

fn client() -> ClientRow {
    ClientRow {
        conn: ConnId::client(1, 0),
        public: PublicId(1),
        key: key(),
        state: ClientState::Waiting,
        peer: Peer::Ip([10, 0, 0, 1].into(), 4711),
        connected_us: 5_000_000,
        requested_us: 1_000_000,
        waiting_us: 1_000_001,
        link: None,
        application: Arc::from(*b"web"),
        statements: 0,
    }
}

/// One message of the console.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

impl Said {
    /// A message to the console.
    pub(super) fn bytes(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag], &length.to_be_bytes()[..], body].concat()
    }

    pub(super) fn query(text: &str) -> Vec<u8> {
        Self::bytes(b'Q', &[text.as_bytes(), b"\0"].concat())
    }

    /// SQLSTATE and message of an error.
    pub(super) fn error(&self) -> Option<(String, String)> {
        let field = |letter: u8| {
            let fields = self.body.split(|byte| *byte == 0).find(|field| field.first() == Some(&letter))?;
            String::from_utf8(fields[1..].to_vec()).ok()
        };
        (self.tag == b'E').then(|| (field(b'C').unwrap(), field(b'M').unwrap()))
    }

    /// Names and types of a row description.
    pub(super) fn columns(&self) -> Vec<(String, u32)> {
        let mut rest = &self.body[2..];
        let mut columns = Vec::new();
        while let Some(end) = rest.iter().position(|byte| *byte == 0) {
            let name = String::from_utf8(rest[..end].to_vec()).unwrap();
            let kind = u32::from_be_bytes(rest[end + 7..end + 11].try_into().unwrap());
            columns.push((name, kind));
            rest = &rest[end + 19..];
        }
        columns
    }

    /// The values of a row.
    pub(super) fn cells(&self) -> Vec<Option<Vec<u8>>> {
        let mut rest = &self.body[2..];
        let mut cells = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = i32::from_be_bytes(*length);
            let (cell, after) = after.split_at(usize::try_from(length).unwrap_or(0));
            cells.push((length >= 0).then(|| cell.to_vec()));
            rest = after;
        }
        cells
    }
}

/// A guest of the console.
pub(super) struct Guest {
    stream: UnixStream,
}

impl Guest {
    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next message; `None`: the console has hung up.
    pub(super) fn next(&mut self) -> Option<Said> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(head[1..].try_into().unwrap());
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).ok()?;
        Some(Said { tag: head[0], body })
    }

    /// All messages up to ReadyForQuery.
    pub(super) fn until_ready(&mut self) -> Vec<Said> {
        let mut all = Vec::new();
        while all.last().is_none_or(|said: &Said| said.tag != b'Z') {
            all.push(self.next().expect("the console goes on"));
        }
        all
    }

    pub(super) fn ask(&mut self, text: &str) -> Vec<Said> {
        self.say(&Said::query(text));
        self.until_ready()
    }

    /// The rows of an answer, null being empty.
    pub(super) fn rows(&mut self, text: &str) -> Vec<Vec<String>> {
        let text_of = |cell: Option<Vec<u8>>| String::from_utf8(cell.unwrap_or_default()).unwrap();
        let answer = self.ask(text);
        let rows = answer.iter().filter(|said| said.tag == b'D');
        rows.map(|said| said.cells().into_iter().map(text_of).collect()).collect()
    }

    /// The tag of an answer without rows.
    pub(super) fn tag(&mut self, text: &str) -> String {
        let answer = self.ask(text);
        assert_eq!(answer[0].tag, b'C', "{:?}", answer[0].error());
        String::from_utf8_lossy(&answer[0].body).trim_end_matches('\0').to_owned()
    }

    /// Message and detail of an error.
    pub(super) fn explained(&mut self, text: &str) -> (String, String) {
        let answer = self.ask(text);
        assert_eq!(answer[0].tag, b'E', "{text}: {answer:?}");
        let field = |letter: u8| {
            let found = answer[0].body.split(|byte| *byte == 0).find(|field| field.first() == Some(&letter));
            found.map(|field| String::from_utf8_lossy(&field[1..]).into_owned()).unwrap_or_default()
        };
        (field(b'M'), field(b'D'))
    }

    pub(super) fn error(&mut self, text: &str) -> (String, String) {
        let answer = self.ask(text);
        answer[0].error().unwrap_or_else(|| panic!("{text}: {answer:?}"))
    }
}
