//! Opening connections to servers.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engine::contract::{DialError, DialTo, Output, Outputs};
use model::config::checked::{Host, Server};
use model::id::ConnId;

use crate::toy::{Heard, Setup, Shell, all, patient, pattern, read, relay, say, write};

/// A server of the configuration.
pub(crate) fn server(host: Host, port: u16) -> Arc<Server> {
    let mut server = Server::with_defaults("main".into());
    server.host = host;
    server.port = port;
    Arc::new(server)
}

pub(crate) fn server_at(address: SocketAddr) -> Arc<Server> {
    server(Host::Ip(address.ip()), address.port())
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("connwarden-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

const FAR: ConnId = ConnId::server(0, 7);

fn dial(conn: ConnId, to: DialTo, out: &mut Outputs) {
    out.list.push(Output::Dial { conn, dial: u32::try_from(out.dials.len()).unwrap() });
    out.dials.push(to);
}

/// A shell that dials `to` when it is poked, and says hello there.
fn dialler(to: Arc<Server>) -> Shell {
    let setup = Setup {
        lookup: Arc::new(|name| match name {
            "good.test" => Ok(vec![[127, 0, 0, 1].into()]),
            // Nobody listens on the first; it must not be the end of the dial.
            "both.test" => Ok(vec![[127, 0, 0, 9].into(), [127, 0, 0, 1].into()]),
            _ => Ok(Vec::new()),
        }),
        ..Setup::default()
    };
    let mut to = Some(to);
    setup.start(|_| {
        let to = to.take().unwrap();
        Box::new(move |heard, out| {
            match heard {
                Heard::Poked(0) => dial(FAR, DialTo::Server(to.clone()), out),
                Heard::Poked(number) => dial(ConnId::server(*number, 7), DialTo::SameAs(FAR), out),
                Heard::Dialled(conn) => out.list.push(say(*conn, b"hello")),
                Heard::Bytes(conn, bytes) => out.list.push(relay(*conn, bytes)),
                _ => {}
            }
            all(heard)
        })
    })
}

fn outcome(shell: &Shell) -> Heard {
    shell.wait(|heard| matches!(heard, Heard::Dialled(_) | Heard::DialFailed(..)).then(|| heard.clone()))
}

#[test]
fn a_server_is_reached_by_address_name_and_socket() {
    let directory = scratch("dial");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let unix = UnixListener::bind(directory.join(".s.PGSQL.5432")).unwrap();
    let hosts =
        [Host::Ip([127, 0, 0, 1].into()), Host::Name("good.test".into()), Host::Name("both.test".into())];
    for host in hosts {
        let shell = dialler(server(host, port));
        shell.poke(0, 0);
        assert_eq!(outcome(&shell), Heard::Dialled(FAR));
        let mut far = patient(tcp.accept().unwrap().0);
        assert_eq!(read(&mut far, 5), b"hello");
    }
    let shell = dialler(server(Host::Unix(directory.clone()), 5432));
    shell.poke(0, 0);
    assert_eq!(outcome(&shell), Heard::Dialled(FAR));
    let mut far = unix.accept().unwrap().0;
    assert_eq!(read(&mut far, 5), b"hello");
    // More than a unix socket takes at once: room is asked for and comes.
    let mut writer = far.try_clone().unwrap();
    let writing = std::thread::spawn(move || write(&mut writer, &pattern(2_000_000)));
    assert!(read(&mut far, 2_000_000) == pattern(2_000_000), "every byte in its place");
    writing.join().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_failed_dial_says_what_it_means() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (Host::Ip([127, 0, 0, 1].into()), DialError::Refused),
        (Host::Name("nowhere.test".into()), DialError::Unresolved),
        (Host::Name("both.test".into()), DialError::Refused),
        (Host::Unix("/nonexistent".into()), DialError::Refused),
    ];
    for (host, expected) in cases {
        let shell = dialler(server(host, free));
        shell.poke(0, 0);
        assert_eq!(outcome(&shell), Heard::DialFailed(FAR, expected));
    }
}

#[test]
fn a_cancel_goes_where_its_victim_leads() {
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let shell = dialler(server(Host::Name("good.test".into()), first.local_addr().unwrap().port()));
    shell.poke(0, 1);
    assert_eq!(outcome(&shell), Heard::DialFailed(ConnId::server(1, 7), DialError::Unreachable));
    shell.poke(0, 0);
    assert_eq!(outcome(&shell), Heard::Dialled(FAR));
    let _far = first.accept().unwrap();
    shell.poke(0, 2);
    assert_eq!(outcome(&shell), Heard::Dialled(ConnId::server(2, 7)));
    let mut again = patient(first.accept().unwrap().0);
    assert_eq!(read(&mut again, 5), b"hello");
}

#[test]
fn a_name_is_looked_up_again_when_its_answer_is_too_old() {
    let lookups = |believed| {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        let lookup = move |_: &str| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(vec![[127, 0, 0, 1].into()])
        };
        let mut setup = Setup { lookup: Arc::new(lookup), ..Setup::default() };
        setup.proxy.dns_max_ttl = believed;
        let to = server(Host::Name("good.test".into()), tcp.local_addr().unwrap().port());
        let shell = setup.start(|_| {
            let to = to.clone();
            Box::new(move |heard, out| {
                if let Heard::Poked(number) = heard {
                    dial(ConnId::server(*number, 7), DialTo::Server(to.clone()), out);
                }
                all(heard)
            })
        });
        for number in 0..3 {
            shell.poke(0, number);
            assert_eq!(outcome(&shell), Heard::Dialled(ConnId::server(number, 7)));
        }
        count.load(Ordering::Relaxed)
    };
    assert_eq!(lookups(Duration::from_secs(3_600)), 1);
    assert_eq!(lookups(Duration::ZERO), 3);
}
