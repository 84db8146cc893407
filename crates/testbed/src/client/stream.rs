//! A TCP or unix socket with a time limit.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Doing, Error, Result};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A unix socket's path, `.../.s.PGSQL.5432`.
    Unix(PathBuf),
}

impl Address {
    /// Reads `127.0.0.1:5432`.
    pub fn tcp(text: &str) -> Result<Self> {
        text.parse().map(Self::Tcp).map_err(|_| Error::Protocol(format!("{text:?} is no address")))
    }

    /// What libpq calls host.
    pub fn host(&self) -> String {
        match self {
            Self::Tcp(address) => address.ip().to_string(),
            Self::Unix(path) => path.parent().map(|folder| folder.display().to_string()).unwrap_or_default(),
        }
    }

    /// What libpq calls port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix(path) => path.extension().and_then(|port| port.to_str()?.parse().ok()).unwrap_or(5432),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn open(address: &Address) -> Result<Self> {
        match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).doing(format!("connecting to {address}"))?;
                stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
                Ok(Self::Tcp(stream))
            }
            Address::Unix(path) => {
                UnixStream::connect(path).map(Self::Unix).doing(format!("connecting to {}", path.display()))
            }
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(stream) => {
                    stream.set_read_timeout(Some(patience)).and_then(|()| stream.read(buffer))
                }
                Self::Unix(stream) => {
                    stream.set_read_timeout(Some(patience)).and_then(|()| stream.read(buffer))
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub(super) fn shut_writing(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
