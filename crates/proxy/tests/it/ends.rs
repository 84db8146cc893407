//! How connections end, from either side, and that nothing of them stays.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::Duration;

use engine::contract::{Gone, Output, Piece};
use socket2::SockRef;

use crate::toy::{Heard, Shell, all, pattern, read, relay, say, shell, write};

/// Sockets of this process that were accepted from the shell's listener.
fn accepted(shell: &Shell) -> usize {
    let port = format!(":{:04X}", shell.address().port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // Local address, not listening, and still with a descriptor.
        .filter(|fields| {
            fields.len() > 9 && fields[1].ends_with(&port) && fields[3] != "0A" && fields[9] != "0"
        })
        .count()
}

#[test]
fn bytes_and_end_in_one_event_are_both_heard() {
    let shell = shell(|heard, _| all(heard));
    for _ in 0..50 {
        let (mut stream, conn) = shell.client();
        write(&mut stream, &pattern(100));
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(shell.next(), Heard::Bytes(conn, pattern(100)));
        assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
    }
}

#[test]
fn bytes_and_end_that_were_there_before_it_was_accepted_are_both_heard() {
    let shell = shell(|heard, _| all(heard));
    for _ in 0..50 {
        let mut stream = shell.connect();
        write(&mut stream, b"hello");
        drop(stream);
        let conn = shell.wait(|heard| if let Heard::Accepted(conn, _) = heard { Some(*conn) } else { None });
        assert_eq!(shell.next(), Heard::Bytes(conn, b"hello".to_vec()));
        assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
    }
}

#[test]
fn a_reset_is_told_as_such() {
    let shell = shell(|heard, _| all(heard));
    let (stream, conn) = shell.client();
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(shell.next(), Heard::Gone(conn, Gone::Reset));
}

#[test]
fn a_held_client_that_can_take_nothing_any_more_is_told_at_once() {
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, _) = heard {
            out.list.push(Output::Hold { conn: *conn });
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"a");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"a".to_vec()));
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(shell.next(), Heard::Gone(conn, Gone::Reset));
}

#[test]
fn a_half_closed_client_still_reads_its_answer() {
    let shell = shell(|heard, out| {
        match heard {
            Heard::Bytes(conn, bytes) => out.list.push(relay(*conn, bytes)),
            Heard::Gone(conn, _) => {
                out.list.push(say(*conn, b"bye"));
                out.list.push(Output::Finish { conn: *conn });
            }
            _ => {}
        }
        all(heard)
    });
    let (mut stream, _) = shell.client();
    write(&mut stream, b"question");
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"questionbye");
}

#[test]
fn last_words_arrive_though_the_client_still_talks() {
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, _) = heard {
            out.list.push(say(*conn, b"FATAL"));
            out.list.push(Output::Finish { conn: *conn });
        }
        all(heard)
    });
    for _ in 0..20 {
        let (mut stream, _) = shell.client();
        // More than one read of the shell takes, less than it drops in the end.
        write(&mut stream, &pattern(100_000));
        let mut words = Vec::new();
        stream.read_to_end(&mut words).unwrap();
        assert_eq!(words, b"FATAL");
    }
}

#[test]
fn last_words_beyond_the_socket_are_written_after_the_name_is_dead() {
    const PART: usize = 1 << 20;
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, _) = heard {
            out.texts.push(pattern(PART).into());
            for _ in 0..16 {
                out.list.push(Output::Send { to: *conn, piece: Piece::Text(0) });
            }
            out.list.push(Output::Finish { conn: *conn });
        }
        all(heard)
    });
    let (mut stream, _) = shell.client();
    write(&mut stream, b"go");
    for _ in 0..16 {
        assert!(read(&mut stream, PART) == pattern(PART), "every byte in its place");
    }
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "and then the end");
}

#[test]
fn shut_says_the_end_and_reads_on() {
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, bytes) = heard
            && bytes == b"x"
        {
            out.list.push(say(*conn, b"bye"));
            out.list.push(Output::Shut { conn: *conn });
        }
        if let Heard::Gone(conn, _) = heard {
            out.list.push(Output::Close { conn: *conn });
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"x");
    let mut words = Vec::new();
    stream.read_to_end(&mut words).unwrap();
    assert_eq!(words, b"bye");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"x".to_vec()));
    write(&mut stream, b"late");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"late".to_vec()));
    drop(stream);
    assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
}

#[test]
fn what_names_the_dead_is_ignored() {
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, _) = heard {
            out.list.push(Output::Close { conn: *conn });
            out.list.push(say(*conn, b"too late"));
            out.list.push(Output::Hold { conn: *conn });
            out.list.push(Output::Read { conn: *conn });
            out.list.push(Output::Shut { conn: *conn });
            out.list.push(Output::Finish { conn: *conn });
            out.list.push(Output::Close { conn: *conn });
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"x");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"x".to_vec()));
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    shell.poke(0, 1);
    assert_eq!(shell.next(), Heard::Poked(1));
}

#[test]
fn no_descriptor_stays_behind() {
    let shell = shell(|heard, out| {
        match heard {
            Heard::Bytes(conn, bytes) if bytes == b"close" => out.list.push(Output::Close { conn: *conn }),
            Heard::Bytes(conn, bytes) if bytes == b"finish" => out.list.push(Output::Finish { conn: *conn }),
            Heard::Gone(conn, _) => out.list.push(Output::Close { conn: *conn }),
            _ => {}
        }
        all(heard)
    });
    for how in [&b"close"[..], b"finish", b"leave"] {
        for _ in 0..50 {
            let (mut stream, conn) = shell.client();
            write(&mut stream, how);
            assert_eq!(shell.next(), Heard::Bytes(conn, how.to_vec()));
            if how == b"leave" {
                drop(stream);
                assert_eq!(shell.next(), Heard::Gone(conn, Gone::Eof));
            } else {
                assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0, "closed");
            }
        }
    }
    // A finished one is looked after at the next tick, its client being gone.
    while accepted(&shell) > 0 {
        std::thread::yield_now();
    }
}
