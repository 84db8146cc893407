//! Listening: ports, socket files, peers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use engine::contract::Peer;
use engine::orders::{Drain, Order};
use model::config::checked::{Config, ListenAddr, Octal, Proxy};
use proxy::door::listen::{At, ListenError, bind};
use proxy::mail::Letter;
use proxy::worker::tuning::Tuning;

use crate::dials::scratch;
use crate::toy::{Heard, Setup, all, patient, pattern, read, relay, write};

fn settings(directory: Option<&std::path::Path>) -> Proxy {
    let mut proxy = Config::for_tests().proxy;
    proxy.listen_port = 0;
    proxy.unix_socket_dir = directory.map(Into::into);
    proxy
}

fn tuned(proxy: &Proxy) -> Result<Vec<proxy::door::listen::Bound>, ListenError> {
    bind(proxy, &Tuning::of(proxy))
}

#[test]
fn a_port_the_system_chose_is_everybodys() {
    let directory = scratch("port");
    let mut proxy = settings(Some(&directory));
    proxy.listen_addr = vec![ListenAddr::Localhost, ListenAddr::Ip([127, 0, 0, 2].into())];
    proxy.unix_socket_mode = Octal(0o700);
    let bound = tuned(&proxy).unwrap();
    let ports: Vec<u16> =
        bound.iter().filter_map(|b| if let At::Tcp(a) = b.at { Some(a.port()) } else { None }).collect();
    assert!(ports.len() >= 2 && ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    let path = directory.join(format!(".s.PGSQL.{}", ports[0]));
    assert_eq!(bound.last().unwrap().at, At::Unix(path.clone()));
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_taken_port_is_an_error_that_says_what_to_change() {
    let first = tuned(&settings(None)).unwrap();
    let At::Tcp(address) = first[0].at else { panic!("tcp") };
    let mut proxy = settings(None);
    proxy.listen_port = address.port();
    let error = tuned(&proxy).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("listen_port"), "{error}");
}

#[test]
fn a_socket_file_is_taken_over_only_from_the_dead() {
    let directory = scratch("stale");
    let mut proxy = settings(Some(&directory));
    proxy.listen_addr = Vec::new();
    proxy.listen_port = 6432;
    let path = directory.join(".s.PGSQL.6432");
    drop(UnixListener::bind(&path).unwrap());
    let ours = tuned(&proxy).unwrap();
    let error = tuned(&proxy).unwrap_err();
    assert!(error.to_string().contains("unix socket is in use, cannot continue"), "{error}");
    drop(ours);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    assert!(matches!(tuned(&proxy), Err(ListenError::NoSocket { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn listening_nowhere_is_refused() {
    let mut proxy = settings(None);
    proxy.listen_addr = Vec::new();
    assert!(matches!(tuned(&proxy), Err(ListenError::Nowhere)));
}

#[test]
fn a_neighbour_is_known_by_its_process() {
    let directory = scratch("peer");
    let setup = Setup { proxy: settings(Some(&directory)), ..Setup::default() };
    let shell = setup.start(|_| {
        Box::new(|heard, out| {
            if let Heard::Bytes(conn, bytes) = heard {
                out.list.push(relay(*conn, bytes));
            }
            all(heard)
        })
    });
    let path = shell
        .at
        .iter()
        .find_map(|at| if let At::Unix(path) = at { Some(path.clone()) } else { None })
        .unwrap();
    let mut stream = UnixStream::connect(path).unwrap();
    let peer =
        shell.wait(|heard| if let Heard::Accepted(_, peer) = heard { Some(peer.clone()) } else { None });
    assert_eq!(peer, Peer::Unix { uid: rustix::process::geteuid().as_raw(), pid: std::process::id() });
    // There and back, more than the socket takes: room is asked for when it is needed.
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || write(&mut writer, &pattern(3_000_000)));
    assert!(read(&mut stream, 3_000_000) == pattern(3_000_000), "every byte in its place");
    writing.join().unwrap();
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn several_workers_share_the_door() {
    let shell = Setup { workers: 2, ..Setup::default() }.start(|_| {
        Box::new(|heard, out| {
            if let Heard::Bytes(conn, bytes) = heard {
                out.list.push(relay(*conn, bytes));
            }
            all(heard)
        })
    });
    let mut streams: Vec<_> = (0..100).map(|_| shell.connect()).collect();
    for stream in &mut streams {
        write(stream, b"hello");
    }
    for stream in &mut streams {
        assert_eq!(read(stream, 5), b"hello");
    }
}

#[test]
fn a_drain_closes_the_door_to_the_network() {
    let directory = scratch("drain");
    let setup = Setup { proxy: settings(Some(&directory)), ..Setup::default() };
    let shell = setup.start(|_| Box::new(|heard, _| all(heard)));
    let (_stream, _) = shell.client();
    assert!(shell.mails[0].send(Letter::Order(Order::Drain(Drain::WhenIdle))));
    shell.poke(0, 1);
    assert_eq!(shell.next(), Heard::Poked(1));
    let refused = std::net::TcpStream::connect(shell.address()).map(patient);
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    let path = shell
        .at
        .iter()
        .find_map(|at| if let At::Unix(path) = at { Some(path.clone()) } else { None })
        .unwrap();
    let _stream = UnixStream::connect(path).unwrap();
    shell.wait(|heard| matches!(heard, Heard::Accepted(..)).then_some(()));
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn one_port_is_shared_where_it_was_asked_for() {
    let mut proxy = settings(None);
    proxy.so_reuseport = true;
    let first = tuned(&proxy).unwrap();
    let At::Tcp(address) = first[0].at else { panic!("tcp") };
    proxy.listen_port = address.port();
    assert!(tuned(&proxy).is_ok());
    proxy.so_reuseport = false;
    assert!(tuned(&proxy).is_err());
}

#[test]
fn no_more_knock_than_the_backlog_holds() {
    let directory = scratch("backlog");
    let mut proxy = settings(Some(&directory));
    proxy.listen_addr = Vec::new();
    proxy.listen_port = 6432;
    let held = |backlog: u32| {
        proxy.listen_backlog = backlog;
        let _bound = tuned(&proxy).unwrap();
        let path = directory.join(".s.PGSQL.6432");
        let address = socket2::SockAddr::unix(&path).unwrap();
        let knocks = (0..50).map(|_| {
            let socket =
                socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM.nonblocking(), None)
                    .unwrap();
            socket.connect(&address).is_ok().then_some(socket)
        });
        let held = knocks.collect::<Vec<_>>().into_iter().flatten().count();
        fs::remove_file(path).unwrap();
        held
    };
    // Linux lets one more in: listen(2) counts from nought.
    let counts = [2, 20].map(held);
    assert_eq!(counts, [3, 21]);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_socket_file_is_given_to_its_group() {
    let directory = scratch("group");
    let mut proxy = settings(Some(&directory));
    // Root may give it to anybody, others to a group of theirs.
    let own = rustix::process::getgroups().unwrap_or_default();
    let group = match rustix::process::geteuid().is_root() {
        true => 65_534,
        false => own.last().map_or(rustix::process::getegid().as_raw(), |group| group.as_raw()),
    };
    proxy.unix_socket_group = Some(group.to_string().into());
    let bound = tuned(&proxy).unwrap();
    let At::Unix(path) = &bound.last().unwrap().at else { panic!("a unix socket comes last") };
    assert_eq!(std::os::unix::fs::MetadataExt::gid(&fs::metadata(path).unwrap()), group);
    drop(bound);
    proxy.unix_socket_group = Some("no such group".into());
    assert!(matches!(tuned(&proxy), Err(ListenError::Group { .. })));
    fs::remove_dir_all(directory).unwrap();
}
