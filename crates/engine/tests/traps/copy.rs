//! Traps 36 to 42: COPY, slow peers and large messages.

use engine::contract::Input;
use model::config::checked::Config;

use super::stand::Stand;

#[test]
fn late_copy_data_takes_no_server_and_disturbs_nobody() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "Q copy", "G");
    stand.exchange(a, server, "d bad", "E 22P04 \"extra data\" | Z I");
    stand.say(b, "Q next");
    assert_eq!(stand.hear(server), "Q \"next\"");
    stand.say(a, "d late | d later | c | f no");
    assert_eq!(stand.hear(server), "", "the server is another's now");
    stand.say(server, "C \"SELECT 1\" | Z I");
    let (asked, _) = stand.exchange(a, server, "Q more", "C \"SELECT 1\" | Z I");
    assert_eq!(asked, "Q \"more\"");
}

#[test]
fn an_error_in_an_extended_copy_skips_to_sync() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "P - copy | B - - | E - | H", "1 | 2 | G");
    stand.exchange(a, server, "d bad", "E 22P04 \"extra data\"");
    stand.say(b, "Q next");
    let (asked, _) = stand.exchange(a, server, "d late | c", "");
    assert_eq!(asked, "d \"late\" | c", "the server ignores them");
    stand.exchange(a, server, "S", "Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_sync_within_copy_in_is_owed_nothing() {
    for early in [true, false] {
        let mut stand = Stand::new(1);
        let (a, b) = (stand.client(), stand.client());
        let server = stand.servers[0];
        stand.say(a, if early { "P - copy | B - - | E - | S" } else { "P - copy | B - - | E - | H" });
        stand.hear(server);
        stand.say(b, "Q next");
        stand.say(server, "1 | 2 | G");
        let (_, heard) = stand.exchange(a, server, "d one | S | S | c | S", "C \"COPY 1\" | Z I");
        assert_eq!(heard, "1 | 2 | G | C \"COPY 1\" | Z I");
        assert_eq!(stand.hear(server), "Q \"next\"", "no further answer is waited for");
    }
}

#[test]
fn a_sync_that_a_copy_in_ignores_ends_no_batch() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "P - copy | B - - | E - | S", "1 | 2 | G");
    stand.exchange(a, server, "d one | c | H", "C \"COPY 1\"");
    stand.say(b, "Q next");
    assert_eq!(stand.hear(server), "", "its transaction is open");
    stand.say(a, "S");
    assert_eq!(stand.hear(server), "S");
    stand.say(server, "Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_server_whose_client_left_a_copy_is_closed_and_stopped() {
    for answer in ["G", "H | d one"] {
        let mut stand = Stand::new(1);
        let (a, b) = (stand.client(), stand.client());
        let server = stand.servers[0];
        stand.exchange(a, server, "Q copy", answer);
        stand.say(b, "Q next");
        stand.gone(a);
        assert!(stand.is_over(server), "{answer}");
        assert_eq!(
            stand.couriers.iter().map(|(_, victim)| *victim).collect::<Vec<_>>(),
            [server],
            "{answer}"
        );
        stand.gone(server);
        assert_eq!(stand.hear(stand.servers[1]), "Q \"next\"", "{answer}");
    }
}

#[test]
fn a_client_that_does_not_read_holds_up_its_server_and_for_a_time_only() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "Q big", "T a | D one");
    stand.take(Input::Backlogged { conn: a });
    assert!(stand.is_held(server), "what is not read is not taken either");
    stand.take(Input::Drained { conn: a });
    assert!(!stand.is_held(server));
    stand.take(Input::Backlogged { conn: a });
    stand.wait(61);
    assert!(stand.is_over(a) && stand.is_over(server), "client_write_timeout");
    assert_eq!(stand.couriers.len(), 1, "its query is cancelled");
}

#[test]
fn a_result_that_is_complete_frees_its_server_though_the_client_reads_slowly() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "Q big", "T a | D one");
    stand.say(b, "Q next");
    stand.take(Input::Backlogged { conn: a });
    stand.take(Input::Drained { conn: a });
    stand.say(server, "C \"SELECT 1\" | Z I");
    stand.take(Input::Backlogged { conn: a });
    assert_eq!(stand.hear(server), "Q \"next\"");
    assert!(!stand.is_held(server), "it is not the slow one's any more");
    stand.say(server, "C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(b), "C \"SELECT 1\" | Z I");
    stand.say(a, "Q more");
    assert_eq!(stand.hear(server), "", "it gets no server to fill its backlog further");
    stand.take(Input::Drained { conn: a });
    assert_eq!(stand.hear(server), "Q \"more\"");
}

#[test]
fn each_direction_waits_for_itself_only() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.say(a, "Q one");
    stand.hear(server);
    // The client does not read: what it writes still goes to the server.
    stand.take(Input::Backlogged { conn: a });
    stand.say(a, "Q two");
    assert_eq!(stand.hear(server), "Q \"two\"");
    stand.take(Input::Drained { conn: a });
    // The server does not read: what it writes still goes to the client.
    stand.take(Input::Backlogged { conn: server });
    assert!(stand.is_held(a) && !stand.is_held(server));
    stand.say(server, "T a | D one");
    assert_eq!(stand.hear(a), "T | D \"one\"");
    stand.take(Input::Drained { conn: server });
    assert!(!stand.is_held(a));
}

#[test]
fn a_message_of_a_gigabyte_streams() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    for (tag, names) in [(b'Q', 0), (b'B', 2)] {
        let total = 1u32 << 30;
        stand.bytes(a, &[&[tag][..], &total.to_be_bytes(), &vec![0; names + 1][..], &[b'x'; 100]].concat());
        let heard = stand.heard_bytes(server);
        assert!(heard.len() >= 105 && heard.ends_with(b"xxx"), "{}: nothing is collected", tag as char);
        stand.bytes(a, &[b'y'; 50]);
        assert_eq!(stand.heard_bytes(server), [b'y'; 50]);
        stand = Stand::new(1);
        let again = stand.client();
        assert_eq!(again, a);
    }
    stand.exchange(a, server, "Q one", "T a");
    stand.bytes(server, &[&b"D\x3f\xff\xff\xff\0\x01"[..], &[b'x'; 100]].concat());
    assert_eq!(stand.heard_bytes(a).len(), 107, "rows as well");
}

fn small(config: &mut Config) {
    config.proxy.max_packet_size = 1_000;
}

#[test]
fn a_length_that_cannot_be_is_refused_at_its_header() {
    for (length, text) in [
        (&b"\0\0\0\x03"[..], "FATAL 08P01 \"invalid message length\""),
        (b"\xff\xff\xff\xff", "FATAL 08P01 \"invalid message length\""),
        (b"\x80\0\0\0", "FATAL 08P01 \"invalid message length\""),
        (b"\0\0\x10\0", "FATAL 08P01 \"message of 4096 bytes is larger than max_packet_size (1000)\""),
    ] {
        for linked in [false, true] {
            let mut stand = Stand::with(1, |config, _| small(config));
            let a = stand.client();
            if linked {
                stand.begin(a, stand.servers[0]);
                stand.hear(a);
            }
            stand.bytes(a, &[b"Q", length].concat());
            assert_eq!(stand.hear(a), text, "{length:?}, {linked}");
            assert!(stand.is_over(a));
        }
    }
}

#[test]
fn a_servers_impossible_length_ends_its_link() {
    for length in [b"\0\0\0\x03", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"] {
        let mut stand = Stand::new(1);
        let a = stand.client();
        let server = stand.servers[0];
        stand.say(a, "Q one");
        stand.bytes(server, &[&b"D"[..], length].concat());
        assert!(stand.is_over(server) && stand.is_over(a), "{length:?}");
        assert_eq!(stand.hear(a).matches("FATAL").count(), 1);
    }
}

#[test]
fn an_error_moves_no_frame_boundary() {
    // A Bind that is cut within its body when the error comes, and whose rest looks like messages.
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.say(a, "P s1 bad");
    stand.hear(server);
    let rest = b"S\0\0\0\x04S\0\0\0\x04";
    stand.bytes(a, b"B\0\0\0\x14\0s1\0\0\0");
    stand.say(server, "E 42601 no");
    stand.bytes(a, &rest[..]);
    stand.say(b, "Q next");
    assert!(stand.heard_bytes(server).ends_with(rest), "the rest of the Bind, and nothing behind it");
    stand.say(a, "S");
    assert_eq!(stand.heard_bytes(server), b"S\0\0\0\x04");
    stand.say(server, "Z I");
    assert_eq!(stand.hear(a), "E 42601 \"no\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}
