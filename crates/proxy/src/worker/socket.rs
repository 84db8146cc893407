//! A connection's two ways: reading and writing, whatever lies beneath. Not here: when to do either.

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendFlags};

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
    ///
    /// This and the two below are bare system calls: the C library's are points where a thread may be cancelled, which
    /// costs as much as a good part of the engine.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (read, _) = rustix::net::recv(self, buffer, RecvFlags::empty())?;
        Ok(read)
    }

    /// Writes what fits.
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self, bytes, SendFlags::NOSIGNAL)?)
    }

    /// Writes what fits of several pieces. SIGPIPE is ignored in the whole process.
    #[inline]
    pub fn write_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self, pieces)?)
    }

    /// Tells the peer that nothing more will come.
    pub fn end_writing(&self) {
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

impl AsFd for Line {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

fn unix_interest(wants_room: bool) -> Interest {
    if wants_room { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE }
}
