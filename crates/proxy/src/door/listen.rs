//! Binding: every address of the configuration, before anything else starts, with errors that say what to change.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use model::config::checked::{ListenAddr, Proxy};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::worker::dial::{socket_path, unix_address};
use crate::worker::tuning::Tuning;

/// Why a listener is not there.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {error}; change listen_addr or listen_port, or stop whoever listens there"
    )]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// A process answers on the socket file.
    #[error("unix socket is in use, cannot continue: {}; stop the other process, or change unix_socket_dir or listen_port", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The path is something else.
    #[error("{} is no socket; move it away, or change unix_socket_dir", path.display())]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// The socket file can't be made.
    #[error("cannot listen on {}: {error}; change unix_socket_dir, or its permissions", path.display())]
    Unix {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The group is unknown or can't be given.
    #[error("cannot give {} to the group {group:?}: {error}; change unix_socket_group", path.display())]
    Group {
        /// The file.
        path: PathBuf,
        /// The group.
        group: String,
        /// What the system says.
        error: io::Error,
    },
    /// Neither an address nor a directory is set.
    #[error("nothing to listen on: set listen_addr or unix_socket_dir")]
    Nowhere,
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Tcp(TcpListener),
    /// Over a unix socket.
    Unix(UnixListener),
}

/// Where a listener is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// Over TCP, with the port the system chose where 0 was asked for.
    Tcp(SocketAddr),
    /// Over a unix socket; a path that begins with `@` lies in the abstract name space.
    Unix(PathBuf),
}

/// A listener and where it is found.
#[derive(Debug)]
pub struct Bound {
    /// The socket, non-blocking.
    pub listener: Listener,
    /// Its address.
    pub at: At,
}

impl At {
    /// The address alone, as PgBouncer writes it.
    pub fn place(&self) -> String {
        match self {
            Self::Tcp(address) => address.to_string(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::Unix(path) => write!(f, "unix {}", path.display()),
        }
    }
}

/// Binds everything, TCP first: where the system chooses the port, all others take the first one's.
pub fn bind(proxy: &Proxy, tuning: &Tuning) -> Result<Vec<Bound>, ListenError> {
    let mut all = Vec::new();
    let mut port = proxy.listen_port;
    for listen in &proxy.listen_addr {
        let (ips, needed) = addresses(listen);
        let before = all.len();
        let mut refused = None;
        for ip in ips {
            let address = SocketAddr::new(ip, port);
            match bind_tcp(address, proxy, tuning) {
                Ok(bound) => {
                    if let At::Tcp(address) = bound.at {
                        port = address.port();
                    }
                    all.push(bound);
                }
                // One of the two families may be missing on this machine, not both.
                Err(error) if !needed && is_absent(&error) => refused = Some((address, error)),
                Err(error) => return Err(ListenError::Tcp { address, error }),
            }
        }
        if let Some((address, error)) = refused
            && all.len() == before
        {
            return Err(ListenError::Tcp { address, error });
        }
    }
    if let Some(directory) = &proxy.unix_socket_dir {
        all.push(bind_unix(&socket_path(directory, port), proxy)?);
    }
    if all.is_empty() { Err(ListenError::Nowhere) } else { Ok(all) }
}

/// The addresses meant, and whether each of them must exist.
fn addresses(listen: &ListenAddr) -> (Vec<IpAddr>, bool) {
    match listen {
        ListenAddr::Ip(ip) => (vec![*ip], true),
        ListenAddr::Any => (vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()], false),
        ListenAddr::Localhost => (vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()], false),
    }
}

fn is_absent(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT)
    )
}

fn bind_tcp(address: SocketAddr, proxy: &Proxy, tuning: &Tuning) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    if proxy.so_reuseport {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    tuning.listener(SockRef::from(&socket))?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(backlog(proxy))?;
    let listener = TcpListener::from(socket);
    let at = At::Tcp(listener.local_addr()?);
    Ok(Bound { listener: Listener::Tcp(listener), at })
}

fn backlog(proxy: &Proxy) -> i32 {
    i32::try_from(proxy.listen_backlog).unwrap_or(i32::MAX)
}

fn bind_unix(path: &Path, proxy: &Proxy) -> Result<Bound, ListenError> {
    let refused = |error| ListenError::Unix { path: path.into(), error };
    let address = unix_address(path).map_err(refused)?;
    let on_disk = address.as_pathname().is_some();
    if on_disk {
        clear_stale(path)?;
    }
    let listener = UnixListener::bind_addr(&address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { path: path.into() },
        _ => refused(error),
    })?;
    listener.set_nonblocking(true).map_err(refused)?;
    // Listening began with the standard library's backlog; listening again sets ours.
    SockRef::from(&listener).listen(backlog(proxy)).map_err(refused)?;
    if on_disk {
        if let Some(group) = &proxy.unix_socket_group {
            let named = |error| ListenError::Group { path: path.into(), group: group.to_string(), error };
            chown(path, None, Some(group_id(group).map_err(named)?)).map_err(named)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(proxy.unix_socket_mode.0)).map_err(refused)?;
    }
    Ok(Bound { listener: Listener::Unix(listener), at: At::Unix(path.into()) })
}

/// Removes a socket file that a dead process left behind, and nothing else.
fn clear_stale(path: &Path) -> Result<(), ListenError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(ListenError::NoSocket { path: path.into() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| ListenError::Unix { path: path.into(), error })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) | Err(_) => Err(ListenError::InUse { path: path.into() }),
    }
}

/// A group's number: written as one, or looked up in `/etc/group`.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let list = fs::read_to_string("/etc/group")?;
    list.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such group"))
}

/// Removes the socket files of these listeners: at the end of the process.
pub fn remove_files(ats: &[At]) {
    for at in ats {
        if let At::Unix(path) = at
            && !path.to_string_lossy().starts_with('@')
        {
            // Somebody else may have cleared it away; then there is nothing left to do.
            let _ = fs::remove_file(path);
        }
    }
}
