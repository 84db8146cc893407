//! What the kernel is told about sockets, and what happens when it has none left. A process of its own: the limit of open
//! files is everybody's.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::time::Now;
use model::config::checked::{Config, Proxy};
use proxy::door::Doors;
use proxy::door::listen::{At, bind};
use proxy::worker::tuning::Tuning;
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, SockRef, Socket, Type};

/// Tests that open sockets don't run beside the one that uses them up.
static DESCRIPTORS: Mutex<()> = Mutex::new(());

fn settings() -> Proxy {
    Proxy { listen_port: 0, unix_socket_dir: None, ..Config::for_tests().proxy }
}

#[test]
fn dead_peers_are_looked_for_and_clients_that_pause_are_not_ended() {
    let _alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let tuning = Tuning::of(&Proxy { tcp_keepidle: Some(Duration::from_secs(42)), ..settings() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    tuning.listener(SockRef::from(&listener)).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let accepted = SockRef::from(&accepted);
    assert!(accepted.keepalive().unwrap());
    assert_eq!(accepted.tcp_keepalive_time().unwrap(), Duration::from_secs(42));
    assert_eq!(accepted.tcp_user_timeout().unwrap(), None, "a closed window is no death");
    let dial = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    tuning.dial(SockRef::from(&dial)).unwrap();
    assert!(dial.keepalive().unwrap());
    assert_eq!(dial.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
}

/// Everything the limit leaves.
fn use_up_descriptors() -> Vec<File> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).expect("the limit can be lowered");
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn a_client_for_whom_no_descriptor_is_left_is_told_and_the_door_rests() {
    let _alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let settings = settings();
    let bound = bind(&settings, &Tuning::of(&settings)).unwrap();
    let At::Tcp(address) = bound[0].at else { panic!("tcp") };
    let poll = mio::Poll::new().unwrap();
    let mut doors = Doors::open(&bound, poll.registry()).unwrap();
    let connect = |address: SocketAddr| TcpStream::connect(address).unwrap();
    let (mut first, _second) = (connect(address), connect(address));
    let files = use_up_descriptors();
    assert!(doors.accept(Now(0)).is_none());
    first.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut words = Vec::new();
    first.read_to_end(&mut words).unwrap();
    assert!(words.windows(5).any(|word| word == b"53300"), "{}", words.escape_ascii());
    assert!(!doors.is_knocked(Now(1)), "it would be the same a moment later");
    drop(files);
    assert!(doors.accept(Now(10_000_000)).is_some(), "whoever waited comes in");
}
