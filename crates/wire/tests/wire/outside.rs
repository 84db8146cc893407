//! Bytes from outside: any bytes, and well-formed ones with an end missing or a byte changed.

use super::{bytes, only, text};
use proptest::prelude::*;
use wire::auth::scram::client::{self, Credential};
use wire::auth::scram::server::ClientFirst;
use wire::auth::scram::{Verifier, derive};
use wire::auth::secret::Secret;
use wire::encode::{self, Version};
use wire::frontend::{self, Target};
use wire::startup::{First, parse_options};
use wire::{backend, frame, userlist};

/// Every reader of the crate, one after the other.
fn read_as_everything(bytes: &[u8]) {
    let _ = frame::peek(bytes, 1 << 20);
    let _ = frame::cstr(bytes);
    read_as_frontend(bytes);
    read_as_backend(bytes);
    read_as_login(bytes);
}

fn read_as_frontend(bytes: &[u8]) {
    if let Ok(parse) = frontend::Parse::read(bytes) {
        assert_eq!(parse.name.len() + 1 + parse.tail.len(), bytes.len());
        assert_eq!(parse.query().len() + 3 + 4 * parse.parameter_types().len(), parse.tail.len());
    }
    if let Ok(Some(names)) = frontend::bind_names(bytes) {
        assert!(names.len <= bytes.len());
    }
    let _ = frontend::describe_or_close(bytes);
    let _ = frontend::execute(bytes);
    let _ = frontend::query(bytes);
    let _ = frontend::password(bytes);
    let _ = frontend::sasl_initial(bytes);
}

fn read_as_backend(bytes: &[u8]) {
    let _ = backend::ready_for_query(bytes);
    let _ = backend::parameter_status(bytes);
    let _ = backend::command_tag(bytes);
    let _ = backend::backend_key(bytes);
    let fields = backend::Fields::parse(bytes);
    let _ = (fields.code(), fields.severity(), fields.message(), fields.routine());
    assert!(fields.iter().map(|(_, text)| text.len() + 2).sum::<usize>() <= bytes.len());
    if let Some(backend::Authentication::Sasl { mechanisms }) = backend::Authentication::parse(bytes) {
        assert!(mechanisms.count() < bytes.len());
    }
    if let Some(negotiation) = backend::negotiate(bytes) {
        assert!(negotiation.unrecognized.count() <= bytes.len());
    }
}

fn read_as_login(bytes: &[u8]) {
    if let Ok(First::Startup(startup)) = First::read(bytes) {
        assert!(!startup.user.is_empty() && !startup.database.is_empty());
        let _ = startup.all_settings();
    }
    let _ = parse_options(bytes);
    let _ = Secret::parse(bytes);
    let _ = userlist::parse(bytes);
    let _ = ClientFirst::read(bytes);
    let verifier = Verifier::of(&derive(b"x", b"salt", 1), b"salt", 1);
    let (server, _) =
        ClientFirst::read(b"n,,n=,r=x").expect("it is well formed").challenge(verifier, &[0; 18]);
    assert!(server.client_final(bytes).is_err());
    let _ = client::start(Credential::Password, &[0; 18]).0.server_first(bytes);
}

/// A well-formed body with its reader: true where the reader takes it.
type Case = (Vec<u8>, fn(&[u8]) -> bool);

fn well_formed() -> impl Strategy<Value = Case> {
    (text(), text(), any::<u32>(), 0usize..8).prop_map(|(a, b, number, kind)| {
        let mut out = Vec::new();
        let reader: fn(&[u8]) -> bool = match kind {
            0 => {
                let tail = [&b[..], b"\0\0\x01", &number.to_be_bytes()].concat();
                encode::parse(&mut out, &a, &tail);
                |body| frontend::Parse::read(body).is_ok()
            }
            1 => {
                encode::describe(&mut out, Target::Portal, &a);
                |body| frontend::describe_or_close(body).is_ok()
            }
            2 => {
                encode::execute(&mut out, &a, number as i32);
                |body| frontend::execute(body).is_ok()
            }
            3 => {
                encode::query(&mut out, &a);
                |body| frontend::query(body).is_ok()
            }
            6 => {
                encode::password(&mut out, &a);
                |body| frontend::password(body).is_ok()
            }
            7 => {
                encode::sasl_initial(&mut out, "SCRAM-SHA-256", &a);
                |body| frontend::sasl_initial(body).is_ok()
            }
            4 => {
                encode::parameter_status(&mut out, &a, &b);
                |body| backend::parameter_status(body).is_some()
            }
            _ => {
                encode::bind_header(&mut out, &a, &b, 0).expect("short names");
                |body| matches!(frontend::bind_names(body), Ok(Some(_)))
            }
        };
        (only(&out).1.to_vec(), reader)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in bytes()) {
        read_as_everything(&bytes);
    }

    #[test]
    fn no_first_packet_makes_its_reader_panic(bytes in bytes(), minor in 0u16..4) {
        let length = (bytes.len() + 8) as u32;
        let packet = [&length.to_be_bytes()[..], &[0, 3], &minor.to_be_bytes(), &bytes].concat();
        read_as_everything(&packet);
    }

    #[test]
    fn a_body_is_taken_whole_and_refused_with_its_end_missing((body, takes) in well_formed()) {
        prop_assert!(takes(&body));
        for end in 0..body.len() {
            prop_assert!(!takes(&body[..end]), "the first {end} of {} bytes", body.len());
        }
    }

    #[test]
    fn a_changed_byte_makes_no_reader_panic((body, _) in well_formed(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut body = body;
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = to;
        }
        read_as_everything(&body);
    }

    #[test]
    fn a_startup_packet_without_its_end_is_refused(user in text(), database in text()) {
        let mut packet = Vec::new();
        let parameters = [(&b"user"[..], &user[..]), (b"database", &database)];
        encode::startup(&mut packet, Version { major: 3, minor: 0 }, parameters.into_iter());
        prop_assert_eq!(First::read(&packet).is_ok(), !user.is_empty());
        for end in 0..packet.len() {
            prop_assert!(First::read(&packet[..end]).is_err());
            // A shorter packet that says so itself.
            let mut shorter = packet[..end].to_vec();
            if let Some(length) = shorter.first_chunk_mut::<4>() {
                *length = (end as u32).to_be_bytes();
            }
            prop_assert!(First::read(&shorter).is_err());
        }
    }
}
