//! A brain that tells the test what it hears and does what the test's script says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use engine::contract::{DialError, Gone, Input, Output, Outputs, Peer, Piece, Span, Taken, Then};
use engine::orders::Order;
use engine::session::seed::ClientSeed;
use engine::time::Now;
use model::config::checked::{Config, Proxy};
use model::id::{ConnId, SliceId, Ticket, WorkerId};
use proxy::derive::Derivers;
use proxy::door::listen::{At, bind};
use proxy::mail::{ConsoleDoor, ConsoleGuest, Letter, StewardLetter, WorkerMail, steward_box};
use proxy::observe::log::Journal;
use proxy::resolve::Resolver;
use proxy::worker::brain::Brain;
use proxy::worker::crew::{Crew, Outfit, berths};
use proxy::worker::hoard::Hoard;
use proxy::worker::tuning::Tuning;

/// Nothing here takes so long; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Accepted(ConnId, Peer),
    Arrived(ConnId),
    Bytes(ConnId, Vec<u8>),
    Gone(ConnId, Gone),
    Dialled(ConnId),
    DialFailed(ConnId, DialError),
    Backlogged(ConnId),
    Drained(ConnId),
    Derived(Ticket, [u8; 32]),
    Poked(u32),
}

pub(crate) type Script = Box<dyn FnMut(&Heard, &mut Outputs) -> Taken + Send>;

pub(crate) struct Toy {
    id: WorkerId,
    clients: u32,
    news: mpsc::Sender<(WorkerId, Heard)>,
    script: Script,
    appetite: usize,
}

impl Toy {
    fn tell(&mut self, heard: Heard, out: &mut Outputs) -> Taken {
        let taken = (self.script)(&heard, out);
        let _ = self.news.send((self.id, heard));
        taken
    }

    fn name(&mut self) -> ConnId {
        self.clients += 1;
        ConnId::client(self.clients - 1, 7)
    }
}

impl Brain for Toy {
    fn accept(&mut self, _: Now, peer: Peer, out: &mut Outputs) -> Option<ConnId> {
        let conn = self.name();
        self.tell(Heard::Accepted(conn, peer), out);
        Some(conn)
    }

    fn arrive(&mut self, _: Now, _: Box<ClientSeed>, out: &mut Outputs) -> ConnId {
        let conn = self.name();
        self.tell(Heard::Arrived(conn), out);
        conn
    }

    fn appetite(&self, _: ConnId) -> usize {
        self.appetite
    }

    fn on(&mut self, _: Now, input: Input<'_>, out: &mut Outputs) -> Taken {
        let heard = match input {
            Input::Bytes { conn, bytes } => Heard::Bytes(conn, bytes.to_vec()),
            Input::Gone { conn, how } => Heard::Gone(conn, how),
            Input::Dialled { conn } => Heard::Dialled(conn),
            Input::DialFailed { conn, why } => Heard::DialFailed(conn, why),
            Input::Backlogged { conn } => Heard::Backlogged(conn),
            Input::Drained { conn } => Heard::Drained(conn),
            Input::Derived { ticket, salted } => Heard::Derived(ticket, salted),
            Input::Order(Order::Floor { servers, .. }) => Heard::Poked(servers),
            _ => return Taken::NOTHING,
        };
        self.tell(heard, out)
    }
}

/// How a shell is set up for a test.
pub(crate) struct Setup {
    pub(crate) proxy: Proxy,
    pub(crate) workers: usize,
    pub(crate) appetite: usize,
    pub(crate) lookup: proxy::resolve::Lookup,
}

impl Default for Setup {
    fn default() -> Self {
        let mut proxy = Config::for_tests().proxy;
        proxy.listen_port = 0;
        proxy.unix_socket_dir = None;
        Self { proxy, workers: 1, appetite: 64 * 1024, lookup: Arc::new(|_| Ok(Vec::new())) }
    }
}

/// Running workers with toys for brains.
pub(crate) struct Shell {
    pub(crate) at: Vec<At>,
    pub(crate) mails: Vec<WorkerMail>,
    pub(crate) heard: mpsc::Receiver<(WorkerId, Heard)>,
    pub(crate) notes: mpsc::Receiver<StewardLetter>,
    pub(crate) guests: mpsc::Receiver<ConsoleGuest>,
    pub(crate) hoard: Hoard,
    crew: Option<Crew>,
}

impl Setup {
    /// Starts it; `script` makes each worker's script.
    pub(crate) fn start(self, mut script: impl FnMut(WorkerId) -> Script) -> Shell {
        let tuning = Tuning::of(&self.proxy);
        let bound = bind(&self.proxy, &tuning).unwrap();
        let (mails, berths) = berths(self.workers).unwrap();
        let (steward, notes) = steward_box();
        let (guests_in, guests) = mpsc::channel();
        let (news, heard) = mpsc::channel();
        let hoard = Hoard::default();
        let outfit = Outfit {
            steward,
            console: ConsoleDoor::new(move |guest| {
                let _ = guests_in.send(guest);
            }),
            derivers: Derivers::start(1).unwrap(),
            resolver: Resolver::start(self.lookup).unwrap(),
            journal: Journal::start(&self.proxy).unwrap(),
            tuning,
            hoard: hoard.clone(),
            epoch: Instant::now(),
        };
        let appetite = self.appetite;
        let crew = Crew::start(berths, mails.clone(), &bound, &outfit, |id| Toy {
            id,
            clients: 0,
            news: news.clone(),
            script: script(id),
            appetite,
        })
        .unwrap();
        let at = bound.iter().map(|bound| bound.at.clone()).collect();
        Shell { at, mails, heard, notes, guests, hoard, crew: Some(crew) }
    }
}

/// A shell of one worker with everything as usual.
pub(crate) fn shell(script: impl FnMut(&Heard, &mut Outputs) -> Taken + Send + 'static) -> Shell {
    let mut script = Some(Box::new(script) as Script);
    Setup::default().start(|_| script.take().unwrap())
}

impl Shell {
    pub(crate) fn address(&self) -> SocketAddr {
        self.at.iter().find_map(|at| if let At::Tcp(address) = at { Some(*address) } else { None }).unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        patient(TcpStream::connect(self.address()).unwrap())
    }

    /// Connects and waits until the brain knows its name.
    pub(crate) fn client(&self) -> (TcpStream, ConnId) {
        let stream = self.connect();
        let here = stream.local_addr().unwrap();
        let conn = self.wait(|heard| match heard {
            Heard::Accepted(conn, Peer::Ip(ip, port)) if SocketAddr::new(*ip, *port) == here => Some(*conn),
            _ => None,
        });
        (stream, conn)
    }

    /// The next thing the brains heard.
    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).unwrap().1
    }

    /// The first thing that `is` it; what comes before is dropped.
    pub(crate) fn wait<T>(&self, mut is: impl FnMut(&Heard) -> Option<T>) -> T {
        loop {
            if let Some(found) = is(&self.next()) {
                return found;
            }
        }
    }

    /// Waits until the first worker has done all that it was told of so far.
    pub(crate) fn settle(&self) {
        self.poke(0, u32::MAX);
        self.wait(|heard| (*heard == Heard::Poked(u32::MAX)).then_some(()));
    }

    /// Makes a worker's brain hear a number.
    pub(crate) fn poke(&self, worker: usize, number: u32) {
        let order = Order::Floor { slice: SliceId(0), servers: number };
        assert!(self.mails[worker].send(Letter::Order(order)));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(crew) = self.crew.take() {
            crew.stop();
        }
    }
}

pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All was used.
pub(crate) fn all(heard: &Heard) -> Taken {
    match heard {
        Heard::Bytes(_, bytes) => Taken { used: bytes.len(), then: Then::More },
        _ => Taken::NOTHING,
    }
}

pub(crate) fn taken(used: usize, then: Then) -> Taken {
    Taken { used, then }
}

/// The whole input, on to `to`.
pub(crate) fn relay(to: ConnId, bytes: &[u8]) -> Output {
    let span = Span { start: 0, len: u32::try_from(bytes.len()).unwrap() };
    Output::Send { to, piece: Piece::Input(span) }
}

/// Constant bytes.
pub(crate) fn say(to: ConnId, bytes: &'static [u8]) -> Output {
    Output::Send { to, piece: Piece::Fixed(bytes) }
}

/// Reads so many bytes.
pub(crate) fn read(stream: &mut impl Read, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).unwrap();
    read
}

pub(crate) fn write(stream: &mut impl Write, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}

/// Bytes in which every position can be told from its neighbours.
pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}
