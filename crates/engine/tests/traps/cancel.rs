//! Traps 43 to 47: cancel requests.

use engine::contract::{Gone, Input};
use engine::orders::{Note, Order};
use engine::remark::Remark;
use model::id::{ConnId, WorkerId};

use super::stand::Stand;

/// Connects and asks to cancel what this key names.
fn cancel(stand: &mut Stand, key: &(u32, Vec<u8>)) -> ConnId {
    let conn = stand.connect();
    let mut bytes = Vec::new();
    wire::encode::cancel_request(&mut bytes, key.0, &key.1);
    stand.bytes(conn, &bytes);
    conn
}

/// A client and its cancel key.
fn client(stand: &mut Stand) -> (ConnId, (u32, Vec<u8>)) {
    let conn = stand.connect();
    stand.say(conn, "Startup user=alice database=app");
    let heard = stand.heard_bytes(conn);
    (conn, key_in(&heard))
}

fn key_in(heard: &[u8]) -> (u32, Vec<u8>) {
    let mut rest = heard;
    while let Ok(Some(header)) = wire::frame::peek(rest, 1 << 30) {
        if header.tag == b'K' {
            let (pid, secret) = wire::backend::backend_key(&rest[5..header.total()]).expect("a key");
            return (pid, secret.to_vec());
        }
        rest = &rest[header.total()..];
    }
    panic!("no key was given");
}

#[test]
fn a_cancel_that_comes_late_is_not_sent() {
    for within in ["Z T", "Z I"] {
        let mut stand = Stand::new(1);
        let (a, key) = client(&mut stand);
        let b = stand.client();
        let server = stand.servers[0];
        stand.say(a, "Q slow");
        stand.say(b, "Q next");
        cancel(&mut stand, &key);
        let (courier, victim) = stand.couriers[0];
        assert_eq!(victim, server);
        stand.say(server, &format!("C \"SELECT 1\" | {within}"));
        stand.take(Input::Dialled { conn: courier });
        assert_eq!(stand.hear(courier), "", "{within}: what it was meant for has ended");
        assert_eq!(stand.hear(server).ends_with("Q \"next\""), within == "Z I");
    }
}

#[test]
fn who_stands_in_line_may_take_back_all_that_was_asked() {
    let mut stand = Stand::new(1);
    let (a, key) = client(&mut stand);
    let b = stand.client();
    let server = stand.servers[0];
    stand.begin(b, server);
    stand.say(a, "P - \"insert 1\" | B - - | E - | S | Q more");
    cancel(&mut stand, &key);
    assert!(stand.hear(a).starts_with("E 57014 "), "answered at once");
    stand.exchange(b, server, "Q commit", "C COMMIT | Z I");
    assert_eq!(stand.hear(server), "Q \"more\"", "what stood behind its Sync is another wish");
}

#[test]
fn a_server_is_not_lent_before_the_cancel_aimed_at_it_has_ended() {
    let mut stand = Stand::new(1);
    let (a, key) = client(&mut stand);
    let b = stand.client();
    let server = stand.servers[0];
    stand.say(a, "Q slow");
    let asker = cancel(&mut stand, &key);
    let (courier, _) = stand.couriers[0];
    stand.take(Input::Dialled { conn: courier });
    assert_eq!(stand.hear(courier), "Cancel 1001");
    stand.say(b, "Q next");
    stand.hear(server);
    stand.say(server, "C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(server), "", "the signal may still come");
    stand.gone(courier);
    assert_eq!(stand.hear(server), "Q \"next\"");
    assert!(stand.is_over(asker));
}

#[test]
fn a_server_is_closed_where_no_end_of_its_cancel_was_seen() {
    for lost in [true, false] {
        let mut stand = Stand::new(1);
        let (a, key) = client(&mut stand);
        let server = stand.servers[0];
        stand.say(a, "Q slow");
        cancel(&mut stand, &key);
        let (courier, _) = stand.couriers[0];
        stand.take(Input::Dialled { conn: courier });
        stand.say(server, "C \"SELECT 1\" | Z I");
        if lost {
            stand.take(Input::Gone { conn: courier, how: Gone::Reset });
        } else {
            stand.wait(11);
        }
        assert!(stand.is_over(server), "lost: {lost}");
    }
}

#[test]
fn a_storm_of_cancels_takes_no_server_and_little_else() {
    let mut stand = Stand::new(1);
    let (a, key) = client(&mut stand);
    stand.say(a, "Q slow");
    let askers: Vec<_> = (0..100).map(|_| cancel(&mut stand, &key)).collect();
    assert_eq!(stand.servers.len(), 1, "no credit is spent");
    assert_eq!(stand.couriers.len(), 8);
    assert_eq!(askers.iter().filter(|asker| !stand.is_over(**asker)).count(), 8, "the others are done");
    assert_eq!(
        stand.notes.iter().filter(|note| matches!(note, engine::orders::Note::Knock { .. })).count(),
        1
    );
}

#[test]
fn whoever_guesses_keys_is_not_listened_to_any_more() {
    let mut stand = Stand::with(1, |config, _| {
        config.proxy.wrong_cancel_keys_max = model::config::checked::Limit(Some(3));
    });
    let (a, key) = client(&mut stand);
    stand.say(a, "Q slow");
    for guess in 0..10u8 {
        let asker = cancel(&mut stand, &(key.0, vec![guess, 1, 2, 3]));
        assert!(stand.is_over(asker));
    }
    assert!(stand.remarks.iter().any(|remark| matches!(remark, Remark::WrongCancelKey { .. })));
    cancel(&mut stand, &key);
    assert!(stand.couriers.is_empty(), "not even the right one, for a minute");
    stand.wait(61);
    cancel(&mut stand, &key);
    assert_eq!(stand.couriers.len(), 1);
}

#[test]
fn what_we_ask_a_server_ourselves_is_not_cancelled() {
    let mut stand = Stand::new(1);
    let (a, key) = client(&mut stand);
    let server = stand.servers[0];
    stand.exchange(a, server, "Q listen", "C LISTEN | Z I");
    // The server is being cleaned, and then checked and set up for the client.
    cancel(&mut stand, &key);
    stand.say(server, "C SET | Z I");
    stand.wait(31);
    stand.say(a, "Q next");
    assert_eq!(stand.hear(server).rsplit(" | ").next(), Some("Q \"\""), "a check");
    cancel(&mut stand, &key);
    assert!(stand.couriers.is_empty());
    stand.say(server, "I | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_cancel_that_hits_our_own_words_in_front_of_a_query_leaves_nothing_behind() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client_with("application_name=psql"), stand.client());
    let server = stand.servers[0];
    stand.say(a, "Q slow");
    assert!(stand.hear(server).ends_with("S | Q \"slow\""), "the name rides in front");
    stand.say(server, "E 57014 cancelled | Z I | C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(a), "C \"SELECT 1\" | Z I");
    assert!(stand.is_over(server), "nobody knows what name it has now");
    stand.gone(server);
    stand.say(b, "Q next");
    assert_eq!(stand.hear(stand.servers[1]), "Q \"next\"");
}

#[test]
fn keys_are_each_clients_own_and_tell_nothing_of_the_server() {
    let mut stand = Stand::new(1);
    let (a, first) = client(&mut stand);
    let (_, second) = client(&mut stand);
    assert_ne!(first.1, second.1);
    for key in [&first, &second] {
        assert!(key.0 > 0 && key.0 < 1 << 31, "some drivers read a signed number");
        assert!(key.0 != 1001 && key.1 != b"abcd", "the server's key stays here");
        assert_eq!(key.1.len(), 4);
    }
    stand.say(a, "Q slow");
    for wrong in [(first.0, second.1.clone()), (first.0, first.1[..3].to_vec()), (first.0, Vec::new())] {
        if !wrong.1.is_empty() {
            cancel(&mut stand, &wrong);
        }
        assert!(stand.couriers.is_empty());
    }
    cancel(&mut stand, &first);
    assert_eq!(stand.couriers.len(), 1);
}

#[test]
fn a_key_of_protocol_three_two_is_long() {
    let mut stand = Stand::new(1);
    stand.client();
    let conn = stand.connect();
    let mut bytes = Vec::new();
    let pairs: [(&[u8], &[u8]); 2] = [(b"user", b"alice"), (b"database", b"app")];
    wire::encode::startup(&mut bytes, wire::encode::Version { major: 3, minor: 2 }, pairs.into_iter());
    stand.bytes(conn, &bytes);
    let heard = stand.heard_bytes(conn);
    assert_eq!(key_in(&heard).1.len(), 28);
}

/// What was passed on to another worker, or sent back to it, last.
fn passed(stand: &mut Stand) -> Option<(WorkerId, ConnId)> {
    std::mem::take(&mut stand.notes).into_iter().rev().find_map(|note| match note {
        Note::Cancel { to, conn, .. } => Some((to, conn)),
        _ => None,
    })
}

#[test]
fn keys_guessed_for_another_worker_count_as_well() {
    let mut stand = Stand::with(1, |config, _| {
        config.proxy.wrong_cancel_keys_max = model::config::checked::Limit(Some(3));
    });
    let (pid, secret): (u32, Box<[u8]>) = (1 << 24 | 1, Box::from([1, 2, 3, 4]));
    let key = (pid, secret.to_vec());
    let passed_on = |stand: &mut Stand| {
        let conn = cancel(stand, &key);
        let sent = passed(stand);
        assert!(sent.is_none_or(|sent| sent == (WorkerId(1), conn)));
        (sent.is_some(), conn)
    };
    // Those that were somebody's do not count.
    for _ in 0..5 {
        let (_, conn) = passed_on(&mut stand);
        assert!(!stand.is_over(conn));
        stand.order(Order::CancelDone { conn });
        assert!(stand.is_over(conn));
    }
    for _ in 0..3 {
        let (sent, conn) = passed_on(&mut stand);
        assert!(sent);
        stand.order(Order::Cancel { from: (WorkerId(1), conn), pid, secret: secret.clone() });
        assert!(stand.is_over(conn));
    }
    assert!(stand.remarks.iter().any(|remark| matches!(remark, Remark::WrongCancelKey { .. })));
    let (sent, conn) = passed_on(&mut stand);
    assert!(!sent && stand.is_over(conn), "it is not listened to any more");
}

#[test]
fn a_key_that_is_nobodys_here_goes_back_to_the_worker_it_came_from() {
    let mut stand = Stand::new(1);
    let (_, (pid, secret)) = client(&mut stand);
    let asker = (WorkerId(1), ConnId::client(7, 2));
    stand.order(Order::Cancel { from: asker, pid, secret: [secret.clone(), vec![0]].concat().into() });
    assert_eq!(passed(&mut stand), Some(asker));
    stand.order(Order::Cancel { from: asker, pid, secret: secret.into() });
    assert!(matches!(stand.notes[..], [Note::CancelDone { at }] if at == asker), "{:?}", stand.notes);
}
