//! Traps 49 to 57: startup packets, proofs, and peers that are none.

use engine::orders::{Back, DialRefusal};
use model::config::checked::AuthType;

use super::stand::Stand;

/// A startup packet of this version and these texts.
fn startup(version: u32, texts: &[&str]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for text in texts {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
}

const V3: u32 = 3 << 16;

#[test]
fn a_startup_packet_is_bounded_and_may_come_in_pieces() {
    for first in [&b"\0\0\0\x07"[..], b"\0\0\x27\x11\0\x03\0\0", b"\xff\xff\xff\xff", b"GET / HT"] {
        let mut stand = Stand::new(1);
        let conn = stand.connect();
        stand.bytes(conn, first);
        assert!(stand.is_over(conn) && stand.hear(conn).starts_with("FATAL 08P01"), "{first:?}");
    }
    let mut stand = Stand::new(1);
    let conn = stand.connect();
    for byte in startup(V3, &["user", "alice", "database", "app"]) {
        stand.bytes(conn, &[byte]);
    }
    assert!(stand.hear(conn).ends_with("Z I"));
}

#[test]
fn a_startup_packet_means_what_postgresql_takes_it_to_mean() {
    let mut stand = Stand::with(1, |config, _| config.proxy.ignore_startup_parameters = vec!["extra".into()]);
    let conn = stand.connect();
    let options = "-c application_name=one\\ two --extra=1";
    stand.bytes(conn, &startup(V3, &["user", "bob", "user", "alice", "database", "", "options", options]));
    let key = stand.notes.iter().find_map(|note| match note {
        engine::orders::Note::Knock { key, .. } => Some(key.clone()),
        _ => None,
    });
    let key = key.expect("it is let in");
    assert_eq!(
        (&*key.user, &*key.database),
        ("alice", "alice"),
        "the last one wins, and an empty one is none"
    );
    assert!(stand.hear(conn).contains("S application_name=one two"));
    let nameless = stand.connect();
    stand.bytes(nameless, &startup(V3, &["database", "app"]));
    assert!(stand.hear(nameless).starts_with("FATAL"));
    let long = stand.connect();
    stand.bytes(long, &startup(V3, &["user", &"u".repeat(5_000)]));
    assert!(stand.hear(long).starts_with("FATAL"));
    let endless = stand.connect();
    stand.bytes(endless, b"\0\0\0\x10\0\x03\0\0user\0ali");
    assert!(stand.hear(endless).starts_with("FATAL"));
}

#[test]
fn a_password_is_taken_only_where_it_was_asked_for() {
    let mut stand = Stand::with(1, |config, _| config.proxy.auth_type = AuthType::Plain);
    let first = stand.connect();
    stand.say(first, "p secret");
    assert!(stand.is_over(first), "before the startup packet");
    let second = stand.connect();
    stand.say(second, "Startup user=alice database=app");
    stand.hear(second);
    stand.say(second, "Q \"select 1\"");
    assert!(stand.is_over(second), "something else in its place");
    stand.hear(second);
    let third = stand.connect();
    stand.say(third, "Startup user=alice database=app | p secret | p secret");
    assert!(stand.hear(third).contains(" | FATAL 08P01 "));
}

#[test]
fn nobody_learns_who_exists() {
    let mut words = Vec::new();
    for auth in [AuthType::Plain, AuthType::Md5, AuthType::ScramSha256] {
        for user in ["alice", "carol"] {
            let mut stand = Stand::with(1, |config, _| {
                config.proxy.auth_type = auth;
                config.databases.remove("*");
            });
            let conn = stand.connect();
            stand.say(conn, &format!("Startup user={user} database=nosuch"));
            let mut said = stand.hear(conn);
            stand.say(conn, "p wrong");
            said.push_str(&stand.hear(conn).replace(user, "USER"));
            words.push((said, stand.is_over(conn), stand.servers.len()));
        }
        assert_eq!(words[words.len() - 2], words[words.len() - 1], "{auth:?}");
        assert!(
            !words[words.len() - 1].0.contains("nosuch"),
            "which databases exist is told after the proof"
        );
    }
}

#[test]
fn a_servers_refusal_is_told_only_to_who_has_proven_himself() {
    let mut stand = Stand::with(1, |config, _| config.proxy.auth_type = AuthType::Plain);
    stand.greets = false;
    let (a, b) = (stand.connect(), stand.connect());
    stand.say(b, "Startup user=alice database=app");
    stand.say(a, "Startup user=alice database=app | p secret");
    let server = stand.servers[0];
    stand.take(engine::contract::Input::Dialled { conn: server });
    stand.say(server, "FATAL 3D000 \"database \\\"app\\\" does not exist\" InitPostgres");
    let heard = stand.hear(a);
    assert!(heard.ends_with("FATAL 3D000 \"database \\\"app\\\" does not exist\""), "{heard}");
    assert_eq!(stand.hear(b), "R CleartextPassword");
}

#[test]
fn an_error_without_a_single_field_is_an_error() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.say(a, "Q one");
    stand.bytes(server, b"E\0\0\0\x05\0Z\0\0\0\x05I");
    assert_eq!(stand.heard_bytes(a), b"E\0\0\0\x05\0Z\0\0\0\x05I");
    assert!(!stand.is_over(a) && !stand.is_over(server));
    // The same during our login, where it tells nothing about the server.
    let mut stand = Stand::new(1);
    stand.greets = false;
    let a = stand.connect();
    stand.say(a, "Startup user=alice database=app");
    let server = stand.servers[0];
    stand.take(engine::contract::Input::Dialled { conn: server });
    stand.bytes(server, b"E\0\0\0\x05\0");
    stand.gone(server);
    let refused = Back::Refused(DialRefusal::Server { code: None, routine: "".into(), message: "".into() });
    assert_eq!(stand.backs, [refused]);
    assert!(!stand.is_over(a));
}

#[test]
fn a_server_that_speaks_another_language_is_let_go() {
    for words in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"\x16\x03\x01", b"\0\0\0\0\0\0\0\0"] {
        let mut stand = Stand::new(1);
        stand.greets = false;
        let a = stand.connect();
        stand.say(a, "Startup user=alice database=app");
        let server = stand.servers[0];
        stand.take(engine::contract::Input::Dialled { conn: server });
        stand.bytes(server, words);
        stand.gone(server);
        assert_eq!(stand.backs.len(), 1, "{words:?}: its credit came back once");
    }
}

#[test]
fn versions_are_negotiated_once_and_before_anything_else() {
    let mut stand = Stand::new(1);
    let conn = stand.connect();
    stand.bytes(conn, &startup(V3 + 9, &["user", "alice", "database", "app", "_pq_.extra", "1"]));
    let heard = stand.hear(conn);
    assert!(heard.starts_with("v | R ok | "), "{heard}");
    assert_eq!(heard.matches("v | ").count(), 1);
    let plain = stand.connect();
    stand.bytes(plain, &startup(V3, &["user", "alice", "database", "app"]));
    assert!(stand.hear(plain).starts_with("R ok | "));
}

#[test]
fn whoever_dawdles_at_the_door_is_sent_away() {
    let packet = startup(V3, &["user", "alice", "database", "app"]);
    for said in [&b""[..], &b"\0\0"[..], &packet[..20], &packet, &[&packet[..], b"p\0\0\0\x0bsec"].concat()] {
        let mut stand = Stand::with(1, |config, _| config.proxy.auth_type = AuthType::Plain);
        let conn = stand.connect();
        stand.bytes(conn, said);
        stand.wait(59);
        assert!(!stand.is_over(conn));
        stand.wait(2);
        assert!(stand.is_over(conn), "{said:?}");
        assert!(stand.hear(conn).ends_with("FATAL 08P01 \"client_login_timeout\""), "{said:?}");
    }
}

#[test]
fn whoever_stops_within_a_message_loses_his_server() {
    let mut stand = Stand::with(1, |config, _| {
        config.proxy.query_timeout = Some(std::time::Duration::from_secs(10));
    });
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.bytes(a, b"Q\0\x02\0\0select");
    stand.say(b, "Q next");
    stand.wait(5);
    assert!(!stand.is_over(a));
    stand.wait(6);
    assert!(stand.is_over(a) && stand.is_over(server));
}

#[test]
fn half_of_a_small_message_keeps_no_server() {
    for half in [&b"Q\0\0\x20\0select"[..], b"P\0\0\x20\0s1\0select", b"Q\0\0"] {
        let mut stand = Stand::new(1);
        let (a, b) = (stand.client(), stand.client());
        stand.bytes(a, half);
        stand.say(b, "Q next");
        assert_eq!(stand.hear(stand.servers[0]), "Q \"next\"", "{half:?}");
    }
}

#[test]
fn only_so_many_may_be_at_the_door() {
    let mut stand = Stand::with(1, |config, _| config.proxy.login_max = 3);
    let at_the_door: Vec<_> = (0..3).map(|_| stand.connect()).collect();
    let one_more = stand.connect();
    assert!(stand.hear(one_more).starts_with("FATAL 53300"));
    stand.gone(at_the_door[0]);
    stand.client();
}
