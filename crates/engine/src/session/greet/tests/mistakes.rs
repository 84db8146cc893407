//! Servers that refuse, break the protocol, or are no PostgreSQL.

use proptest::prelude::*;

use super::*;

fn said(code: Option<SqlState>, routine: &str, message: &str) -> DialRefusal {
    DialRefusal::Server { code, routine: routine.into(), message: message.into() }
}

/// What comes of bytes that a server begins with.
fn begin(bytes: &[u8]) -> GreetStep {
    Line::new(secret("secret")).say(|out| out.extend_from_slice(bytes))
}

#[test]
fn an_error_keeps_its_code_routine_and_message() {
    let step = begin(b"E\0\0\0\x32SFATAL\0C53300\0Mtoo many\0Fproc.c\0RInitProcess\0\0");
    assert_eq!(refusal(step), said(Some(SqlState::TOO_MANY_CONNECTIONS), "InitProcess", "too many"));
}

#[test]
fn every_field_of_an_error_may_be_missing() {
    assert_eq!(refusal(begin(b"E\0\0\0\x04")), said(None, "", ""));
    assert_eq!(refusal(begin(b"E\0\0\0\x05\0")), said(None, "", ""));
    assert_eq!(refusal(begin(b"E\0\0\0\x08C12\0")), said(None, "", ""));
    assert_eq!(refusal(begin(b"E\0\0\0\x07\xff\xff\xff")), said(None, "", ""));
}

#[test]
fn an_error_ends_it_at_every_step() {
    let no = || failing(SqlState::INVALID_PASSWORD, "no");
    let expected = said(Some(SqlState::INVALID_PASSWORD), "", "no");
    let stored = verifier(b"secret", SALT);
    let mut line = Line::new(secret("secret"));
    assert!(line.need(encode::auth_cleartext).is_ok());
    assert_eq!(refusal(line.say(no())), expected);
    let mut line = Line::new(secret("oops"));
    assert!(line.scram(&stored).expect("we go on").is_empty(), "the proof is wrong");
    assert_eq!(refusal(line.say(no())), expected);
    let mut line = Line::new(None);
    assert!(line.need(encode::auth_ok).is_ok());
    assert_eq!(refusal(line.say(no())), expected);
    assert!(matches!(line.say(welcoming), GreetStep::Refused(_)), "it stays refused");
}

#[test]
fn an_error_without_a_length_is_understood() {
    let step = begin(b"Ecould not fork new process for connection: out of memory\n\0");
    assert_eq!(refusal(step), said(None, "", "could not fork new process for connection: out of memory"));
    let long = [b"E".as_slice(), &[b'x'; 5000]].concat();
    assert_eq!(refusal(begin(&long)), said(None, "", &"x".repeat(1024)));
}

#[test]
fn what_is_no_server_is_told_so_early() {
    let golden: [(&[u8], &str); 6] = [
        (b"\x15\x03\x01\0\x02\x02\x46", "the server does not speak PostgreSQL's protocol"),
        (b"HTTP/1.1 400 Bad Request", "message 'H' claims 1414811695 bytes; the limit is 65536"),
        (b"R\0\x01\0\x01", "message 'R' claims 65537 bytes; the limit is 65536"),
        (b"R\0\0\0\x03", "message 'R' claims 3 bytes; a message has at least 4"),
        (b"R\0\0\0\x07abc", "malformed authentication request"),
        (b"R\0\0\0\x08\0\0\0\x07", "the server asks for authentication of an unknown kind (7)"),
    ];
    for (bytes, text) in golden {
        assert_eq!(complaint(begin(bytes)), text);
    }
}

#[test]
fn messages_out_of_order_are_refused() {
    type Write = fn(&mut Vec<u8>);
    let golden: [(Write, &str); 8] = [
        (|out| encode::ready(out, wire::backend::TxStatus::Idle), "ReadyForQuery('Z')"),
        (|out| encode::parameter_status(out, b"a", b"b"), "ParameterStatus('S')"),
        (|out| encode::auth_sasl_continue(out, b"r="), "Authentication('R')"),
        (|out| encode::auth_sasl_final(out, b"v="), "Authentication('R')"),
        (|out| out.extend_from_slice(b"A\0\0\0\x04"), "NotificationResponse('A')"),
        (|out| [encode::auth_ok, encode::auth_ok].iter().for_each(|ok| ok(out)), "Authentication('R')"),
        (|out| [encode::auth_ok, encode::no_data].iter().for_each(|write| write(out)), "NoData('n')"),
        (
            |out| [encode::auth_cleartext, encode::auth_cleartext].iter().for_each(|ask| ask(out)),
            "Authentication('R')",
        ),
    ];
    for (write, tag) in golden {
        let text = complaint(Line::new(secret("secret")).say(write));
        assert_eq!(text, format!("the server sent {tag} out of order while it logged us in"));
    }
}

#[test]
fn a_server_that_does_not_prove_the_password_is_not_believed() {
    let stored = verifier(b"secret", SALT);
    let unproven = "the server let us in without proving that it knows the password";
    let mut line = Line::new(secret("secret"));
    line.scram(&stored).expect("we go on");
    assert_eq!(complaint(line.say(encode::auth_ok)), unproven);

    let mut line = Line::new(secret("secret"));
    assert!(line.need(|out| encode::auth_sasl(out, &[MECHANISM])).is_ok());
    assert_eq!(complaint(line.say(encode::auth_ok)), unproven);

    for (last, text) in [
        (&b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="[..], "the server's SCRAM signature is wrong"),
        (b"v=", "malformed SCRAM text: a server signature expected"),
        (b"", "malformed SCRAM text: an attribute expected"),
        (b"e=other-error", "the server refused the SCRAM exchange: other-error"),
    ] {
        let mut line = Line::new(secret("secret"));
        line.scram(&stored).expect("we go on");
        assert_eq!(complaint(line.say(|out| encode::auth_sasl_final(out, last))), text);
    }
}

#[test]
fn a_challenge_out_of_bounds_gets_no_proof() {
    for challenge in [
        "r=short,s=c2FsdA==,i=4096",
        "r=NONCE,s=c2FsdA==,i=4096",
        "r=NONCEx,s=c2FsdA==,i=0",
        "r=NONCEx,s=c2FsdA==,i=1000001",
        "r=NONCEx,s=c2FsdA==,i=99999999999999999999",
        "r=NONCEx,s=,i=4096",
        "r=NONCEx,s=c2FsdA==",
        "m=1,r=NONCEx,s=c2FsdA==,i=4096",
        "LONG",
        "",
    ] {
        let mut line = Line::new(secret("secret"));
        line.startup();
        assert!(line.need(|out| encode::auth_sasl(out, &[MECHANISM])).is_ok());
        let first = String::from_utf8_lossy(&line.answer()).into_owned();
        let nonce = first.rsplit("r=").next().expect("it has a nonce").to_owned();
        let long = format!("r={nonce}{},s=c2FsdA==,i=1", "x".repeat(3000));
        let challenge = challenge.replace("NONCE", &nonce).replace("LONG", &long);
        complaint(line.say(|out| encode::auth_sasl_continue(out, challenge.as_bytes())));
        assert!(line.sent.is_empty() && line.slow == 0, "{challenge}");
    }
}

#[test]
fn a_server_without_our_mechanism_is_told_apart() {
    let text = "the server does not offer SCRAM-SHA-256";
    for mechanisms in [&["SCRAM-SHA-256-PLUS"][..], &[], &["OAUTHBEARER"]] {
        let mut line = Line::new(secret("secret"));
        assert_eq!(complaint(line.say(|out| encode::auth_sasl(out, mechanisms))), text);
    }
}

#[test]
fn a_welcome_is_whole_and_bounded() {
    let after_ok = |write: &dyn Fn(&mut Vec<u8>)| {
        complaint(Line::new(None).say(|out| {
            encode::auth_ok(out);
            write(out);
        }))
    };
    let not_idle = "the server's first ReadyForQuery is not idle";
    assert_eq!(after_ok(&|out| encode::ready(out, wire::backend::TxStatus::InTransaction)), not_idle);
    assert_eq!(after_ok(&|out| out.extend_from_slice(b"Z\0\0\0\x04")), not_idle);
    assert_eq!(after_ok(&|out| out.extend_from_slice(b"K\0\0\0\x0bpid!key")), "malformed BackendKeyData");
    assert_eq!(after_ok(&|out| out.extend_from_slice(b"S\0\0\0\x06a\0")), "malformed ParameterStatus");
    let many = |out: &mut Vec<u8>| {
        for i in 0..=PARAMETERS_MAX {
            encode::parameter_status(out, i.to_string().as_bytes(), b"");
        }
    };
    assert_eq!(after_ok(&many), "the server reports more than 256 settings");
    let malformed = complaint(begin(b"v\0\0\0\x04"));
    assert_eq!(malformed, "malformed NegotiateProtocolVersion");
}

#[test]
fn a_derivation_that_nobody_asked_for_proves_nothing() {
    let mut line = Line::new(secret("secret"));
    line.startup();
    let mut send = Vec::new();
    let step = line.with(|greet, cx| greet.on_derived(cx, [0; 32], &mut send));
    assert_eq!(complaint(step), "a derivation came that nobody asked for");
    assert!(send.is_empty());
}

proptest! {
    #[test]
    fn garbage_is_refused_or_waited_for(bytes in proptest::collection::vec(any::<u8>(), 1..300), kind in 0u8..4) {
        let prefix: &[u8] = match kind {
            0 => b"",
            1 => b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x50\0\0\0\x0b",
            2 => b"R\0\0\0\x08\0\0\0\0S\0\0\0\x20",
            _ => b"E\0\0\0\x40",
        };
        let step = begin(&[prefix, &bytes].concat());
        prop_assert!(matches!(step, GreetStep::Need(_) | GreetStep::Refused(_)), "{step:?}");
    }
}
