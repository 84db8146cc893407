//! Opening connections to servers: which addresses, in which order, and what a failure means. Not here: whether and when
//! to dial, and how long it may take: the engine closes a dial that takes too long.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::linux::net::SocketAddrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::contract::{DialError, DialTo};
use mio::net::{TcpStream, UnixStream};
use model::config::checked::Host;
use model::id::ConnId;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::socket::Line;
use super::tuning::Tuning;
use crate::mail::WorkerMail;
use crate::resolve::{Answer, Resolver};

/// Where a server can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a unix socket; a path that begins with `@` lies in the abstract name space.
    Unix(Arc<Path>),
}

/// What a dial has come to.
#[derive(Debug)]
pub enum Step {
    /// Through.
    Connected(Line),
    /// The socket will tell.
    Connecting(Line),
    /// A name is being looked up, or the server's queue was full: later.
    Waiting,
    /// No address is left.
    Failed(DialError),
}

/// A dial under way.
#[derive(Debug)]
struct Dial {
    conn: ConnId,
    port: u16,
    /// Still to be tried, the next one last.
    left: Vec<Address>,
    /// To be tried again at the next tick.
    again: Option<Address>,
    last: DialError,
}

/// The dials under way, and the address that each connection to a server leads to.
#[derive(Debug)]
pub struct Dials {
    open: Vec<Dial>,
    routes: Vec<Option<(u32, Address)>>,
    resolver: Resolver,
    mail: WorkerMail,
}

impl Dials {
    /// None yet. Answers to names come to `mail`.
    pub fn new(resolver: Resolver, mail: WorkerMail) -> Self {
        Self { open: Vec::new(), routes: Vec::new(), resolver, mail }
    }

    /// Begins a dial.
    pub fn start(&mut self, conn: ConnId, to: &DialTo, tuning: &Tuning) -> Step {
        let mut dial = Dial { conn, port: 0, left: Vec::new(), again: None, last: DialError::Unresolved };
        match to {
            DialTo::SameAs(other) => match self.routes.get(other.index()) {
                Some(Some((generation, address))) if *generation == other.generation => {
                    dial.left.push(address.clone())
                }
                _ => dial.last = DialError::Unreachable,
            },
            DialTo::Server(server) => {
                dial.port = server.port;
                match &server.host {
                    Host::Ip(ip) => dial.left.push(Address::Tcp(SocketAddr::new(*ip, server.port))),
                    Host::Unix(directory) => {
                        dial.left.push(Address::Unix(socket_path(directory, server.port).into()))
                    }
                    Host::Name(name) => {
                        match self.resolver.ask(name, tuning.names_believed, conn, &self.mail) {
                            Answer::Later => {
                                self.open.push(dial);
                                return Step::Waiting;
                            }
                            Answer::Now(ips) => dial.hears(&ips),
                        }
                    }
                }
            }
        }
        self.open.push(dial);
        self.go_on(conn, tuning)
    }

    /// A name was looked up.
    pub fn resolved(&mut self, conn: ConnId, ips: &[IpAddr], tuning: &Tuning) -> Step {
        let Some(dial) = self.open.iter_mut().find(|dial| dial.conn == conn) else { return Step::Waiting };
        dial.hears(ips);
        self.go_on(conn, tuning)
    }

    /// The socket of a dial has failed.
    pub fn failed(&mut self, conn: ConnId, error: &io::Error, tuning: &Tuning) -> Step {
        let Some(dial) = self.open.iter_mut().find(|dial| dial.conn == conn) else {
            return Step::Failed(meaning(error));
        };
        dial.last = meaning(error);
        self.go_on(conn, tuning)
    }

    /// The socket of a dial is connected.
    pub fn done(&mut self, conn: ConnId) {
        self.open.retain(|dial| dial.conn != conn);
    }

    /// Nobody is interested in this connection any more.
    pub fn forget(&mut self, conn: ConnId) {
        if !self.open.is_empty() {
            self.done(conn);
        }
        if let Some(route) = self.routes.get_mut(conn.index()) {
            *route = None;
        }
    }

    /// Dials that found a full queue, to be tried again now.
    pub fn to_retry(&mut self) -> Vec<ConnId> {
        let mut waiting = Vec::new();
        for dial in &mut self.open {
            if let Some(address) = dial.again.take() {
                dial.left.push(address);
                waiting.push(dial.conn);
            }
        }
        waiting
    }

    /// Tries the next address.
    pub fn go_on(&mut self, conn: ConnId, tuning: &Tuning) -> Step {
        let Some(at) = self.open.iter().position(|dial| dial.conn == conn) else {
            return Step::Failed(DialError::Local);
        };
        let dial = &mut self.open[at];
        while let Some(address) = dial.left.pop() {
            match connect(&address, tuning) {
                Ok((line, through)) => {
                    note_route(&mut self.routes, conn, address);
                    if through {
                        self.open.swap_remove(at);
                        return Step::Connected(line);
                    }
                    return Step::Connecting(line);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    dial.again = Some(address);
                    return Step::Waiting;
                }
                Err(error) => dial.last = meaning(&error),
            }
        }
        let why = dial.last;
        self.open.swap_remove(at);
        Step::Failed(why)
    }
}

impl Dial {
    fn hears(&mut self, ips: &[IpAddr]) {
        self.left = ips.iter().rev().map(|ip| Address::Tcp(SocketAddr::new(*ip, self.port))).collect();
    }
}

fn note_route(routes: &mut Vec<Option<(u32, Address)>>, conn: ConnId, address: Address) {
    if routes.len() <= conn.index() {
        routes.resize(conn.index() + 1, None);
    }
    routes[conn.index()] = Some((conn.generation, address));
}

/// The socket file of a server.
pub fn socket_path(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

/// The address of a unix socket; a path that begins with `@` lies in the abstract name space.
pub fn unix_address(path: &Path) -> io::Result<std::os::unix::net::SocketAddr> {
    match path.to_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => std::os::unix::net::SocketAddr::from_abstract_name(name),
        None => std::os::unix::net::SocketAddr::from_pathname(path),
    }
}

/// Starts to connect; true where that is all there was to do.
fn connect(address: &Address, tuning: &Tuning) -> io::Result<(Line, bool)> {
    match address {
        Address::Unix(path) => {
            let stream = UnixStream::connect_addr(&unix_address(path)?)?;
            let through = stream.peer_addr().is_ok();
            Ok((Line::Unix(stream), through))
        }
        Address::Tcp(to) => {
            let socket = Socket::new(Domain::for_address(*to), Type::STREAM.nonblocking(), None)?;
            tuning.dial(SockRef::from(&socket))?;
            let result = socket.connect(&SockAddr::from(*to));
            let line = Line::Tcp(TcpStream::from_std(socket.into()));
            match result {
                Ok(()) => Ok((line, true)),
                Err(error) if errno(&error) == Some(Errno::INPROGRESS) => Ok((line, false)),
                // Never a retry: for TCP this means that the ports are used up.
                Err(error) if errno(&error) == Some(Errno::AGAIN) => Err(Errno::ADDRNOTAVAIL.into()),
                Err(error) => Err(error),
            }
        }
    }
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// What a failed attempt says about the server.
pub fn meaning(error: &io::Error) -> DialError {
    match errno(error) {
        Some(Errno::CONNREFUSED | Errno::NOENT | Errno::CONNRESET) => DialError::Refused,
        Some(
            Errno::MFILE
            | Errno::NFILE
            | Errno::NOMEM
            | Errno::NOBUFS
            | Errno::ADDRNOTAVAIL
            | Errno::ADDRINUSE,
        ) => DialError::Local,
        _ => DialError::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_descriptors_says_nothing_about_the_server() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::ADDRNOTAVAIL] {
            assert_eq!(meaning(&errno.into()), DialError::Local);
        }
        assert_eq!(meaning(&Errno::CONNREFUSED.into()), DialError::Refused);
        assert_eq!(meaning(&Errno::NOENT.into()), DialError::Refused);
        assert_eq!(meaning(&Errno::HOSTUNREACH.into()), DialError::Unreachable);
    }

    #[test]
    fn the_socket_file_is_named_as_postgresql_names_it() {
        assert_eq!(socket_path(Path::new("/run/pg"), 5433), Path::new("/run/pg/.s.PGSQL.5433"));
    }
}
