//! The doors of one worker: accepting, and what to do when no descriptor is left. Not here: who may come in.
//!
//! Every worker accepts from the same listening sockets, each through a duplicate of its own. A listener of its own per
//! worker (SO_REUSEPORT) would spread better, but does not exist for unix sockets, and what stands in the queue of a
//! worker that drains would be lost.

use std::fs::File;
use std::io;
use std::time::Duration;

use engine::contract::Peer;
use engine::time::Now;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::SockRef;
use wire::encode::ErrorText;
use wire::sqlstate::SqlState;

use crate::worker::socket::Line;
use crate::worker::tuning::Tuning;
use listen::{Bound, Listener};

pub mod limits;
pub mod listen;

/// The mailbox's name in the event loop.
pub const MAIL: Token = Token(usize::MAX);
/// The passing of time's.
pub const PULSE: Token = Token(MAIL.0 - 1);
/// The listeners' names lie below them; no connection's name comes near.
const DOORS_MAX: usize = 64;
/// Connections accepted per turn: a crowd at the door must not stop those inside.
const ACCEPTS_PER_TURN: u32 = 16;
/// Pause after the process ran out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Debug)]
struct Door {
    /// `None` once it is closed for good; its place is its name, so it stays in the list.
    socket: Option<Socket>,
    knocked: bool,
}

/// All doors of one worker.
#[derive(Debug)]
pub struct Doors {
    doors: Vec<Door>,
    /// Given up when no descriptor is left, so that a client can be told.
    spare: Option<File>,
    closed_until: Now,
    accepted: u32,
    apology: Box<[u8]>,
}

impl Doors {
    /// True where a token is no connection's.
    #[inline]
    pub fn owns(token: Token) -> bool {
        token.0 >= PULSE.0 - DOORS_MAX
    }

    /// Doors to these listeners.
    pub fn open(listeners: &[Bound], registry: &Registry) -> io::Result<Self> {
        let mut doors = Vec::new();
        for (number, bound) in listeners.iter().take(DOORS_MAX).enumerate() {
            let token = Token(PULSE.0 - 1 - number);
            let socket = match &bound.listener {
                Listener::Tcp(listener) => {
                    let mut listener = TcpListener::from_std(listener.try_clone()?);
                    registry.register(&mut listener, token, Interest::READABLE)?;
                    Socket::Tcp(listener)
                }
                Listener::Unix(listener) => {
                    let mut listener = UnixListener::from_std(listener.try_clone()?);
                    registry.register(&mut listener, token, Interest::READABLE)?;
                    Socket::Unix(listener)
                }
            };
            doors.push(Door { socket: Some(socket), knocked: true });
        }
        Ok(Self { doors, spare: spare(), closed_until: Now(0), accepted: 0, apology: apology() })
    }

    /// Notes an event. False where it belongs to a connection.
    #[inline]
    pub fn knock(&mut self, token: Token) -> bool {
        if !Self::owns(token) {
            return false;
        }
        if let Some(door) = (PULSE.0 - 1).checked_sub(token.0).and_then(|number| self.doors.get_mut(number)) {
            door.knocked = true;
        }
        true
    }

    /// True where somebody may stand at a door that is not shut for the moment.
    #[inline]
    pub fn is_knocked(&self, now: Now) -> bool {
        now >= self.closed_until && self.doors.iter().any(|door| door.knocked)
    }

    /// The next one to come in, in this turn; `None` ends the turn.
    pub fn accept(&mut self, now: Now) -> Option<(Line, Peer)> {
        while self.accepted < ACCEPTS_PER_TURN && self.is_knocked(now) {
            let door = self.doors.iter_mut().find(|door| door.knocked)?;
            match door.accept() {
                Ok(came) => {
                    self.accepted += 1;
                    return Some(came);
                }
                Err(error) => self.refused(&error, now),
            }
        }
        self.accepted = 0;
        None
    }

    fn refused(&mut self, error: &io::Error, now: Now) {
        let Some(door) = self.doors.iter_mut().find(|door| door.knocked) else { return };
        if error.kind() == io::ErrorKind::WouldBlock {
            door.knocked = false;
            return;
        }
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE) => {
                drop(self.spare.take());
                if let Ok((line, _)) = door.accept() {
                    // Best effort: the socket is new, so its buffer takes this.
                    let _ = line.write(&self.apology);
                    line.end_writing();
                }
                self.spare = spare();
                self.closed_until = now.plus(PAUSE);
                tracing::error!(%error, "no descriptor left for a client: raise the limit of open files or lower max_client_conn");
            }
            Some(Errno::NOMEM | Errno::NOBUFS) => {
                self.closed_until = now.plus(PAUSE);
                tracing::error!(%error, "cannot accept");
            }
            // The client that knocked has left again.
            _ => self.accepted += 1,
        }
    }

    /// Takes over changed settings, for clients to come.
    pub fn retune(&self, tuning: &Tuning) {
        for door in &self.doors {
            if let Some(Socket::Tcp(listener)) = &door.socket
                && let Err(error) = tuning.listener(SockRef::from(listener))
            {
                tracing::warn!(%error, "cannot change the settings of a listening socket");
            }
        }
    }

    /// No new clients from the network; unix sockets stay for the console.
    pub fn close_to_network(&mut self) {
        for door in &mut self.doors {
            if matches!(door.socket, Some(Socket::Tcp(_))) {
                door.socket = None;
            }
        }
    }
}

impl Door {
    fn accept(&mut self) -> io::Result<(Line, Peer)> {
        match &self.socket {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Socket::Tcp(listener)) => {
                let (stream, address) = listener.accept()?;
                Ok((Line::Tcp(stream), Peer::Ip(address.ip(), address.port())))
            }
            Some(Socket::Unix(listener)) => {
                let (stream, _) = listener.accept()?;
                let peer = rustix::net::sockopt::socket_peercred(&stream).map_or(
                    Peer::Unix { uid: u32::MAX, pid: 0 },
                    |known| Peer::Unix {
                        uid: known.uid.as_raw(),
                        pid: u32::try_from(known.pid.as_raw_nonzero().get()).unwrap_or(0),
                    },
                );
                Ok((Line::Unix(stream), peer))
            }
        }
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// What a client reads for whom there is no descriptor.
fn apology() -> Box<[u8]> {
    let mut frame = Vec::new();
    let text = ErrorText {
        severity: "FATAL",
        code: SqlState::TOO_MANY_CONNECTIONS,
        message: "no more connections allowed (open files limit)",
        detail: None,
        hint: Some("Try again in a moment."),
    };
    wire::encode::error(&mut frame, &text);
    frame.into_boxed_slice()
}
