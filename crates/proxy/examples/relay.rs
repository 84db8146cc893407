//! The loop without the engine: relays each client to a connection of its own. What it costs is the floor of what the
//! proxy can cost.
//!
//! `relay PORT WORKERS LISTEN`: relays from 127.0.0.1:LISTEN to 127.0.0.1:PORT.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use engine::contract::{DialTo, Input, Output, Outputs, Peer, Piece, Span, Taken, Then};
use engine::session::seed::ClientSeed;
use engine::time::Now;
use model::config::checked::{Config, Server};
use model::id::ConnId;
use proxy::derive::Derivers;
use proxy::door::listen::bind;
use proxy::mail::{ConsoleDoor, steward_box};
use proxy::observe::log::Journal;
use proxy::resolve::{self, Resolver};
use proxy::worker::brain::Brain;
use proxy::worker::crew::{Crew, Outfit, berths};
use proxy::worker::hoard::Hoard;
use proxy::worker::tuning::Tuning;

struct Relay {
    server: Arc<Server>,
    up: Vec<bool>,
    free: Vec<usize>,
    generations: Vec<u32>,
}

impl Relay {
    fn mate(conn: ConnId) -> ConnId {
        let index = u32::try_from(conn.index()).unwrap_or(0);
        if conn.is_server() {
            ConnId::client(index, conn.generation)
        } else {
            ConnId::server(index, conn.generation)
        }
    }

    fn part(&mut self, conn: ConnId, out: &mut Outputs) {
        out.list.push(Output::Close { conn });
        out.list.push(Output::Finish { conn: Self::mate(conn) });
        self.up[conn.index()] = false;
        self.generations[conn.index()] += 1;
        self.free.push(conn.index());
    }
}

impl Brain for Relay {
    fn accept(&mut self, _: Now, _: Peer, out: &mut Outputs) -> Option<ConnId> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.up.push(false);
            self.generations.push(0);
            self.up.len() - 1
        });
        let conn = ConnId::client(u32::try_from(index).ok()?, self.generations[index]);
        out.dials.push(DialTo::Server(self.server.clone()));
        out.list.push(Output::Dial { conn: Self::mate(conn), dial: 0 });
        Some(conn)
    }

    fn arrive(&mut self, _: Now, _: Box<ClientSeed>, _: &mut Outputs) -> ConnId {
        unreachable!("nobody is sent here")
    }

    fn appetite(&self, _: ConnId) -> usize {
        64 * 1024
    }

    fn on(&mut self, _: Now, input: Input<'_>, out: &mut Outputs) -> Taken {
        match input {
            Input::Bytes { conn, bytes } => {
                if !self.up[conn.index()] {
                    return Taken { used: 0, then: Then::WhenTold };
                }
                let span = Span { start: 0, len: u32::try_from(bytes.len()).unwrap_or(0) };
                out.list.push(Output::Send { to: Self::mate(conn), piece: Piece::Input(span) });
                return Taken { used: bytes.len(), then: Then::More };
            }
            Input::Dialled { conn } => {
                self.up[conn.index()] = true;
                out.list.push(Output::Read { conn: Self::mate(conn) });
            }
            Input::Backlogged { conn } => out.list.push(Output::Hold { conn: Self::mate(conn) }),
            Input::Drained { conn } => out.list.push(Output::Read { conn: Self::mate(conn) }),
            Input::Gone { conn, .. } | Input::DialFailed { conn, .. } => self.part(conn, out),
            _ => {}
        }
        Taken::NOTHING
    }
}

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u16>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let (port, workers, listen) = (next(), next().max(1), next());
    let mut config = Config::for_tests();
    config.proxy.listen_port = listen;
    config.proxy.unix_socket_dir = None;
    let tuning = Tuning::of(&config.proxy);
    let bound = bind(&config.proxy, &tuning).map_err(io::Error::other)?;
    let (mails, berths) = berths(usize::from(workers))?;
    let (steward, _letters) = steward_box();
    let outfit = Outfit {
        steward,
        console: ConsoleDoor::new(drop),
        derivers: Derivers::start(1)?,
        resolver: Resolver::start(Arc::new(resolve::system))?,
        journal: Journal::start(&config.proxy)?,
        tuning,
        hoard: Hoard::default(),
        epoch: Instant::now(),
    };
    let mut server = Server::with_defaults("main".into());
    server.port = port;
    let server = Arc::new(server);
    let relay =
        |_| Relay { server: server.clone(), up: Vec::new(), free: Vec::new(), generations: Vec::new() };
    let _crew = Crew::start(berths, mails, &bound, &outfit, relay)?;
    for bound in &bound {
        println!("listen {}", bound.at);
    }
    loop {
        std::thread::park();
    }
}
