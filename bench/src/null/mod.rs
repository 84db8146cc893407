//! A server that speaks PostgreSQL and does nothing: every query answers with the same small row, at memory speed.
//!
//! It parses no SQL and keeps no statements; a Bind to a name never prepared succeeds here. It serves measurements only.

mod alarm;
mod session;
mod spans;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::net::{TcpListener, UnixListener};
use mio::{Events, Interest, Poll, Token};

use crate::line::{Ended, Line, Place, Socket};
use alarm::Alarm;
use session::Session;
use spans::Spans;

const DOOR: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
const SCRATCH_BYTES: usize = 64 * 1024;

/// Run a null PostgreSQL server: trust, one fixed row, no work.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Listen on this TCP port of 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 6543, conflicts_with = "socket")]
    port: u16,
    /// Listen on this unix socket instead.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Answer each query only after so many milliseconds on average, all connections side by side: each takes between a
    /// half and one and a half of it. With one span for all, connections fall into step, and how many clients there are
    /// for each of them would say more than what stands in between.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    work: u64,
}

enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    fn open(args: &Args) -> anyhow::Result<(Self, Place)> {
        if let Some(path) = &args.socket {
            let door = UnixListener::bind(path)
                .with_context(|| format!("cannot listen on {} (remove a stale one first)", path.display()))?;
            return Ok((Self::Unix(door), Place::Unix(path.clone())));
        }
        let door = TcpListener::bind(([127, 0, 0, 1], args.port).into())
            .with_context(|| format!("cannot listen on 127.0.0.1:{}", args.port))?;
        let place = Place::Tcp(door.local_addr()?);
        Ok((Self::Tcp(door), place))
    }

    fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(door) => door.accept().map(|(stream, _)| Socket::Tcp(stream)),
            Self::Unix(door) => door.accept().map(|(stream, _)| Socket::Unix(stream)),
        }
    }
}

struct Guest {
    line: Line,
    session: Session,
    /// Answers that are ready and not due.
    held: Vec<u8>,
}

/// Serves until it is killed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (mut door, place) = Door::open(args)?;
    let mut poll = Poll::new()?;
    match &mut door {
        Door::Tcp(door) => poll.registry().register(door, DOOR, Interest::READABLE)?,
        Door::Unix(door) => poll.registry().register(door, DOOR, Interest::READABLE)?,
    }
    eprintln!("null server: listening on {place}");
    let mut events = Events::with_capacity(1024);
    let work = (args.work > 0).then(|| Spans::around(Duration::from_millis(args.work)));
    let mut house =
        House { guests: Vec::new(), free: Vec::new(), out: Vec::new(), work, due: BinaryHeap::new() };
    let mut scratch = vec![0; SCRATCH_BYTES];
    let mut alarm = Alarm::new(poll.registry(), ALARM)?;
    loop {
        alarm.set(house.due.peek().map(|Reverse((due, _))| *due))?;
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != io::ErrorKind::Interrupted
        {
            bail!("waiting for sockets: {error}");
        }
        for event in &events {
            match event.token() {
                // What is due is looked for after every batch.
                ALARM => {}
                DOOR => house.admit_all(&door, poll.registry())?,
                Token(at) => house.turn(at, event.is_writable(), &mut scratch),
            }
        }
        house.answer_due();
    }
}

struct House {
    guests: Vec<Option<Guest>>,
    free: Vec<usize>,
    out: Vec<u8>,
    work: Option<Spans>,
    /// Who has answers held back, and until when.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
}

impl House {
    fn admit_all(&mut self, door: &Door, registry: &mio::Registry) -> anyhow::Result<()> {
        loop {
            let socket = match door.accept() {
                Ok(socket) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => bail!("accepting a connection: {error}"),
            };
            let at = self.free.pop().unwrap_or(self.guests.len());
            let line = Line::register(socket, registry, Token(at))?;
            line.no_delay()?;
            let guest = Some(Guest { line, session: Session::new(at), held: Vec::new() });
            match self.guests.get_mut(at) {
                Some(place) => *place = guest,
                None => self.guests.push(guest),
            }
        }
    }

    fn turn(&mut self, at: usize, writable: bool, scratch: &mut [u8]) {
        // A guest that left earlier in the same batch.
        let Some(guest) = self.guests.get_mut(at).and_then(Option::as_mut) else { return };
        self.out.clear();
        let out = &mut self.out;
        let works = guest.session.is_serving();
        let outcome = (|| {
            if writable {
                guest.line.flush()?;
            }
            let ended = guest.line.pump(scratch, |bytes| guest.session.take(bytes, out))?;
            match &mut self.work {
                Some(work) if works && !out.is_empty() => {
                    guest.held.extend_from_slice(out);
                    self.due.push(Reverse((Instant::now() + work.next(), at)));
                }
                _ => guest.line.send(out)?,
            }
            Ok::<_, io::Error>(ended)
        })();
        // A reset is how many clients leave; there is nobody to tell.
        let stays = matches!(outcome, Ok(Ended::No)) && !guest.session.is_over();
        if !stays {
            self.guests[at] = None;
            self.free.push(at);
        }
    }

    /// Hands out the answers whose time has come.
    fn answer_due(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((due, at))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let Some(guest) = self.guests.get_mut(at).and_then(Option::as_mut) else { continue };
            let held = std::mem::take(&mut guest.held);
            if guest.line.send(&held).is_err() {
                self.guests[at] = None;
                self.free.push(at);
            }
        }
    }
}
