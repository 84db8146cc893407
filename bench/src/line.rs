//! One connection over TCP or a unix socket, non-blocking and edge-triggered. It knows no protocol.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

/// Where a PostgreSQL-speaking process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A connected (or connecting) socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    pub(crate) fn dial(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(address) => TcpStream::connect(*address).map(Self::Tcp),
            Place::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }
}

/// Whether the other side may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    No,
    Yes,
}

/// A socket with what could not be understood yet and what could not be sent yet.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Socket,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Line {
    /// Registers once, for both directions; `TCP_NODELAY` as libpq and every pooler sets it.
    pub(crate) fn register(mut socket: Socket, registry: &Registry, token: Token) -> io::Result<Self> {
        registry.register(socket.source(), token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { socket, unread: Vec::new(), unsent: Vec::new() })
    }

    /// For a socket whose connection is established: before that the option may be refused.
    pub(crate) fn no_delay(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => stream.set_nodelay(true),
            Socket::Unix(_) => Ok(()),
        }
    }

    /// Reads all there is. `take` gets the bytes and says how many it used; the rest is offered again with more.
    pub(crate) fn pump(
        &mut self,
        scratch: &mut [u8],
        mut take: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Ended> {
        loop {
            let count = match self.socket.read(scratch) {
                Ok(0) => return Ok(Ended::Yes),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Ended::No),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let fresh = &scratch[..count];
            if self.unread.is_empty() {
                let used = take(fresh)?;
                self.unread.extend_from_slice(&fresh[used..]);
            } else {
                self.unread.extend_from_slice(fresh);
                let used = take(&self.unread)?;
                self.unread.drain(..used);
            }
            // A short read means the socket is empty: the next byte, or the end, makes a new edge.
            if count < scratch.len() {
                return Ok(Ended::No);
            }
        }
    }

    /// Sends now what fits and keeps the rest for [`Line::flush`].
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return self.flush();
        }
        let sent = write_some(&mut self.socket, bytes)?;
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// The socket is writable again.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let sent = write_some(&mut self.socket, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        Ok(())
    }
}

fn write_some(socket: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // Still connecting: the first writable event sends it.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
