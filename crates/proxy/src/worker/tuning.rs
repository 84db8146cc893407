//! How sockets are set up: what the configuration says, in the kernel's terms.

use std::io;
use std::time::Duration;

use model::config::checked::Proxy;
use socket2::{SockRef, TcpKeepalive};

/// Settings of sockets and buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Find dead peers.
    pub keepalive: bool,
    /// Probes without an answer; 0 is the system's choice.
    pub keepalive_count: u32,
    /// Silence before the first probe.
    pub keepalive_idle: Option<Duration>,
    /// Time between probes.
    pub keepalive_interval: Option<Duration>,
    /// How long sent bytes may stay unacknowledged by a client.
    pub client_user_timeout: Option<Duration>,
    /// The same for a server.
    pub server_user_timeout: Option<Duration>,
    /// The kernel's buffers; 0 is the system's choice.
    pub socket_buffer: usize,
    /// What all kept bytes together may take.
    pub buffer_bytes_max: usize,
    /// How long a resolved name is believed.
    pub names_believed: Duration,
}

impl Tuning {
    /// What these settings say.
    pub fn of(proxy: &Proxy) -> Self {
        Self {
            keepalive: proxy.tcp_keepalive,
            keepalive_count: proxy.tcp_keepcnt,
            keepalive_idle: proxy.tcp_keepidle,
            keepalive_interval: proxy.tcp_keepintvl,
            client_user_timeout: proxy.tcp_user_timeout,
            server_user_timeout: proxy.server_tcp_user_timeout,
            socket_buffer: bytes(proxy.tcp_socket_buffer),
            buffer_bytes_max: bytes(proxy.buffer_bytes_max),
            names_believed: proxy.dns_max_ttl,
        }
    }

    /// Sets a TCP listener up. Linux hands all of it on to the connections that are accepted from it, so that accepting
    /// costs no further call.
    pub fn listener(&self, socket: SockRef<'_>) -> io::Result<()> {
        self.both(&socket)?;
        socket.set_tcp_user_timeout(self.client_user_timeout)
    }

    /// Sets the socket of a dial up, before it connects.
    pub fn dial(&self, socket: SockRef<'_>) -> io::Result<()> {
        self.both(&socket)?;
        socket.set_tcp_user_timeout(self.server_user_timeout)
    }

    fn both(&self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_tcp_nodelay(true)?;
        if self.socket_buffer > 0 {
            socket.set_send_buffer_size(self.socket_buffer)?;
            socket.set_recv_buffer_size(self.socket_buffer)?;
        }
        socket.set_keepalive(self.keepalive)?;
        if !self.keepalive {
            return Ok(());
        }
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = self.keepalive_idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = self.keepalive_interval {
            keepalive = keepalive.with_interval(interval);
        }
        if self.keepalive_count > 0 {
            keepalive = keepalive.with_retries(self.keepalive_count);
        }
        socket.set_tcp_keepalive(&keepalive)
    }
}

fn bytes(setting: u64) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use model::config::checked::Config;
    use socket2::{Domain, Socket, Type};

    use super::*;

    fn tuned(change: impl FnOnce(&mut Proxy)) -> Tuning {
        let mut proxy = Config::default().proxy;
        change(&mut proxy);
        Tuning::of(&proxy)
    }

    fn socket() -> Socket {
        Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()
    }

    /// A client's socket as a listener of these settings gives it.
    fn accepted(tuning: &Tuning) -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        tuning.listener(SockRef::from(&listener)).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap().0.into()
    }

    fn dialled(tuning: &Tuning) -> Socket {
        let socket = socket();
        tuning.dial(SockRef::from(&socket)).unwrap();
        socket
    }

    #[test]
    fn dead_peers_are_looked_for_as_often_as_the_settings_say() {
        let tuning = tuned(|proxy| {
            proxy.tcp_keepidle = Some(Duration::from_secs(91));
            proxy.tcp_keepintvl = Some(Duration::from_secs(7));
            proxy.tcp_keepcnt = 4;
        });
        for socket in [accepted(&tuning), dialled(&tuning)] {
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(91));
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        }
        let tuning = tuned(|proxy| proxy.tcp_keepalive = false);
        for socket in [accepted(&tuning), dialled(&tuning)] {
            assert!(!socket.keepalive().unwrap());
        }
    }

    #[test]
    fn clients_and_servers_have_a_patience_each() {
        let tuning = tuned(|proxy| {
            proxy.tcp_user_timeout = Some(Duration::from_secs(11));
            proxy.server_tcp_user_timeout = Some(Duration::from_secs(12));
        });
        assert_eq!(accepted(&tuning).tcp_user_timeout().unwrap(), Some(Duration::from_secs(11)));
        assert_eq!(dialled(&tuning).tcp_user_timeout().unwrap(), Some(Duration::from_secs(12)));
    }

    #[test]
    fn buffers_have_the_size_asked_for() {
        let tuning = tuned(|proxy| proxy.tcp_socket_buffer = 32 * 1024);
        let usual = socket().recv_buffer_size().unwrap();
        for socket in [accepted(&tuning), dialled(&tuning)] {
            // Linux doubles what is asked for, to have room for its own notes: socket(7).
            assert_eq!(socket.recv_buffer_size().unwrap(), 64 * 1024);
            assert_eq!(socket.send_buffer_size().unwrap(), 64 * 1024);
        }
        let tuning = tuned(|proxy| proxy.tcp_socket_buffer = 0);
        assert_eq!(dialled(&tuning).recv_buffer_size().unwrap(), usual);
    }
}
