//! Both roles against published vectors, against each other, and against what should be refused.

use super::client::{self, AwaitingSignature, Binding, Challenged, Credential};
use super::keys::counted;
use super::server::{ClientFirst, Proven};
use super::*;

/// `create role alice password 'secret'` in PostgreSQL 15.
const ALICE: &str = "SCRAM-SHA-256$4096:t1oJpePp8I0BSAE4L1/27w==$\
    Zad5lKQt6sQ3DSgPH1IzfSK4dgGkPFMHuMu9R4Uk/Po=:JEW1SkoIdfKnoxL89dHOkpuYnLaLxPazzlrILiaDcNE=";
/// `create role pencil password E'I\u00ADX'` in PostgreSQL 15.
const SOFT_HYPHEN: &str = "SCRAM-SHA-256$4096:dg/voK7ZNBINOkK/C7gxEw==$\
    D593sqkChyw86SO6wgewJ59ICt4OQZcACYhgtMu/RCA=:ARBgUpORrh1SuckX3ozFsdP7a0XMfciyDf/wnIHESqA=";

fn verifier(stored: &str) -> Verifier {
    Verifier::parse(stored.as_bytes()).expect("it is well formed").expect("it is a verifier")
}

fn cheap(password: &str) -> Verifier {
    Verifier::of(&derive(password.as_bytes(), b"a salt", 2), b"a salt", 2)
}

/// Runs our client with a password against our server.
fn login(password: &str, stored: Verifier) -> Result<(Proven, AwaitingSignature), ScramError> {
    let (client, first) = client::start(Credential::Password, &[1; NONCE_BYTES]);
    let (server, challenge) = ClientFirst::read(&first)?.challenge(stored, &[2; NONCE_BYTES]);
    let Challenged::NeedsDerive(client) = client.server_first(&challenge)? else { panic!("it has no keys") };
    let keys = derive(password.as_bytes(), client.salt(), client.iterations()).keys();
    let (client, proof) = client.derived(&keys);
    Ok((server.client_final(&proof)?, client))
}

#[test]
fn the_exchange_of_rfc_7677_is_reproduced() {
    let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("it is base64");
    let salted = derive(b"pencil", &salt, 4096);
    let stored = Verifier::of(&salted, &salt, 4096);
    let bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
    let first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let transcript = format!("{bare},{first},{last}");
    let signed = stored.stored_key.sign(&[transcript.as_bytes()]);
    let proof = BASE64.encode(salted.client_key().masked(&signed));
    assert_eq!(proof, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    let signature = BASE64.encode(salted.server_key().sign(&[transcript.as_bytes()]).bytes());
    assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn passwords_are_accepted_by_the_verifiers_that_postgresql_made() {
    for (password, stored) in [("secret", ALICE), ("I\u{ad}X", SOFT_HYPHEN), ("IX", SOFT_HYPHEN)] {
        let stored = verifier(stored);
        let salted = derive(password.as_bytes(), stored.salt(), stored.iterations());
        assert!(stored.accepts(&salted));
        assert_eq!(Verifier::of(&salted, stored.salt(), stored.iterations()), stored);
        assert!(!stored.accepts(&derive(b"other", stored.salt(), stored.iterations())));
    }
}

#[test]
fn a_verifier_is_written_as_it_was_read() {
    assert_eq!(*verifier(ALICE).stored_text(), ALICE);
}

#[test]
fn both_roles_understand_each_other() {
    let (proven, client) = login("secret", verifier(ALICE)).expect("the password is right");
    assert_eq!(client.server_final(&proven.server_final), Ok(()));
    let stored = verifier(ALICE);
    assert_eq!(proven.client_key, derive(b"secret", stored.salt(), stored.iterations()).client_key());
}

#[test]
fn a_wrong_password_and_an_unknown_user_end_alike_after_the_same_work() {
    let known = cheap("secret");
    let attempt = |known: Option<&Verifier>, password| {
        counted::during(|| login(password, Verifier::or_doomed(known, &[7; 32], b"bob", 2)).err())
    };
    let wrong = attempt(Some(&known), "oops");
    assert_eq!(wrong.0, Some(ScramError::WrongPassword));
    assert_eq!(attempt(None, "oops"), wrong);
    assert_eq!(attempt(Some(&known), "secret"), (None, wrong.1));
}

#[test]
fn the_salt_of_nobody_depends_on_name_and_process_only() {
    let salt = |key: u8, user: &[u8]| Verifier::or_doomed(None, &[key; 32], user, 4096).salt().to_vec();
    assert_eq!(salt(1, b"bob"), salt(1, b"bob"));
    assert_ne!(salt(1, b"bob"), salt(1, b"eve"));
    assert_ne!(salt(1, b"bob"), salt(2, b"bob"));
    assert_eq!(salt(1, b"bob").len(), verifier(ALICE).salt().len());
}

#[test]
fn no_proof_is_right_for_nobody() {
    assert!(login("secret", cheap("secret")).is_ok());
    assert_eq!(login("secret", cheap("secret").doomed()).err(), Some(ScramError::WrongPassword));
    let salted = derive(b"secret", b"a salt", 2);
    assert!(cheap("secret").accepts(&salted));
    assert!(!cheap("secret").doomed().accepts(&salted));
}

#[test]
fn a_clients_key_passes_through_to_a_server_with_the_same_verifier() {
    let stored = cheap("secret");
    let (proven, _) = login("secret", stored.clone()).expect("the password is right");
    let credential = Credential::PassThrough { client_key: proven.client_key, verifier: stored.clone() };
    let (client, first) = client::start(credential, &[3; NONCE_BYTES]);
    let first = ClientFirst::read(&first).expect("it is well formed");
    let (server, challenge) = first.challenge(stored, &[4; NONCE_BYTES]);
    let Ok(Challenged::Proof(client, proof)) = client.server_first(&challenge) else { panic!("it has keys") };
    let proven = server.client_final(&proof).expect("the key is right");
    assert_eq!(client.server_final(&proven.server_final), Ok(()));
}

#[test]
fn no_proof_is_made_for_a_server_with_another_verifier() {
    let stored = cheap("secret");
    let client_key = derive(b"secret", b"a salt", 2).client_key();
    let others = [(&b"a salt"[..], 3), (b"b salt", 2)];
    for (salt, rounds) in others {
        let credential = Credential::PassThrough { client_key: client_key.clone(), verifier: stored.clone() };
        let (client, first) = client::start(credential, &[3; NONCE_BYTES]);
        let first = ClientFirst::read(&first).expect("it is well formed");
        let other = Verifier::of(&derive(b"secret", salt, rounds), salt, rounds);
        let (_, challenge) = first.challenge(other, &[4; NONCE_BYTES]);
        let refused = client.server_first(&challenge).map(|_| ());
        let expected = ScramError::OtherVerifier { server_iterations: rounds, stored_iterations: 2 };
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn first_messages_that_ask_for_more_are_refused() {
    let malformed = |expected| ScramError::Malformed { expected };
    let cases = [
        ("p=tls-server-end-point,,n=,r=abc", ScramError::ChannelBinding),
        ("n,a=admin,n=,r=abc", ScramError::AuthorizationIdentity),
        ("n,,m=x,n=,r=abc", ScramError::Extension),
        ("x,,n=,r=abc", malformed("a channel binding flag")),
        ("", malformed("a channel binding flag")),
        ("n", malformed("an authorization identity")),
        ("n,b,n=,r=abc", malformed("an authorization identity")),
        ("n,", malformed("a user name")),
        ("n,,r=abc", malformed("a user name")),
        ("n,,n=,r=", malformed("a nonce")),
        ("n,,n=,r=a b", malformed("a nonce")),
        ("n,,n=", malformed("a nonce")),
        ("n,,n=,r=abc,", malformed("an attribute")),
        ("n,,n=,r=a\0c", malformed("no NUL")),
    ];
    for (message, error) in cases {
        assert_eq!(ClientFirst::read(message.as_bytes()).map(|_| ()), Err(error), "{message:?}");
    }
    assert!(ClientFirst::read(b"y,,n=alice,r=abc,x=ignored").is_ok());
    let long = |nonce: usize| ClientFirst::read(format!("n,,n=,r={}", "x".repeat(nonce)).as_bytes());
    assert!(long(NONCE_CHARS_MAX).is_ok());
    assert!(matches!(long(NONCE_CHARS_MAX + 1), Err(ScramError::TooLong { field: "nonce", .. })));
    assert!(matches!(long(MESSAGE_BYTES_MAX), Err(ScramError::TooLong { field: "message", .. })));
}

#[test]
fn last_messages_have_to_match_the_first() {
    let answer = |flag: &str, last: &str| {
        let first = ClientFirst::read(format!("{flag},,n=,r=abc").as_bytes()).expect("it is well formed");
        let (server, challenge) = first.challenge(cheap("secret"), &[0; NONCE_BYTES]);
        assert!(challenge.starts_with(b"r=abcAAAAAAAAAAAAAAAAAAAAAAAA,s=YSBzYWx0,i=2"));
        server.client_final(last.as_bytes()).map(|_| ())
    };
    let proof = BASE64.encode([0; 32]);
    let nonce = "r=abcAAAAAAAAAAAAAAAAAAAAAAAA";
    let malformed = |expected| Err(ScramError::Malformed { expected });
    assert_eq!(answer("n", &format!("c=biws,{nonce},p={proof}")), Err(ScramError::WrongPassword));
    assert_eq!(answer("y", &format!("c=eSws,{nonce},x=1,p={proof}")), Err(ScramError::WrongPassword));
    assert_eq!(answer("y", &format!("c=biws,{nonce},p={proof}")), Err(ScramError::BindingChanged));
    assert_eq!(answer("n", &format!("c=eSws,{nonce},p={proof}")), Err(ScramError::BindingChanged));
    assert_eq!(answer("n", &format!("c=biws,r=abc,p={proof}")), Err(ScramError::Nonce));
    assert_eq!(answer("n", &format!("c=biws,{nonce}")), malformed("a proof at the end"));
    assert_eq!(answer("n", &format!("c=biws,{nonce},p={proof},x=1")), malformed("a proof at the end"));
    assert_eq!(answer("n", &format!("c=biws,{nonce},p=AAAA")), malformed("a proof"));
    assert_eq!(answer("n", &format!("c=biws,{nonce},p=!")), malformed("a proof"));
    assert_eq!(answer("n", ""), malformed("an attribute"));
}

#[test]
fn a_servers_first_message_is_held_to_limits() {
    let ours = BASE64.encode([1; NONCE_BYTES]);
    let answer = |message: &str| {
        let (client, _) = client::start(Credential::Password, &[1; NONCE_BYTES]);
        client.server_first(message.as_bytes()).map(|_| ())
    };
    let malformed = |expected| Err(ScramError::Malformed { expected });
    let counted = |iterations| Err(ScramError::Iterations { iterations, iterations_max: ITERATIONS_MAX });
    assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i=1")), Ok(()));
    assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i={ITERATIONS_MAX},x=y")), Ok(()));
    assert_eq!(answer(&format!("r={ours},s=YSBzYWx0,i=1")), Err(ScramError::Nonce));
    assert_eq!(answer("r=xyz,s=YSBzYWx0,i=1"), Err(ScramError::Nonce));
    assert_eq!(answer(&format!("m=1,r={ours}x")), Err(ScramError::Extension));
    assert_eq!(answer(&format!("r={ours}x,s=,i=1")), malformed("a salt in base64"));
    assert_eq!(answer(&format!("r={ours}x,s=%,i=1")), malformed("a salt in base64"));
    assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i=0")), counted(0));
    assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i=1000001")), counted(1_000_001));
    assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i=99999999999999999999")), counted(u64::MAX));
    for count in ["", "-1", "+1", "1e3", " 1"] {
        assert_eq!(answer(&format!("r={ours}x,s=YSBzYWx0,i={count}")), malformed("an iteration count"));
    }
    let salt = BASE64.encode([0; SALT_BYTES_MAX + 1]);
    let refused = answer(&format!("r={ours}x,s={salt},i=1"));
    assert!(matches!(refused, Err(ScramError::TooLong { field: "salt", .. })));
}

#[test]
fn a_server_has_to_prove_itself() {
    let finish = |message: &str| {
        let (_, client) = login("secret", cheap("secret")).expect("the password is right");
        client.server_final(message.as_bytes())
    };
    let wrong = BASE64.encode([0; 32]);
    assert_eq!(finish(&format!("v={wrong}")), Err(ScramError::ServerSignature));
    assert_eq!(finish("v=AAAA"), Err(ScramError::Malformed { expected: "a server signature" }));
    assert_eq!(finish(""), Err(ScramError::Malformed { expected: "an attribute" }));
    let refused = ScramError::ServerRefused { reason: "other-error".into() };
    assert_eq!(finish("e=other-error"), Err(refused));
}

#[test]
fn a_stored_text_that_only_begins_like_a_verifier_is_refused() {
    assert_eq!(Verifier::parse(b"hunter2"), Ok(None));
    assert_eq!(Verifier::parse(b"SCRAM-SHA-256"), Ok(None));
    let key = BASE64.encode([1; 32]);
    assert!(Verifier::parse(format!("SCRAM-SHA-256$1:YQ==${key}:{key}").as_bytes()).is_ok());
    for rest in [
        String::new(),
        "4096".into(),
        "4096:YQ==".into(),
        format!("0:YQ==${key}:{key}"),
        format!("1:${key}:{key}"),
        format!("1:YQ==${key}"),
        format!("1:YQ==${key}:"),
        format!("1:YQ==${key}:{key}x"),
    ] {
        assert!(Verifier::parse(format!("SCRAM-SHA-256${rest}").as_bytes()).is_err(), "{rest:?}");
    }
}

#[test]
fn a_binding_names_its_kind_first_and_repeats_it_with_the_channels_data() {
    let hash = vec![0xab; 32];
    let repeated = BASE64.encode([b"p=tls-server-end-point,,", &hash[..]].concat());
    let cases = [
        (Binding::None, "n,,n=,r=", "c=biws,r=", MECHANISM),
        (Binding::NotOffered, "y,,n=,r=", "c=eSws,r=", MECHANISM),
        (
            Binding::ServerEndPoint(hash),
            "p=tls-server-end-point,,n=,r=",
            &format!("c={repeated},r="),
            MECHANISM_PLUS,
        ),
    ];
    for (binding, first_begins, last_begins, mechanism) in cases {
        assert_eq!(binding.mechanism(), mechanism);
        let (client, first) = client::start_bound(Credential::Password, binding, &[1; NONCE_BYTES]);
        assert!(first.starts_with(first_begins.as_bytes()), "{}", String::from_utf8_lossy(&first));
        let challenge = format!("r={}x,s=YQ==,i=1", BASE64.encode([1; NONCE_BYTES]));
        let Ok(Challenged::NeedsDerive(client)) = client.server_first(challenge.as_bytes()) else {
            panic!("it has no keys")
        };
        let (_, last) = client.derived(&derive(b"secret", b"a", 1).keys());
        assert!(last.starts_with(last_begins.as_bytes()), "{}", String::from_utf8_lossy(&last));
    }
}

#[test]
fn a_client_whose_offer_was_taken_away_still_gets_in_where_there_was_none() {
    let (client, first) = client::start_bound(Credential::Password, Binding::NotOffered, &[1; NONCE_BYTES]);
    let (server, challenge) =
        ClientFirst::read(&first).expect("it may").challenge(cheap("secret"), &[2; NONCE_BYTES]);
    let Ok(Challenged::NeedsDerive(client)) = client.server_first(&challenge) else { panic!("no keys") };
    let keys = derive(b"secret", client.salt(), client.iterations()).keys();
    let (client, proof) = client.derived(&keys);
    let proven = server.client_final(&proof).expect("the password is right");
    assert_eq!(client.server_final(&proven.server_final), Ok(()));
}
