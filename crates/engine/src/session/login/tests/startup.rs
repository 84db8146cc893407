//! From the first byte to the request for a proof.

use proptest::prelude::*;
use wire::sqlstate::SqlState;

use super::*;
use crate::orders::Replication;

fn parameters(proven: &Proven) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    proven.parameters.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn trusting() -> Door {
    Door::new(config(AuthType::Trust))
}

/// What comes of one startup packet of user `plain` with these pairs.
fn start(config: Config, pairs: &[(&str, &str)]) -> LoginStep {
    let pairs = [&[("user", "plain"), ("database", "wall")], pairs].concat();
    Door::new(config).say(&packet(0, &pairs))
}

#[test]
fn tls_and_gss_are_declined_once_each_in_either_order() {
    for order in
        [[encode::SSL_REQUEST, encode::GSS_ENC_REQUEST], [encode::GSS_ENC_REQUEST, encode::SSL_REQUEST]]
    {
        let mut door = trusting();
        for request in order {
            assert!(matches!(door.say(request), LoginStep::Need(Then::AtLeast(4))));
        }
        assert_eq!(door.log, b"NN");
        proven(door.log_in("plain", "wall", ""));
    }
}

#[test]
fn a_second_request_for_encryption_is_refused() {
    for (request, text) in [
        (encode::SSL_REQUEST, "SSL was requested twice"),
        (encode::GSS_ENC_REQUEST, "GSSAPI encryption was requested twice"),
    ] {
        let mut door = trusting();
        door.say(request);
        assert_eq!(refusal(door.say(request)), Refusal::Protocol(text.into()));
        assert_eq!(door.log, b"N");
        assert!(matches!(door.say(b"x"), LoginStep::Leave));
    }
}

#[test]
fn bytes_behind_a_request_for_encryption_are_refused_and_it_is_not_answered() {
    for (request, text) in [
        (encode::SSL_REQUEST, "received unencrypted data after SSL request"),
        (encode::GSS_ENC_REQUEST, "received unencrypted data after GSSAPI encryption request"),
    ] {
        for offers_tls in [false, true] {
            let mut door = trusting();
            if offers_tls {
                door.login = Login::new(Peer::Ip([127, 0, 0, 1].into(), 5)).offering_tls();
            }
            let bytes = [request, &packet(0, &[("user", "plain")])].concat();
            assert_eq!(refusal(door.say(&bytes)), Refusal::Protocol(text.into()));
            assert_eq!(door.log, b"");
        }
    }
}

#[test]
fn under_tls_everything_begins_anew_except_encryption() {
    for again in [encode::SSL_REQUEST, encode::GSS_ENC_REQUEST] {
        let mut door = trusting();
        door.login = Login::new(Peer::Ip([127, 0, 0, 1].into(), 5)).offering_tls();
        assert!(matches!(door.say(encode::SSL_REQUEST), LoginStep::StartTls));
        assert_eq!(door.log, b"S");
        assert!(matches!(door.offer(), LoginStep::Wait));
        door.login.on_tls();
        assert!(matches!(refusal(door.say(again)), Refusal::Protocol(_)));
    }
    let mut door = trusting();
    door.login = Login::new(Peer::Ip([127, 0, 0, 1].into(), 5)).offering_tls();
    door.say(encode::SSL_REQUEST);
    door.login.on_tls();
    proven(door.log_in("plain", "wall", ""));
}

#[test]
fn plain_bytes_between_the_answer_and_the_handshake_are_refused() {
    let mut door = trusting();
    door.login = Login::new(Peer::Ip([127, 0, 0, 1].into(), 5)).offering_tls();
    door.say(encode::SSL_REQUEST);
    let refused = refusal(door.say(&packet(0, &[("user", "plain")])));
    assert_eq!(refused, Refusal::Protocol("received unencrypted data after SSL request".into()));
}

#[test]
fn a_cancel_request_may_follow_a_declined_encryption() {
    let mut door = trusting();
    door.say(encode::SSL_REQUEST);
    let mut bytes = Vec::new();
    encode::cancel_request(&mut bytes, 7, b"secret bytes");
    match door.say(&bytes) {
        LoginStep::Cancel { pid: 7, secret } => assert_eq!(&*secret, b"secret bytes"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(door.offer(), LoginStep::Leave));
}

#[test]
fn a_first_packet_that_is_none_is_refused_as_soon_as_it_shows() {
    let golden: [(&[u8], &str, &str); 9] = [
        (b"p\0\0\0\x05x", "08P01", "invalid length of startup packet: 1879048192 bytes"),
        (b"GET / HTTP/1.1", "08P01", "invalid length of startup packet: 1195725856 bytes"),
        (b"\x16\x03\x01\x02", "08P01", "invalid length of startup packet: 369295618 bytes"),
        (b"\0\0\0\x07", "08P01", "invalid length of startup packet: 7 bytes"),
        (b"\0\0\x27\x11", "08P01", "invalid length of startup packet: 10001 bytes"),
        (b"\0\0\0\x08\0\x02\0\0", "0A000", "unsupported frontend protocol 2.0: server supports 3.0 to 3.2"),
        (b"\0\0\0\x08\0\x04\0\0", "0A000", "unsupported frontend protocol 4.0: server supports 3.0 to 3.2"),
        (b"\0\0\0\x09\0\x03\0\0\0", "28000", "no PostgreSQL user name specified in startup packet"),
        (b"\0\0\0\x08\0\x03\0\0", "08P01", "invalid startup packet layout: expected terminator as last byte"),
    ];
    for (bytes, code, text) in golden {
        let refused = refusal(trusting().say(bytes));
        assert!(matches!(refused, Refusal::BadStartup { .. }), "{refused:?}");
        assert_eq!((refused.code().as_str(), &*refused.text()), (code, text));
    }
}

#[test]
fn a_half_packet_is_waited_for_with_its_whole_length() {
    let mut door = trusting();
    let bytes = packet(0, &[("user", "plain"), ("database", "wall")]);
    assert!(matches!(door.say(&bytes[..3]), LoginStep::Need(Then::AtLeast(4))));
    let whole = bytes.len();
    assert!(matches!(door.say(&bytes[3..9]), LoginStep::Need(Then::AtLeast(n)) if n == whole));
    proven(door.say(&bytes[9..]));
}

#[test]
fn bytes_behind_the_last_message_are_left_for_whoever_comes_next() {
    let mut door = trusting();
    let mut bytes = packet(0, &[("user", "plain"), ("database", "wall")]);
    bytes.extend_from_slice(b"Q\0\0");
    proven(door.say(&bytes));
    assert_eq!(door.kept, b"Q\0\0");
}

#[test]
fn versions_and_options_that_are_not_known_are_negotiated_once_before_anything_else() {
    let negotiated = |minor, pairs: &[(&str, &str)]| {
        let mut door = Door::new(config(AuthType::Plain));
        let pairs = [&[("user", "plain"), ("database", "wall")], pairs].concat();
        door.say(&packet(minor, &pairs));
        let mut heard = Vec::new();
        while !door.sent.is_empty() {
            heard.push(door.hear());
        }
        let mut out = Vec::new();
        encode::password(&mut out, b"secret");
        (heard, proven(door.say(&out)))
    };
    for (minor, spoken) in [(0, 0), (2, 2)] {
        let (heard, proven) = negotiated(minor, &[]);
        assert_eq!((heard.len(), proven.minor), (1, spoken));
    }
    for (minor, spoken, pairs) in
        [(1, 0, &[][..]), (9, 2, &[]), (0, 0, &[("_pq_.x", "1")]), (2, 2, &[("_pq_.x", "1")])]
    {
        let (heard, proven) = negotiated(minor, pairs);
        assert_eq!(heard.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), b"vR");
        let said = wire::backend::negotiate(&heard[0].1).expect("it is well formed");
        assert_eq!((said.minor, said.unrecognized.count()), (spoken, pairs.len()));
        assert_eq!((proven.minor, proven.parameters.len()), (spoken, 0));
    }
}

#[test]
fn a_startup_packet_becomes_a_pool_and_parameters() {
    let step = start(
        config(AuthType::Trust),
        &[
            ("DateStyle", "ISO"),
            ("application_name", "a"),
            ("options", r"-c search_path=x\ y --work-mem=1MB -c datestyle=German"),
            ("Application_Name", "b"),
        ],
    );
    let proven = proven(step);
    assert_eq!((&*proven.key.database, &*proven.key.user), ("wall", "plain"));
    assert_eq!(proven.key.replication, Replication::No);
    let expected =
        [("search_path", "x y"), ("work_mem", "1MB"), ("datestyle", "ISO"), ("application_name", "b")];
    assert_eq!(parameters(&proven), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    assert_eq!(proven.client_key, None);
}

#[test]
fn a_database_left_out_is_that_of_the_user_and_a_fallback_serves_every_name() {
    let mut with_fallback = config(AuthType::Trust);
    let wall = with_fallback.databases["wall"].clone();
    with_fallback.add_database(Database { name: FALLBACK.into(), ..(*wall).clone() });
    let step = Door::new(with_fallback).say(&packet(0, &[("user", "plain")]));
    assert_eq!(&*proven(step).key.database, "plain");
    let step = Door::new(config(AuthType::Trust)).say(&packet(0, &[("user", "plain")]));
    assert_eq!(refusal(step), Refusal::NoSuchDatabase { database: "plain".into() });
}

#[test]
fn replication_makes_another_pool() {
    for (value, kind) in
        [("on", Replication::Physical), ("database", Replication::Logical), ("off", Replication::No)]
    {
        let step = start(config(AuthType::Trust), &[("replication", value)]);
        assert_eq!(proven(step).key.replication, kind);
    }
    let refused = refusal(start(config(AuthType::Trust), &[("replication", "maybe")]));
    assert_eq!(refused.text(), "invalid value for parameter \"replication\": \"maybe\"");
}

#[test]
fn parameters_to_ignore_are_forgotten_whatever_their_case_and_wherever_they_stand() {
    let mut config = config(AuthType::Trust);
    config.proxy.ignore_startup_parameters = vec!["Extra_Float_Digits".into()];
    let step =
        start(config, &[("extra_float_digits", "3"), ("options", "-c EXTRA_FLOAT_DIGITS=2 -c geqo=off")]);
    assert_eq!(parameters(&proven(step)), [("geqo".to_owned(), "off".to_owned())]);
}

#[test]
fn ignored_options_keep_what_is_tracked_and_may_be_nonsense() {
    let mut config = config(AuthType::Trust);
    config.proxy.ignore_startup_parameters = vec!["options".into()];
    config.proxy.track_extra_parameters = vec!["IntervalStyle".into()];
    let step = start(config.clone(), &[("options", "-c geqo=off -c TimeZone=UTC -c intervalstyle=iso_8601")]);
    let kept =
        [("timezone", "UTC"), ("intervalstyle", "iso_8601")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(parameters(&proven(step)), kept);
    let step = start(config, &[("options", "-e nonsense"), ("geqo", "off")]);
    assert_eq!(parameters(&proven(step)), [("geqo".to_owned(), "off".to_owned())]);
}

#[test]
fn options_and_names_that_cannot_be_replayed_are_refused() {
    let golden = [
        (
            ("options", "-e"),
            "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed",
        ),
        (("options", "-c a"), "-c a requires a value"),
        (("options", "-c a;b=1"), "unsupported startup parameter: a;b"),
        (("x'y", "1"), "unsupported startup parameter: x'y"),
        (("a..b", "1"), "unsupported startup parameter: a..b"),
        (("1a", "1"), "unsupported startup parameter: 1a"),
    ];
    for (pair, text) in golden {
        assert_eq!(refusal(start(config(AuthType::ScramSha256), &[pair])).text(), text);
    }
    let own = start(config(AuthType::Trust), &[("my_app.user$id", "1")]);
    assert_eq!(parameters(&proven(own)), [("my_app.user$id".to_owned(), "1".to_owned())]);
}

#[test]
fn names_that_are_no_text_are_refused() {
    for field in ["user", "database"] {
        let mut bytes = packet(0, &[("user", "plain"), ("database", "wall")]);
        let at = bytes
            .windows(field.len() + 1)
            .position(|w| w[..field.len()] == *field.as_bytes())
            .expect("there");
        bytes[at + field.len() + 1] = 0xff;
        let text = format!("{field} name in startup packet is not UTF-8");
        let code = SqlState::PROTOCOL_VIOLATION;
        assert_eq!(refusal(trusting().say(&bytes)), Refusal::BadStartup { code, text: text.into() });
    }
}

proptest! {
    #[test]
    fn garbage_never_logs_anybody_in(bytes in proptest::collection::vec(any::<u8>(), 1..300), kind in 0u8..4) {
        let mut door = Door::new(config(AuthType::ScramSha256));
        let mut start = packet(0, &[("user", "plain"), ("database", "wall")]);
        let prefix: &[u8] = match kind {
            0 => b"",
            1 => b"\0\0\0\x50\0\x03\0\0",
            2 => { start.extend_from_slice(b"p"); &start }
            _ => {
                start.extend_from_slice(b"p\0\0\0\x37SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=aaaaaaaaaaaaaaaaaaaaaaaa");
                start.extend_from_slice(b"p\0\0\0");
                &start
            }
        };
        let step = door.say(&[prefix, &bytes].concat());
        prop_assert!(!matches!(step, LoginStep::Proven(_) | LoginStep::Console(..)), "{step:?}");
    }
}
