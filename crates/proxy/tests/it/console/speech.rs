use super::desk::{Desk, Guest, Said};

fn batch(parts: &[(u8, &[u8])]) -> Vec<u8> {
    parts.iter().flat_map(|(tag, body)| Said::bytes(*tag, body)).collect()
}

/// Parse, Bind, Describe, Execute, Sync of the unnamed, with this format of results.
fn extended(guest: &mut Guest, said: &str, format: u8) -> Vec<Said> {
    let parse = [b"\0", said.as_bytes(), b"\0\0\0"].concat();
    let bind = [0, 0, 0, 0, 0, 0, 0, 1, 0, format];
    let parts: [(u8, &[u8]); 5] =
        [(b'P', &parse), (b'B', &bind), (b'D', b"P\0"), (b'E', b"\0\0\0\0\0"), (b'S', b"")];
    guest.say(&batch(&parts));
    guest.until_ready()
}

fn tags(answer: &[Said]) -> String {
    answer.iter().map(|said| char::from(said.tag)).collect()
}

#[test]
fn the_extended_protocol_is_spoken_under_our_own_name() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    let answer = extended(&mut guest, "SHOW VERSION", 0);
    assert_eq!(tags(&answer), "12TDCZ");
    assert_eq!(answer[3].cells(), [Some(b"connwarden 0.9".to_vec())]);
    assert_eq!(tags(&extended(&mut guest, "BEGIN", 0)), "12nCZ");
    assert_eq!(tags(&extended(&mut guest, "RECONNECT", 0)), "12nCZ");
    assert_eq!(tags(&extended(&mut guest, "", 0)), "12nIZ");
}

#[test]
fn numbers_are_sent_in_binary_to_who_asks_for_it() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    let answer = extended(&mut guest, "SHOW LISTS", 1);
    let users =
        answer.iter().find(|said| said.tag == b'D' && said.cells()[0] == Some(b"used_clients".to_vec()));
    assert_eq!(users.expect("it is listed").cells()[1], Some(vec![0, 0, 0, 1]));
}

#[test]
fn after_an_error_nothing_counts_before_the_next_sync() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    assert_eq!(tags(&extended(&mut guest, "frobnicate", 0)), "EZ");
    let with_parameter =
        batch(&[(b'P', b"\0SHOW VERSION\0\0\x01\0\0\0\x19"), (b'E', b"\0\0\0\0\0"), (b'S', b"")]);
    guest.say(&with_parameter);
    assert_eq!(tags(&guest.until_ready()), "EZ");
    assert_eq!(tags(&extended(&mut guest, "SHOW VERSION", 0)), "12TDCZ");
}

#[test]
fn a_portal_that_was_not_shown_whole_goes_on() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    let parts: [(u8, &[u8]); 6] = [
        (b'P', b"\0SHOW STATE\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\x02"),
        (b'E', b"\0\0\0\0\x02"),
        (b'E', b"\0\0\0\0\x02"),
        (b'S', b""),
    ];
    guest.say(&batch(&parts));
    assert_eq!(tags(&guest.until_ready()), "12DDsDCCZ");
}

#[test]
fn the_name_of_old_refuses_the_extended_protocol_and_hangs_up() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    guest.say(&batch(&[(b'P', b"\0SHOW VERSION\0\0\0"), (b'S', b"")]));
    let error = guest.next().and_then(|said| said.error());
    assert_eq!(error.expect("an error").1, "extended query protocol not supported by admin console");
    assert_eq!(guest.next().map(|said| said.tag), Some(b'Z'));
    assert_eq!(guest.next().map(|said| said.tag), Some(b'E'));
    assert!(guest.next().is_none());
}

#[test]
fn what_is_cut_into_single_bytes_is_understood_all_the_same() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    for byte in Said::query("SHOW VERSION") {
        guest.say(&[byte]);
    }
    assert_eq!(tags(&guest.until_ready()), "TDCZ");
}

#[test]
fn a_message_that_is_too_long_ends_the_visit() {
    let desk = Desk::open();
    let mut guest = desk.greeted("connwarden", true);
    guest.say(&[b'Q', 0x7f, 0, 0, 0]);
    assert!(guest.next().and_then(|said| said.error()).is_some());
    while let Some(said) = guest.next() {
        assert!(b"EZ".contains(&said.tag));
    }
}

#[test]
fn noise_before_drivers_are_calm_is_answered() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    assert_eq!(guest.rows("SHOW client_encoding"), [["UTF-8"]]);
    assert_eq!(tags(&guest.ask("SET DateStyle = 'ISO'")), "NCZ");
    assert_eq!(tags(&guest.ask("")), "IZ");
    assert_eq!(tags(&guest.ask("SHOW HELP")), "NCZ");
    assert_eq!(guest.tag("BEGIN"), "BEGIN");
}
