//! Holding and reading on: what waits in the socket, what waits beside it, and what an end means meanwhile.

use std::net::Shutdown;

use engine::contract::{Gone, Output, Then};

use crate::toy::{Heard, all, shell, taken, write};

#[test]
fn a_held_client_is_not_read_until_told() {
    let mut known = None;
    let shell = shell(move |heard, out| {
        match heard {
            Heard::Bytes(conn, _) => {
                known = Some(*conn);
                out.list.push(Output::Hold { conn: *conn });
            }
            Heard::Poked(2) => out.list.extend(known.map(|conn| Output::Read { conn })),
            _ => {}
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"a");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"a".to_vec()));
    write(&mut stream, b"b");
    shell.poke(0, 1);
    shell.poke(0, 2);
    assert_eq!(shell.next(), Heard::Poked(1));
    assert_eq!(shell.next(), Heard::Poked(2));
    assert_eq!(shell.next(), Heard::Bytes(conn, b"b".to_vec()));
}

#[test]
fn a_waiter_is_offered_its_bytes_when_told() {
    let mut known = None;
    let mut ready = false;
    let shell = shell(move |heard, out| match heard {
        Heard::Bytes(conn, _) if !ready => {
            known = Some(*conn);
            taken(1, Then::WhenTold)
        }
        Heard::Poked(_) => {
            ready = true;
            out.list.extend(known.map(|conn| Output::Read { conn }));
            all(heard)
        }
        _ => all(heard),
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"abc");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"abc".to_vec()));
    shell.poke(0, 1);
    assert_eq!(shell.next(), Heard::Poked(1));
    assert_eq!(shell.next(), Heard::Bytes(conn, b"bc".to_vec()), "without a new byte from the peer");
    shell.settle();
    assert_eq!(shell.hoard.bytes(), 0);
}

#[test]
fn told_to_wait_and_to_read_in_one_call_means_read() {
    let mut calls = 0;
    let shell = shell(move |heard, out| match heard {
        Heard::Bytes(conn, _) => {
            calls += 1;
            out.list.push(Output::Read { conn: *conn });
            if calls == 1 { taken(1, Then::WhenTold) } else { all(heard) }
        }
        _ => all(heard),
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"abc");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"abc".to_vec()));
    assert_eq!(shell.next(), Heard::Bytes(conn, b"bc".to_vec()));
}

#[test]
fn a_waiter_that_left_has_left() {
    let shell = shell(|heard, _| match heard {
        Heard::Bytes(..) => taken(0, Then::WhenTold),
        _ => all(heard),
    });
    for leave_later in [true, false] {
        let (mut stream, conn) = shell.client();
        write(&mut stream, b"question");
        if !leave_later {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        shell.wait(|heard| matches!(heard, Heard::Bytes(..)).then_some(()));
        if leave_later {
            // Unread bytes in the socket must not hide the end.
            write(&mut stream, b"another");
            stream.shutdown(Shutdown::Write).unwrap();
        }
        assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
    }
}

#[test]
fn the_end_of_a_held_client_comes_behind_its_bytes() {
    let mut known = None;
    let mut held = false;
    let shell = shell(move |heard, out| {
        match heard {
            Heard::Bytes(conn, _) if !held => {
                held = true;
                known = Some(*conn);
                out.list.push(Output::Hold { conn: *conn });
                return taken(1, Then::More);
            }
            Heard::Poked(_) => out.list.extend(known.map(|conn| Output::Read { conn })),
            _ => {}
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"abc");
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(shell.next(), Heard::Bytes(conn, b"abc".to_vec()));
    shell.poke(0, 1);
    assert_eq!(shell.next(), Heard::Poked(1), "the end waits as well");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"bc".to_vec()));
    assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
}
