//! What leaves a worker: clients to other workers and to the console, hash rounds to their threads, notes to the steward.

use engine::contract::{Derive, Destination, Output, Parcel, Peer, Then};
use engine::orders::{Note, PoolKey, Replication};
use engine::session::seed::{ClientSeed, ConsoleSeed};
use engine::time::Now;
use model::config::checked::SecretText;
use model::id::{ConnId, PublicId, SliceId, Ticket, WorkerId};
use proxy::mail::StewardLetter;
use proxy::worker::socket::Detached;

use crate::toy::{Heard, PATIENCE, Setup, all, patient, read, relay, shell, taken, write};

fn seed() -> Box<ClientSeed> {
    Box::new(ClientSeed {
        public: PublicId(1),
        slice: SliceId(1),
        key: PoolKey { database: "db".into(), user: "app".into(), replication: Replication::No },
        peer: Peer::Unix { uid: 0, pid: 0 },
        minor: 0,
        parameters: Vec::new(),
        client_key: None,
        accepted: Now(0),
    })
}

#[test]
fn a_client_moves_with_its_unused_bytes() {
    for home in [0_u16, 1] {
        let shell = Setup { workers: 2, ..Setup::default() }.start(|id| {
            let mut arrived = None;
            Box::new(move |heard, out| match heard {
                Heard::Arrived(conn) => {
                    arrived = Some(*conn);
                    all(heard)
                }
                Heard::Poked(_) => {
                    out.list.extend(arrived.map(|conn| Output::Read { conn }));
                    all(heard)
                }
                Heard::Bytes(conn, bytes) if arrived != Some(*conn) => {
                    // The first worker to see it is its door, whichever that was.
                    assert!(bytes.starts_with(b"login"), "worker {id:?}");
                    out.parcels.push(Parcel { conn: *conn, to: Destination::Worker(WorkerId(home), seed()) });
                    taken(5, Then::WhenTold)
                }
                Heard::Bytes(conn, bytes) => {
                    out.list.push(relay(*conn, bytes));
                    all(heard)
                }
                _ => all(heard),
            })
        });
        let (mut stream, _) = shell.client();
        write(&mut stream, b"loginquery");
        let (at, _) = loop {
            let (worker, heard) = shell.heard.recv_timeout(PATIENCE).unwrap();
            if let Heard::Arrived(conn) = heard {
                break (worker, conn);
            }
        };
        assert_eq!(at, WorkerId(home));
        shell.poke(usize::from(home), 1);
        assert_eq!(shell.next(), Heard::Poked(1), "nothing is offered before the home asks for it");
        assert_eq!(read(&mut stream, 5), b"query");
        write(&mut stream, b"more");
        assert_eq!(read(&mut stream, 4), b"more");
        drop(stream);
        shell.wait(|heard| matches!(heard, Heard::Gone(..)).then_some(()));
    }
}

#[test]
fn the_console_gets_the_socket_and_the_bytes() {
    let shell = shell(|heard, out| match heard {
        Heard::Bytes(conn, _) => {
            let seed = Box::new(ConsoleSeed {
                user: "admin".into(),
                database: "pgbouncer".into(),
                admin: true,
                peer: Peer::Unix { uid: 0, pid: 0 },
                minor: 0,
                accepted: Now(0),
            });
            out.parcels.push(Parcel { conn: *conn, to: Destination::Console(seed) });
            taken(5, Then::WhenTold)
        }
        _ => all(heard),
    });
    let (mut stream, _) = shell.client();
    write(&mut stream, b"loginSHOW");
    let guest = shell.guests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(guest.kept, b"SHOW");
    assert_eq!(&*guest.seed.user, "admin");
    let Detached::Tcp(socket) = guest.socket else { panic!("it came over TCP") };
    socket.set_nonblocking(false).unwrap();
    let mut socket = patient(socket);
    write(&mut socket, b"row");
    assert_eq!(read(&mut stream, 3), b"row");
}

#[test]
fn hash_rounds_are_done_elsewhere_and_notes_passed_on() {
    let shell = shell(|heard, out| {
        if let Heard::Poked(_) = heard {
            out.derives.push(Derive {
                ticket: Ticket(5),
                password: SecretText::new("pencil".into()),
                salt: (*b"A%\xC2G\xE4:\xB1\xE9<m\xFFv").into(),
                iterations: 4096,
            });
            out.notes.push(Note::Left { slice: SliceId(3) });
        }
        all(heard)
    });
    shell.poke(0, 1);
    let (ticket, salted) = shell.wait(|heard| match heard {
        Heard::Derived(ticket, salted) => Some((*ticket, *salted)),
        _ => None,
    });
    assert_eq!(ticket, Ticket(5));
    let expected = wire::auth::scram::derive(b"pencil", b"A%\xC2G\xE4:\xB1\xE9<m\xFFv", 4096);
    assert_eq!(salted, *expected.bytes());
    let note = shell.notes.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(note, StewardLetter::Note(WorkerId(0), Note::Left { slice: SliceId(3) })), "{note:?}");
}

#[test]
fn a_parcel_of_nobody_is_nobody() {
    let shell = shell(|heard, out| {
        if let Heard::Poked(_) = heard {
            let to = Destination::Worker(WorkerId(0), seed());
            out.parcels.push(Parcel { conn: ConnId::client(77, 1), to });
        }
        all(heard)
    });
    shell.poke(0, 1);
    shell.poke(0, 2);
    assert_eq!(shell.next(), Heard::Poked(1));
    assert_eq!(shell.next(), Heard::Poked(2));
}
