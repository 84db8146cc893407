//! Bytes there and back: order, batches, backlogs.

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;

use engine::contract::{DialTo, Output, Piece, Span, Then};
use model::id::ConnId;

use crate::dials::server_at;
use crate::toy::{Heard, PATIENCE, Setup, all, patient, pattern, read, relay, say, shell, taken, write};

#[test]
fn what_comes_in_goes_back_in_order() {
    let shell = shell(|heard, out| {
        if let Heard::Bytes(conn, bytes) = heard {
            out.list.push(relay(*conn, bytes));
        }
        all(heard)
    });
    let (mut stream, _) = shell.client();
    let sent = pattern(3_000_000);
    let mut writer = stream.try_clone().unwrap();
    let copy = sent.clone();
    let writing = thread::spawn(move || copy.chunks(7_919).for_each(|chunk| write(&mut writer, chunk)));
    assert!(read(&mut stream, sent.len()) == sent, "every byte in its place");
    writing.join().unwrap();
    shell.settle();
    assert_eq!(shell.hoard.bytes(), 0, "nothing is kept when all is said");
}

#[test]
fn one_call_offers_at_most_what_the_brain_has_appetite_for() {
    let setup = Setup { appetite: 100, ..Setup::default() };
    let shell = setup.start(|_| Box::new(|heard, _| all(heard)));
    let (mut stream, _) = shell.client();
    write(&mut stream, &pattern(1_050));
    let mut all = Vec::new();
    while all.len() < 1_050 {
        shell.wait(|heard| {
            let Heard::Bytes(_, bytes) = heard else { return None };
            assert!(bytes.len() <= 100, "{} bytes were offered", bytes.len());
            all.extend_from_slice(bytes);
            Some(())
        });
    }
    assert_eq!(all, pattern(1_050));
}

#[test]
fn a_full_socket_is_told_once_and_so_is_its_end() {
    const PART: usize = 1 << 20;
    let text: Arc<[u8]> = pattern(PART).into();
    let mut texts = Some(text);
    let shell = shell(move |heard, out| {
        if let Heard::Bytes(conn, _) = heard
            && let Some(text) = texts.take()
        {
            for number in 0..16 {
                out.texts.push(text.clone());
                out.list.push(Output::Send { to: *conn, piece: Piece::Text(number) });
            }
        }
        // Sent while there is a backlog: it belongs behind.
        if let Heard::Backlogged(conn) = heard {
            out.list.push(say(*conn, b"last"));
        }
        all(heard)
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"go");
    shell.wait(|heard| (*heard == Heard::Backlogged(conn)).then_some(()));
    assert!(shell.hoard.bytes() > 0, "the backlog counts");
    for _ in 0..16 {
        assert!(read(&mut stream, PART) == pattern(PART), "every byte in its place");
    }
    assert_eq!(read(&mut stream, 4), b"last");
    assert_eq!(shell.next(), Heard::Drained(conn));
    assert_eq!(shell.hoard.bytes(), 0, "an empty backlog keeps nothing");
    shell.poke(0, 1);
    assert_eq!(shell.next(), Heard::Poked(1), "nothing was told twice");
}

#[test]
fn pieces_for_several_leave_in_the_order_of_each() {
    let mut known = Vec::new();
    let shell = shell(move |heard, out| {
        match heard {
            Heard::Accepted(conn, _) => known.push(*conn),
            Heard::Bytes(_, bytes) => {
                // Far more than one write takes, interleaved.
                for number in 0..3_000_u32 {
                    let start = u32::try_from(out.made.len()).unwrap();
                    out.made.extend_from_slice(&number.to_be_bytes());
                    let span = Span { start, len: 4 };
                    out.list.push(Output::Send { to: known[number as usize % 3], piece: Piece::Made(span) });
                }
                out.list.push(relay(known[1], bytes));
            }
            _ => {}
        }
        all(heard)
    });
    let mut streams = [shell.client().0, shell.client().0, shell.client().0];
    write(&mut streams[0], b"go");
    for (which, stream) in streams.iter_mut().enumerate() {
        let numbers = read(stream, 4_000);
        let numbers: Vec<u32> =
            numbers.chunks(4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(numbers, (0..3_000).filter(|number| *number as usize % 3 == which).collect::<Vec<_>>());
    }
    assert_eq!(read(&mut streams[1], 2), b"go");
}

#[test]
fn what_was_not_used_is_offered_again_with_what_follows() {
    let shell = shell(|heard, _| match heard {
        Heard::Bytes(_, bytes) => taken(bytes.len() / 3 * 3, Then::More),
        _ => all(heard),
    });
    let (mut stream, conn) = shell.client();
    write(&mut stream, b"abcd");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"abcd".to_vec()));
    write(&mut stream, b"ef");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"def".to_vec()));
    write(&mut stream, b"g");
    assert_eq!(shell.next(), Heard::Bytes(conn, b"g".to_vec()));
}

#[test]
fn a_message_that_must_be_whole_is_offered_whole() {
    const WHOLE: usize = 300_000;
    let shell = shell(|heard, _| match heard {
        Heard::Bytes(_, bytes) if bytes.len() < WHOLE => taken(0, Then::AtLeast(WHOLE)),
        Heard::Bytes(..) => taken(WHOLE, Then::More),
        _ => all(heard),
    });
    let (mut stream, conn) = shell.client();
    let sent = pattern(WHOLE + 10);
    write(&mut stream, &sent[..5]);
    assert_eq!(shell.next(), Heard::Bytes(conn, sent[..5].to_vec()));
    for chunk in sent[5..WHOLE].chunks(10_007) {
        write(&mut stream, chunk);
    }
    let Heard::Bytes(_, whole) = shell.next() else { panic!("one offer") };
    assert!(whole[..] == sent[..WHOLE], "the whole message, once");
    write(&mut stream, &sent[WHOLE..]);
    assert_eq!(shell.next(), Heard::Bytes(conn, sent[WHOLE..].to_vec()));
}

#[test]
fn a_flood_waits_its_turn() {
    let mut known = Vec::new();
    let shell = shell(move |heard, out| {
        match heard {
            Heard::Accepted(conn, _) => {
                known.push(*conn);
                out.list.push(Output::Hold { conn: *conn });
            }
            Heard::Poked(_) => out.list.extend(known.iter().map(|conn| Output::Read { conn: *conn })),
            _ => {}
        }
        all(heard)
    });
    let (mut flood, flooding) = shell.client();
    let (mut calm, quiet) = shell.client();
    write(&mut flood, &pattern(200_000));
    write(&mut calm, b"x");
    // A held client's readiness is remembered, so a second round through the loop suffices to have seen both.
    shell.poke(0, 0);
    let mut offers = Vec::new();
    while offers.iter().filter(|(conn, _)| *conn == flooding).map(|(_, bytes)| bytes).sum::<usize>() < 200_000
    {
        if let Heard::Bytes(conn, bytes) = shell.next() {
            offers.push((conn, bytes.len()));
        }
    }
    assert!(offers.iter().all(|(_, bytes)| *bytes <= 64 * 1024), "{offers:?}");
    let before_calm = offers.iter().take_while(|(conn, _)| *conn != quiet).count();
    assert!(before_calm <= 1, "the quiet one comes after one read of the flood: {offers:?}");
}

#[test]
fn a_process_that_keeps_too_much_reads_no_more_clients() {
    let mut setup = Setup::default();
    setup.proxy.buffer_bytes_max = 10;
    let shell = setup.start(|_| {
        Box::new(|heard, out| match heard {
            Heard::Bytes(conn, bytes) if bytes.len() == 20 => {
                out.list.push(Output::Hold { conn: *conn });
                taken(0, Then::More)
            }
            Heard::Poked(number) => {
                out.list.push(Output::Close { conn: ConnId::client(*number, 7) });
                all(heard)
            }
            _ => all(heard),
        })
    });
    let (mut hoarder, first) = shell.client();
    let (mut other, second) = shell.client();
    write(&mut hoarder, &[0; 20]);
    assert_eq!(shell.next(), Heard::Bytes(first, vec![0; 20]));
    write(&mut other, b"x");
    shell.poke(0, 99);
    shell.poke(0, 0);
    assert_eq!(shell.next(), Heard::Poked(99), "no client is read while too much is kept");
    assert_eq!(shell.next(), Heard::Poked(0));
    assert_eq!(shell.next(), Heard::Bytes(second, b"x".to_vec()));
}

#[test]
fn servers_come_before_clients_in_a_batch() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server_at(listener.local_addr().unwrap());
    let (gate, wait) = mpsc::channel::<()>();
    let (enter, entered) = mpsc::channel::<()>();
    let shell = shell(move |heard, out| {
        match heard {
            Heard::Accepted(conn, _) => {
                out.dials.push(DialTo::Server(server.clone()));
                out.list.push(Output::Dial { conn: ConnId::server(conn.slot, 7), dial: 0 });
            }
            // The loop stands still until both have spoken.
            Heard::Poked(_) => {
                enter.send(()).unwrap();
                wait.recv_timeout(PATIENCE).unwrap();
            }
            _ => {}
        }
        all(heard)
    });
    let (mut client, conn) = shell.client();
    let mut far = patient(listener.accept().unwrap().0);
    shell.wait(|heard| matches!(heard, Heard::Dialled(_)).then_some(()));
    shell.poke(0, 1);
    entered.recv_timeout(PATIENCE).unwrap();
    write(&mut client, b"c");
    write(&mut far, b"s");
    gate.send(()).unwrap();
    assert_eq!(shell.next(), Heard::Poked(1));
    assert_eq!(shell.next(), Heard::Bytes(ConnId::server(0, 7), b"s".to_vec()));
    assert_eq!(shell.next(), Heard::Bytes(conn, b"c".to_vec()));
}
