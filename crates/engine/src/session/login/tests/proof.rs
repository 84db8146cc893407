//! Passwords, right and wrong, of users who exist and users who don't.

use super::*;

const ALL: [AuthType; 3] = [AuthType::Plain, AuthType::Md5, AuthType::ScramSha256];

/// What an observer sees of a login: tags and lengths of what is sent, the slow steps, the refusal.
fn seen(door: &mut Door, user: &str, password: &str) -> (Vec<(u8, usize)>, u32, String) {
    door.next_client();
    let step = door.log_in(user, "wall", password);
    door.sent = mem::take(&mut door.log);
    let mut messages = Vec::new();
    while !door.sent.is_empty() {
        let (tag, body) = door.hear();
        messages.push((tag, body.len()));
    }
    let text = match step {
        LoginStep::Refuse(refused) => refused.text().replace(user, "USER"),
        other => format!("{other:?}"),
    };
    (messages, door.slow, text)
}

#[test]
fn the_right_password_logs_in_by_whatever_is_stored() {
    for (auth_type, users) in [
        (AuthType::Plain, &["plain", "md5", "scram"][..]),
        (AuthType::Md5, &["plain", "md5", "scram"]),
        (AuthType::ScramSha256, &["plain", "scram"]),
    ] {
        let mut door = Door::new(config(auth_type));
        for user in users {
            for _ in 0..2 {
                door.next_client();
                assert_eq!(&*proven(door.log_in(user, "wall", "secret")).key.user, *user);
                let log = door.log.clone();
                assert!(
                    !log.windows(9).any(|w| w == b"R\0\0\0\x08\0\0\0\0"),
                    "AuthenticationOk is the home's"
                );
            }
        }
        assert_eq!(door.tally.doomed_logins, 0);
    }
}

#[test]
fn a_wrong_password_is_refused_with_one_text_whoever_gives_it() {
    for auth_type in ALL {
        for user in ["plain", "md5", "scram", "none", "nobody"] {
            for password in ["", "Secret", "secret ", MD5] {
                let mut door = Door::new(config(auth_type));
                let refused = refusal(door.log_in(user, "wall", password));
                assert_eq!(refused, wrong_password(user), "{auth_type} {user} {password:?}");
                assert_eq!(refused.text(), format!("password authentication failed for user \"{user}\""));
                assert_eq!(door.tally.doomed_logins, u64::from(user == "nobody"));
            }
        }
    }
}

#[test]
fn a_stored_md5_hash_is_doomed_under_scram_but_goes_the_whole_way() {
    let mut door = Door::new(config(AuthType::ScramSha256));
    let doomed = seen(&mut door, "md5", "secret");
    assert_eq!(doomed.0.len(), 2, "SASL and challenge");
    let nobody = seen(&mut door, "none", "secret");
    assert_eq!((doomed.0, doomed.2), (nobody.0, nobody.2));
}

#[test]
fn a_user_who_does_not_exist_costs_what_a_wrong_password_costs() {
    for (auth_type, known) in [
        (AuthType::Plain, &["plain", "md5", "scram", "none"][..]),
        (AuthType::Md5, &["plain", "md5", "none"]),
        (AuthType::ScramSha256, &["plain", "md5", "scram", "none"]),
    ] {
        let mut door = Door::new(config(auth_type));
        // The first login of a stored plain password derives, once in the life of the process.
        door.log_in("plain", "wall", "secret");
        let nobody = seen(&mut door, "nobody", "oops");
        for user in known {
            assert_eq!(seen(&mut door, user, "oops"), nobody, "{auth_type} {user}");
        }
        assert_eq!(nobody.1, u32::from(auth_type == AuthType::Plain));
        assert_eq!(seen(&mut door, "nobody", "oops"), nobody, "a second time");
    }
}

#[test]
fn the_salt_of_a_name_stays_the_same() {
    let challenge = |door: &mut Door, user: &str| {
        door.next_client();
        door.log_in(user, "wall", "oops");
        door.sent = mem::take(&mut door.log);
        door.hear();
        let challenge = String::from_utf8(door.hear().1).expect("it is text");
        let (nonce, salt) = challenge.split_once(",s=").expect("it has a salt");
        (nonce.to_owned(), salt.to_owned())
    };
    let mut door = Door::new(config(AuthType::ScramSha256));
    for user in ["nobody", "plain", "scram", "md5"] {
        let (first, second) = (challenge(&mut door, user), challenge(&mut door, user));
        assert_ne!(first.0, second.0);
        assert_eq!(first.1, second.1);
    }
    let unknown = challenge(&mut door, "later").1;
    let mut config = (*door.config).clone();
    let password = Some(SecretText::new("secret".into()));
    config.add_user(User { password, ..User::with_defaults("later".into()) });
    door.config = Arc::new(config);
    assert_eq!(challenge(&mut door, "later").1, unknown, "being added does not show");
}

#[test]
fn under_md5_strangers_are_asked_as_the_first_user_is() {
    let asked = |config: Config| {
        let mut door = Door::new(config);
        door.say(&packet(0, &[("user", "nobody")]));
        door.asked()[3]
    };
    assert_eq!(asked(config(AuthType::Md5)), 5);
    let mut scram_only = config(AuthType::Md5);
    scram_only.users.retain(|name, _| matches!(&**name, "scram" | "none"));
    assert_eq!(asked(scram_only), 10);
}

#[test]
fn a_slow_step_is_done_once_for_a_stored_password_and_never_kept_of_a_wrong_one() {
    let mut door = Door::new(config(AuthType::ScramSha256));
    let slow: Vec<u32> = (0..3).map(|_| seen(&mut door, "plain", "secret").1).collect();
    assert_eq!(slow, [1, 0, 0]);
    let mut door = Door::new(config(AuthType::Plain));
    let slow: Vec<u32> =
        ["oops", "oops", "secret", "secret"].map(|pw| seen(&mut door, "scram", pw).1).to_vec();
    assert_eq!(slow, [1, 1, 1, 0]);
    assert_eq!(door.tally.derivations, 3);
}

#[test]
fn a_stranger_costs_as_many_rounds_as_a_user() {
    let alone = || {
        let mut config = config(AuthType::ScramSha256);
        config.users.retain(|name, _| &**name == "plain");
        Door::new(config)
    };
    for names in [["plain", "plain", "nobody"], ["nobody", "nobody", "plain"]] {
        let mut door = alone();
        let slow: Vec<u32> = names.map(|name| seen(&mut door, name, "secret").1).to_vec();
        assert_eq!((slow, door.tally.derivations), (vec![1, 0, 0], 1), "{names:?}");
    }
    // Of many users each is derived once at most, however many strangers come.
    let mut config = config(AuthType::ScramSha256);
    config.users.clear();
    for name in ["a", "b", "c"] {
        let password = Some(SecretText::new(name.repeat(8)));
        config.add_user(User { password, ..User::with_defaults(name.into()) });
    }
    let mut door = Door::new(config);
    for stranger in 0..60 {
        seen(&mut door, &format!("stranger{stranger}"), "secret");
    }
    assert_eq!(door.tally.derivations, 3);
    door.next_client();
    proven(door.log_in("a", "wall", "aaaaaaaa"));
}

#[test]
fn an_empty_password_is_refused_in_clear_text_even_where_it_is_right() {
    let mut config = config(AuthType::Plain);
    let verifier = Verifier::of(&derive(b"", b"salt", 7), b"salt", 7);
    let password = Some(SecretText::new(verifier.stored_text().to_string()));
    config.add_user(User { password, ..User::with_defaults("empty".into()) });
    assert_eq!(refusal(Door::new(config).log_in("empty", "wall", "")), wrong_password("empty"));
}

#[test]
fn a_password_that_was_right_before_a_reload_is_wrong_after_it() {
    for (auth_type, user) in
        [(AuthType::Plain, "plain"), (AuthType::ScramSha256, "plain"), (AuthType::Plain, "scram")]
    {
        let mut door = Door::new(config(AuthType::ScramSha256));
        proven(door.log_in(user, "wall", "secret"));
        let mut config = config(auth_type);
        let password = Some(SecretText::new("another".into()));
        config.add_user(User { password, ..User::with_defaults(user.into()) });
        door.config = Arc::new(config);
        door.next_client();
        assert_eq!(refusal(door.log_in(user, "wall", "secret")), wrong_password(user));
        door.next_client();
        proven(door.log_in(user, "wall", "another"));
    }
}

#[test]
fn scram_gives_the_key_that_logs_in_to_servers() {
    let expected = |salt: &[u8]| Some(*derive(b"secret", salt, 7).client_key().bytes());
    for (auth_type, key) in [
        (AuthType::ScramSha256, expected(b"a stored salt...")),
        (AuthType::Md5, expected(b"a stored salt...")),
        (AuthType::Plain, expected(b"a stored salt...")),
        (AuthType::Trust, None),
    ] {
        let proven = proven(Door::new(config(auth_type)).log_in("scram", "wall", "secret"));
        assert_eq!(proven.client_key, key);
        assert!(!format!("{proven:?}").contains(", 1"), "it does not show");
    }
}

#[test]
fn which_databases_exist_shows_only_after_the_proof() {
    for auth_type in ALL {
        let door = || Door::new(config(auth_type));
        assert_eq!(refusal(door().log_in("plain", "nowhere", "oops")), wrong_password("plain"));
        let expected = Refusal::NoSuchDatabase { database: "nowhere".into() };
        assert_eq!(refusal(door().log_in("plain", "nowhere", "secret")), expected);
    }
}

#[test]
fn trust_asks_for_a_name_that_is_known() {
    let door = || Door::new(config(AuthType::Trust));
    proven(door().log_in("none", "wall", ""));
    assert_eq!(refusal(door().log_in("nobody", "wall", "")), wrong_password("nobody"));
}

#[test]
fn the_console_is_for_those_it_names() {
    for auth_type in [AuthType::Plain, AuthType::ScramSha256] {
        for database in ["connwarden", "pgbouncer"] {
            let log_in = |user, password| Door::new(config(auth_type)).log_in(user, database, password);
            assert!(
                matches!(log_in("plain", "secret"), LoginStep::Console(p, true) if *p.key.user == *"plain")
            );
            assert!(matches!(log_in("scram", "secret"), LoginStep::Console(_, false)));
            assert_eq!(refusal(log_in("plain", "oops")), wrong_password("plain"));
        }
    }
    let step = Door::new(config(AuthType::Plain)).log_in("md5", "pgbouncer", "secret");
    assert_eq!(refusal(step), Refusal::Protocol("not allowed".into()));
}

#[test]
fn our_own_uid_over_the_unix_socket_needs_no_password_for_the_console() {
    let log_in = |uid, user, database| {
        let peer = Peer::Unix { uid, pid: 9 };
        Door::at(config(AuthType::ScramSha256), peer).log_in(user, database, "oops")
    };
    for (user, database) in
        [("connwarden", "pgbouncer"), ("pgbouncer", "pgbouncer"), ("pgbouncer", "connwarden")]
    {
        assert!(matches!(log_in(OWN_UID, user, database), LoginStep::Console(_, true)));
    }
    assert_eq!(refusal(log_in(OWN_UID + 1, "pgbouncer", "pgbouncer")), wrong_password("pgbouncer"));
    let mut unknown = Door::at(config(AuthType::ScramSha256), Peer::Unix { uid: u32::MAX, pid: 0 });
    unknown.own_uid = u32::MAX;
    assert_eq!(refusal(unknown.log_in("pgbouncer", "pgbouncer", "oops")), wrong_password("pgbouncer"));
    assert_eq!(refusal(log_in(OWN_UID, "plain", "pgbouncer")), wrong_password("plain"));
    assert_eq!(refusal(log_in(OWN_UID, "pgbouncer", "wall")), wrong_password("pgbouncer"));
    let mut over_tcp = Door::new(config(AuthType::ScramSha256));
    assert_eq!(refusal(over_tcp.log_in("pgbouncer", "pgbouncer", "oops")), wrong_password("pgbouncer"));
}

#[test]
fn nothing_but_the_owed_message_is_taken() {
    let golden: [(AuthType, &[u8], &str); 11] = [
        (AuthType::Plain, b"Q", "expected password response, got message type 81"),
        (AuthType::Md5, b"\xff", "expected password response, got message type 255"),
        (AuthType::ScramSha256, b"Q", "expected SASL response, got message type 81"),
        (AuthType::Plain, b"p\0\0\x27\x11", "message 'p' claims 10001 bytes; the limit is 10000"),
        (AuthType::Plain, b"p\0\0\0\x03", "message 'p' claims 3 bytes; a message has at least 4"),
        (AuthType::Plain, b"p\0\0\0\x06ab", "invalid password packet size"),
        (AuthType::Plain, b"p\0\0\0\x08a\0b\0", "invalid password packet size"),
        (AuthType::Md5, b"p\0\0\0\x04", "invalid password packet size"),
        (AuthType::ScramSha256, b"p\0\0\0\x06ab", "malformed SASL response"),
        (
            AuthType::ScramSha256,
            b"p\0\0\0\x1dSCRAM-SHA-256-PLUS\0\0\0\0\x02n,",
            "client selected an invalid SASL authentication mechanism",
        ),
        (
            AuthType::ScramSha256,
            b"p\0\0\0\x24SCRAM-SHA-256\0\0\0\0\x0ep=x,,n=,r=abcd",
            "client requires SCRAM channel binding, but it is not supported",
        ),
    ];
    for (auth_type, bytes, text) in golden {
        let mut door = Door::new(config(auth_type));
        door.say(&packet(0, &[("user", "plain")]));
        assert_eq!(refusal(door.say(bytes)), Refusal::Protocol(text.into()));
        assert!(matches!(door.say(b"p"), LoginStep::Leave));
    }
}

#[test]
fn whoever_says_goodbye_leaves() {
    for auth_type in ALL {
        let mut door = Door::new(config(auth_type));
        door.say(&packet(0, &[("user", "plain")]));
        assert!(matches!(door.say(encode::TERMINATE), LoginStep::Leave));
    }
}

#[test]
fn a_derivation_that_nobody_asked_for_lets_nobody_in() {
    let mut door = Door::new(config(AuthType::ScramSha256));
    door.say(&packet(0, &[("user", "plain")]));
    let mut send = Vec::new();
    let step = door.with(|login, cx| login.on_derived(cx, [0; 32], &mut send));
    assert_eq!(refusal(step), Refusal::OutOfStep);
}

#[test]
fn cutting_the_stream_anywhere_changes_nothing() {
    for auth_type in ALL {
        for (user, password) in [("plain", "secret"), ("scram", "secret"), ("scram", "oops"), ("nobody", "x")]
        {
            let run = |chunk| {
                let mut door = Door::new(config(auth_type));
                door.chunk = chunk;
                door.say(encode::SSL_REQUEST);
                let answer = mem::take(&mut door.sent);
                let step = door.log_in(user, "wall", password);
                (answer, format!("{step:?}"), door.log, door.tally)
            };
            let whole = run(usize::MAX);
            for chunk in 1..60 {
                assert_eq!(run(chunk), whole, "{auth_type} {user} in parts of {chunk}");
            }
        }
    }
}
