//! What is written is read back.

use super::{first, only, text};
use proptest::collection::vec;
use proptest::prelude::*;
use wire::auth::secret::{Password, Secret};
use wire::backend::{self, Authentication, Fields, TxStatus};
use wire::encode::{self, ErrorText, Version};
use wire::frontend::{self, Target};
use wire::sqlstate::SqlState;
use wire::startup::{First, parse_options};
use wire::userlist;

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(1u8.., 1..40)
}

fn made(make: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    make(&mut out);
    out
}

proptest! {
    #[test]
    fn parse_keeps_name_text_and_types(name in text(), query in text(), types in vec(any::<u32>(), 0..9)) {
        let mut tail = [&query[..], &[0], &(types.len() as u16).to_be_bytes()].concat();
        tail.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
        let out = made(|out| encode::parse(out, &name, &tail));
        let read = frontend::Parse::read(only(&out).1);
        let read = read.expect("it was written here");
        prop_assert_eq!((read.name, read.query(), read.tail), (&name[..], &query[..], &tail[..]));
        prop_assert_eq!(read.parameter_types().collect::<Vec<_>>(), types);
    }

    #[test]
    fn a_renamed_bind_is_a_bind(portal in text(), old in text(), new in text(), values in vec(text(), 0..5)) {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let out = made(|out| encode::bind_text(out, &portal, &old, &values));
        let body = only(&out).1;
        let names = frontend::bind_names(body).expect("short names").expect("both are there");
        prop_assert_eq!((names.portal, names.statement), (&portal[..], &old[..]));
        let rest = &body[names.len..];
        let mut renamed = Vec::new();
        encode::bind_header(&mut renamed, names.portal, &new, rest.len() as u32).expect("it is short");
        renamed.extend_from_slice(rest);
        prop_assert_eq!(renamed, made(|out| encode::bind_text(out, &portal, &new, &values)));
    }

    #[test]
    fn short_messages_keep_what_they_say(name in text(), portal: bool, rows: i32, query in text()) {
        let target = if portal { Target::Portal } else { Target::Statement };
        let out = made(|out| encode::describe(out, target, &name));
        prop_assert_eq!(frontend::describe_or_close(only(&out).1), Ok((target, &name[..])));
        let out = made(|out| encode::close(out, target, &name));
        prop_assert_eq!(frontend::describe_or_close(only(&out).1), Ok((target, &name[..])));
        let out = made(|out| encode::execute(out, &name, rows));
        prop_assert_eq!(frontend::execute(only(&out).1), Ok((&name[..], rows)));
        let out = made(|out| encode::query(out, &query));
        prop_assert_eq!(frontend::query(only(&out).1), Ok(&query[..]));
        let out = made(|out| encode::password(out, &query));
        prop_assert_eq!(frontend::password(only(&out).1), Ok(&query[..]));
        let out = made(|out| encode::sasl_initial(out, "SCRAM-SHA-256", &query));
        prop_assert_eq!(frontend::sasl_initial(only(&out).1), Ok((&b"SCRAM-SHA-256"[..], Some(&query[..]))));
        let out = made(|out| encode::parameter_status(out, &name, &query));
        prop_assert_eq!(backend::parameter_status(only(&out).1), Some((&name[..], &query[..])));
    }

    #[test]
    fn a_settings_batch_is_one_parse_bind_execute_and_sync(settings in vec((name(), text()), 0..20)) {
        let list: Vec<(&[u8], &[u8])> = settings.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        let out = made(|out| encode::settings_batch(out, &list));
        let (tag, body, rest) = first(&out);
        let parse = frontend::Parse::read(body).expect("it was written here");
        let calls = parse.query().windows(10).filter(|w| w == b"set_config").count();
        prop_assert_eq!((tag, calls, parse.parameter_types().len()), (b'P', list.len(), 0));
        let (tag, body, rest) = first(rest);
        let values: Vec<&[u8]> = list.iter().flat_map(|(n, v)| [*n, *v]).collect();
        let bind = made(|out| encode::bind_text(out, b"", b"", &values));
        prop_assert_eq!((tag, body), only(&bind));
        let (tag, body, rest) = first(rest);
        prop_assert_eq!((tag, frontend::execute(body)), (b'E', Ok((&b""[..], 0))));
        prop_assert_eq!(rest, encode::SYNC);
    }

    #[test]
    fn an_error_keeps_its_fields(message in "[^\0]{0,40}", detail in proptest::option::of("[^\0]{0,40}"), hint in proptest::option::of("[^\0]{0,40}")) {
        let text = ErrorText {
            severity: "ERROR",
            code: SqlState::QUERY_CANCELED,
            message: &message,
            detail: detail.as_deref(),
            hint: hint.as_deref(),
        };
        let out = made(|out| encode::error(out, &text));
        let fields = Fields::parse(only(&out).1);
        prop_assert_eq!(fields.code(), Some(text.code));
        prop_assert_eq!(fields.severity(), Some(&b"ERROR"[..]));
        prop_assert_eq!(fields.message(), Some(message.as_bytes()));
        prop_assert_eq!(fields.detail(), detail.as_deref().map(str::as_bytes));
        prop_assert_eq!(fields.hint(), hint.as_deref().map(str::as_bytes));
        prop_assert_eq!(made(|out| encode::error_fields(out, fields.iter())), out);
    }

    #[test]
    fn a_servers_words_are_read_back(pid: u32, secret in vec(any::<u8>(), 4..=256), status in 0usize..3, data in vec(any::<u8>(), 0..50), unknown in vec(name(), 0..4), minor: u16) {
        let out = made(|out| encode::backend_key(out, pid, &secret));
        prop_assert_eq!(backend::backend_key(only(&out).1), Some((pid, &secret[..])));
        let status = [TxStatus::Idle, TxStatus::InTransaction, TxStatus::Failed][status];
        let out = made(|out| encode::ready(out, status));
        prop_assert_eq!(backend::ready_for_query(only(&out).1), Some(status));
        let out = made(|out| encode::auth_sasl_continue(out, &data));
        prop_assert_eq!(Authentication::parse(only(&out).1), Some(Authentication::SaslContinue(&data)));
        let unknown: Vec<&[u8]> = unknown.iter().map(Vec::as_slice).collect();
        let out = made(|out| encode::negotiate(out, minor.into(), &unknown));
        let read = backend::negotiate(only(&out).1).expect("it was written here");
        prop_assert_eq!((read.minor, read.unrecognized.collect::<Vec<_>>()), (minor, unknown));
    }

    #[test]
    fn a_first_packet_keeps_what_it_asks_for(user in name(), database in text(), minor: u16, pid: u32, secret in vec(any::<u8>(), 4..=256)) {
        let parameters = [(&b"user"[..], &user[..]), (b"database", &database), (b"TimeZone", b"UTC")];
        let out = made(|out| encode::startup(out, Version { major: 3, minor }, parameters.into_iter()));
        let Ok(First::Startup(read)) = First::read(&out) else { panic!("it was written here") };
        let expected = if database.is_empty() { &user } else { &database };
        prop_assert_eq!((read.user, read.database, read.minor), (&user[..], &expected[..], minor));
        prop_assert_eq!(read.settings, [(&b"TimeZone"[..], &b"UTC"[..])]);
        let out = made(|out| encode::cancel_request(out, pid, &secret));
        prop_assert_eq!(First::read(&out), Ok(First::Cancel { pid, secret: &secret }));
    }

    #[test]
    fn an_escaped_option_is_read_as_it_was_meant(name in "[a-z_.]{1,12}", value in text(), spelling in 0usize..3) {
        let escaped: Vec<u8> = value.iter().flat_map(|byte| [b'\\', *byte]).collect();
        let switch = ["-c ", "-c", "--"][spelling];
        let options = [switch.as_bytes(), name.as_bytes(), b"=", &escaped].concat();
        prop_assert_eq!(parse_options(&options), Ok(vec![(name.into_bytes(), value)]));
    }

    #[test]
    fn a_quoted_user_is_read_as_meant(user in "[^\0\n]{1,30}", password in "[^\0\n]{1,30}") {
        prop_assume!(!password.starts_with("SCRAM-SHA-256$") && !password.starts_with("md5"));
        let line = format!("\"{}\" \"{}\" x\n", user.replace('"', "\"\""), password.replace('"', "\"\""));
        let entries = userlist::parse(line.as_bytes()).expect("it was written here");
        prop_assert_eq!(&entries[0].user, user.as_bytes());
        prop_assert_eq!(&entries[0].secret, &Some(Secret::Plain(Password::new(password))));
    }
}
