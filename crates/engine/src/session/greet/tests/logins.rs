//! Logins that succeed, and credentials that don't fit.

use super::*;

fn plain() -> Option<SecretText> {
    secret("secret")
}

#[test]
fn the_startup_packet_names_the_servers_role_and_database_and_nothing_of_a_client() {
    let mut config = Config::for_tests();
    config.add_database(Database {
        server: "main".into(),
        dbname: Some("wall_15".into()),
        user: Some("owner".into()),
        timezone: Some("UTC".into()),
        ..Database::with_defaults(FALLBACK.into())
    });
    let settings = config.pool("wall", "app").expect("it is there");
    for (replication, sent) in
        [(Replication::No, "No"), (Replication::Logical, "Database"), (Replication::Physical, "Physical")]
    {
        let pairs = Line::of(settings.clone(), replication).startup();
        let expected =
            [("user", "owner"), ("database", "wall_15"), ("replication", sent), ("timezone", "UTC")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn a_server_that_trusts_is_taken_at_its_word() {
    let mut line = Line::new(None);
    line.startup();
    let welcome = line.welcome();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let parameters: Vec<_> = welcome.parameters.iter().map(|(n, v)| (text(n), text(v))).collect();
    assert_eq!(
        parameters,
        [("TimeZone", "CET"), ("server_version", "15.4")].map(|(n, v)| (n.into(), v.into()))
    );
    assert_eq!((welcome.pid, &*welcome.secret), (77, &b"abcd"[..]));
    assert!(line.sent.is_empty() && line.kept.is_empty());
}

#[test]
fn what_follows_ready_for_query_is_left_alone() {
    let mut line = Line::new(None);
    ready(line.say(|out| {
        encode::auth_ok(out);
        encode::ready(out, wire::backend::TxStatus::Idle);
        out.extend_from_slice(b"S\0\0");
    }));
    assert_eq!(line.kept, b"S\0\0");
}

#[test]
fn a_server_need_not_report_anything() {
    let mut line = Line::new(None);
    let welcome = ready(line.say(|out| {
        encode::auth_ok(out);
        encode::ready(out, wire::backend::TxStatus::Idle);
    }));
    assert_eq!(*welcome, Welcome::default());
}

#[test]
fn a_password_is_sent_to_a_server_that_asks_for_it() {
    let mut line = Line::new(plain());
    line.startup();
    assert!(line.need(encode::auth_cleartext).is_ok());
    assert_eq!(line.answer(), b"secret\0");
    line.welcome();
}

#[test]
fn md5_is_answered_from_the_password_or_its_hash() {
    let hash = Md5Hash::of(b"app", b"secret");
    for stored in ["secret", MD5_OF_APP] {
        let mut line = Line::new(secret(stored));
        line.startup();
        assert!(line.need(|out| encode::auth_md5(out, *b"salt")).is_ok());
        assert_eq!(line.answer(), [&hash.answer(*b"salt")[..], b"\0"].concat());
        line.welcome();
    }
}

#[test]
fn scram_derives_once_for_each_verifier() {
    let mut line = Line::new(plain());
    let mut slow = Vec::new();
    for salt in [SALT, SALT, b"another salt", SALT] {
        line.dial(Replication::No);
        let last = line.scram(&verifier(b"secret", salt)).expect("we go on");
        assert!(!last.is_empty(), "the proof is right");
        assert!(line.need(|out| encode::auth_sasl_final(out, &last)).is_ok());
        line.welcome();
        slow.push(line.slow);
    }
    assert_eq!(slow, [1, 0, 1, 0]);
}

#[test]
fn a_clients_key_logs_in_to_a_server_that_has_the_same_verifier() {
    let stored = verifier(b"secret", SALT);
    let mut line = Line::new(secret(&stored.stored_text()));
    line.client_key = Some(*derive(b"secret", SALT, 7).client_key().bytes());
    let last = line.scram(&stored).expect("we go on");
    assert!(line.need(|out| encode::auth_sasl_final(out, &last)).is_ok());
    line.welcome();
    assert_eq!(line.slow, 0);
}

#[test]
fn no_proof_is_given_to_a_server_whose_verifier_is_another() {
    let stored = verifier(b"secret", SALT);
    let more_rounds = Verifier::of(&derive(b"secret", SALT, 8), SALT, 8);
    for (servers, rounds) in [(verifier(b"secret", b"another salt"), 7), (more_rounds, 8)] {
        let mut line = Line::new(secret(&stored.stored_text()));
        line.client_key = Some(*derive(b"secret", SALT, 7).client_key().bytes());
        let text = complaint(line.scram(&servers).expect_err("we stop"));
        let rounds = format!("(iterations {rounds} and 7)");
        assert_eq!(text, format!("the server's SCRAM verifier is not the stored one {rounds}"));
        assert!(line.sent.is_empty());
    }
}

#[test]
fn a_key_that_does_not_belong_to_the_stored_verifier_is_not_used() {
    let stored = verifier(b"secret", SALT);
    let mut line = Line::new(secret(&stored.stored_text()));
    for (key, text) in [
        (None, "for \"app\" a SCRAM verifier is stored, and no client has logged in with SCRAM yet"),
        (
            Some(*derive(b"old secret", SALT, 7).client_key().bytes()),
            "the client's SCRAM key does not belong to the verifier stored for \"app\"",
        ),
    ] {
        line.client_key = key;
        line.dial(Replication::No);
        assert_eq!(complaint(line.scram(&stored).expect_err("we stop")), text);
        assert!(line.sent.is_empty());
    }
}

#[test]
fn a_secret_that_does_not_fit_what_the_server_wants_stops_us() {
    let scram = verifier(b"secret", SALT).stored_text().to_string();
    let wants: [fn(&mut Vec<u8>); 3] = [
        encode::auth_cleartext,
        |out| encode::auth_md5(out, *b"salt"),
        |out| encode::auth_sasl(out, &[MECHANISM]),
    ];
    let [clear, md5, sasl] = wants;
    let none = "the server wants a password, and none is stored for \"app\"";
    let golden = [
        (None, clear, none),
        (None, md5, none),
        (None, sasl, none),
        (
            secret(MD5_OF_APP),
            clear,
            "the server wants a password, and for \"app\" only an MD5 hash is stored",
        ),
        (secret(MD5_OF_APP), sasl, "the server wants SCRAM, and for \"app\" only an MD5 hash is stored"),
        (
            secret(&scram),
            clear,
            "the server wants a password, and for \"app\" only a SCRAM verifier is stored",
        ),
        (secret(&scram), md5, "the server wants MD5, and for \"app\" only a SCRAM verifier is stored"),
    ];
    for (stored, wants, text) in golden {
        let mut line = Line::new(stored);
        line.startup();
        assert_eq!(complaint(line.say(wants)), text);
        assert!(line.sent.is_empty());
    }
}

#[test]
fn notices_are_skipped_wherever_they_come() {
    let notice = |out: &mut Vec<u8>| {
        let code = SqlState::WARNING;
        encode::notice(out, &ErrorText { severity: "NOTICE", code, message: "hi", detail: None, hint: None });
    };
    let mut line = Line::new(plain());
    line.startup();
    assert!(line.need(notice).is_ok());
    assert!(line.need(encode::auth_cleartext).is_ok());
    assert!(line.need(notice).is_ok());
    assert!(line.need(encode::auth_ok).is_ok());
    assert!(line.need(notice).is_ok());
    ready(line.say(welcoming));
}

#[test]
fn a_negotiated_version_changes_nothing() {
    let mut line = Line::new(None);
    line.startup();
    assert!(line.need(|out| encode::negotiate(out, 0, &[])).is_ok());
    line.welcome();
}

#[test]
fn cutting_the_stream_anywhere_changes_nothing() {
    let stored = verifier(b"secret", SALT);
    let run = |chunk| {
        let mut line = Line::new(plain());
        line.chunk = chunk;
        let last = line.scram(&stored).expect("we go on");
        assert!(line.need(|out| encode::auth_sasl_final(out, &last)).is_ok());
        line.welcome()
    };
    let whole = run(usize::MAX);
    for chunk in 1..130 {
        assert_eq!(run(chunk), whole, "in parts of {chunk}");
    }
}
