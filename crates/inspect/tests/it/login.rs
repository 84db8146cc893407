//! Servers that are not there, not ready, not PostgreSQL, or not content.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use inspect::connect::ConnectError;
use testbed::{Postgres, PostgresOptions, wait};

use crate::bed::{self, Home};

/// Answers every connection with these bytes and hangs up.
fn answering(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(bytes);
        }
    });
    port
}

const STARTING: &[u8] =
    b"E\0\0\0\x54SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0RProcessStartupPacket\0\0";

#[test]
fn a_server_that_starts_up_says_so_and_another_host_is_asked() {
    let starting = answering(STARTING);
    let postgres = Postgres::start(PostgresOptions::default().tcp()).unwrap();
    let home = Home::new();
    let alone = home.settings(&format!("postgres://postgres@127.0.0.1:{starting}/postgres?sslmode=disable"));
    let error = bed::open(&alone).unwrap_err();
    assert_eq!(error.server().unwrap().sqlstate, "57P03");
    assert!(error.fix().unwrap().contains("try again in a moment"));
    let both = home.settings(&format!(
        "postgres://postgres@127.0.0.1:{starting},127.0.0.1:{}/postgres?sslmode=disable",
        postgres.port()
    ));
    assert!(bed::open(&both).unwrap().place().ends_with(&postgres.port().to_string()));
}

#[test]
fn who_is_not_there_or_not_postgresql_is_told_apart() {
    let home = Home::new();
    let error = bed::open(&home.settings("host=/nowhere user=u")).unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.fix().unwrap().contains("socket"));
    let web = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    for mode in ["disable", "prefer"] {
        let dsn = format!("postgres://u@127.0.0.1:{web}/d?sslmode={mode}");
        let error = bed::open(&home.settings(&dsn)).unwrap_err();
        assert!(matches!(error, ConnectError::Protocol { .. }), "{error:?}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut settings = home.settings(&format!("postgres://u@127.0.0.1:{port}/d"));
    settings.timeout = Duration::from_millis(50);
    assert!(matches!(bed::open(&settings), Err(ConnectError::TimedOut { .. })));
}

#[test]
fn a_server_that_skips_letting_us_in_is_not_believed() {
    let ready = b"Z\0\0\0\x05I";
    // Asks for nothing and is ready; lets us in, and asks for the password then.
    let late = b"R\0\0\0\x08\0\0\0\0R\0\0\0\x08\0\0\0\x03";
    let home = Home::new();
    for (said, settings) in [
        (&ready[..], "require_auth=scram-sha-256"),
        (&ready[..], "channel_binding=require"),
        (&ready[..], ""),
        (&late[..], "password=geheim"),
    ] {
        let port = answering(said);
        let dsn = format!("host=127.0.0.1 port={port} user=u dbname=d sslmode=disable {settings}");
        let error = bed::open(&home.settings(&dsn)).unwrap_err();
        assert!(matches!(error, ConnectError::Protocol { .. }), "{settings}: {error:?}");
    }
}

#[test]
fn a_wrong_password_and_a_missing_one_say_what_to_do_and_never_the_password() {
    let postgres = Postgres::start(PostgresOptions::default().hba("local all all scram-sha-256")).unwrap();
    postgres.run("postgres", "create role app login password 'right'").unwrap();
    let home = Home::new();
    home.write(".pgpass", "elsewhere:*:*:*:geheim\n", 0o600);
    let (host, port) = (postgres.host().display(), postgres.port());
    let dsn = format!("host={host} port={port} user=app dbname=postgres");
    let error = bed::open(&home.settings(&dsn)).unwrap_err();
    let said = format!("{error} {}", error.fix().unwrap());
    for looked in ["the DSN", "$PGPASSWORD", ".pgpass (no line fits", "-W"] {
        assert!(said.contains(looked), "{said}");
    }
    let error = bed::open(&home.settings(&format!("{dsn} password=geheim"))).unwrap_err();
    let said = format!("{error} {error:?} {}", error.fix().unwrap());
    assert_eq!(error.server().unwrap().sqlstate, "28P01");
    assert!(!said.contains("geheim"), "{said}");
    assert!(bed::open(&home.settings(&format!("{dsn} password=right"))).is_ok());
    let error = bed::open(&home.settings(&format!("{dsn} password=right require_auth=md5"))).unwrap_err();
    assert!(matches!(error, ConnectError::Distrusted { .. }), "{error:?}");
}

#[test]
fn a_dropped_connection_gives_its_slot_back() {
    let postgres = Postgres::start(PostgresOptions::default()).unwrap();
    postgres.run("postgres", "create role app login").unwrap();
    let home = Home::new();
    let (host, port) = (postgres.host().display(), postgres.port());
    let settings = home.settings(&format!("host={host} port={port} user=app dbname=postgres"));
    let connection = bed::open(&settings).unwrap();
    assert_eq!(postgres.sessions("app").unwrap(), 1);
    drop(connection);
    wait::until("the slot is free", wait::PATIENCE, || Ok((postgres.sessions("app")? == 0).then_some(())))
        .unwrap();
}
