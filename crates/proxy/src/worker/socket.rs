//! A connection's two ways: reading and writing, whatever lies beneath. Not here: when to do either.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

/// A connected (or connecting) stream, non-blocking.
#[derive(Debug)]
pub enum Line {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a unix socket.
    Unix(UnixStream),
}

/// A stream that leaves the workers' loops; still non-blocking.
#[derive(Debug)]
pub enum Detached {
    /// Over TCP.
    Tcp(std::net::TcpStream),
    /// Over a unix socket.
    Unix(std::os::unix::net::UnixStream),
}

impl Line {
    /// Reads what is there; 0 is the peer's end.
    #[inline]
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    /// Writes what fits.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    /// Writes what fits of several pieces.
    #[inline]
    pub fn write_pieces(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(pieces),
            Self::Unix(stream) => stream.write_vectored(pieces),
        }
    }

    /// Tells the peer that nothing more will come.
    pub fn end_writing(&mut self) {
        // A peer that is gone already needs no telling.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// The error the kernel has noted, if any; asking clears it.
    pub fn error(&self) -> Option<io::Error> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
        }
        .unwrap_or_else(Some)
    }

    /// True once a dial has got through.
    pub fn is_connected(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.peer_addr().is_ok(),
            Self::Unix(stream) => stream.peer_addr().is_ok(),
        }
    }

    /// Our own end, where it has an address.
    pub fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Starts reporting events, edge-triggered.
    ///
    /// A TCP socket reports both directions for good: room to write costs no event of its own there. On a unix socket
    /// every read by the peer would, so room is asked for only while something waits to be written.
    pub fn register(&mut self, registry: &Registry, token: Token, wants_room: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => registry.register(stream, token, Interest::READABLE | Interest::WRITABLE),
            Self::Unix(stream) => registry.register(stream, token, unix_interest(wants_room)),
        }
    }

    /// Asks for, or stops asking for, room to write.
    pub fn ask_for_room(&mut self, registry: &Registry, token: Token, wants_room: bool) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Unix(stream) => registry.reregister(stream, token, unix_interest(wants_room)),
        }
    }

    /// Stops reporting events: the descriptor lives on elsewhere.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            Self::Unix(stream) => stream.deregister(registry),
        }
    }

    /// Leaves the loops.
    pub fn detach(self) -> Detached {
        match self {
            Self::Tcp(stream) => Detached::Tcp(stream.into()),
            Self::Unix(stream) => Detached::Unix(stream.into()),
        }
    }
}

fn unix_interest(wants_room: bool) -> Interest {
    if wants_room { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE }
}
