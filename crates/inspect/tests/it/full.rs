//! A server without a free slot: which limit it is, and what still gets in.

use std::time::Duration;

use inspect::catalog::{Sample, Wants};
use inspect::connect::{self, ConnectError, Kind, Way};
use inspect::settings::Settings;
use testbed::{Client, Login, Postgres, PostgresOptions, wait};

use crate::bed::{self, Home, block_on};

/// Five slots, three of them for superusers.
fn small() -> Postgres {
    let options =
        PostgresOptions::default().set("max_connections", "5").set("superuser_reserved_connections", "3");
    let postgres = Postgres::start(options).unwrap();
    postgres.run("postgres", "create role app login; create role streams login replication").unwrap();
    // The sessions that set it up have gone only when the server says so.
    wait::until("the server is empty", wait::PATIENCE, || {
        Ok((postgres.sessions("postgres")? <= 1).then_some(()))
    })
    .unwrap();
    postgres
}

fn sessions(postgres: &Postgres, role: &str, count: usize) -> Vec<Client> {
    let login = Login::new(role, "postgres").with("application_name", "holder");
    let one = || Client::login(&postgres.socket(), &login);
    // A session that is about to end still holds its slot.
    let patient = || {
        wait::until("a slot is free", wait::PATIENCE, || match one() {
            Ok(client) => Ok(Some(client)),
            Err(error) if error.is_code("53300") => Ok(None),
            Err(error) => Err(error),
        })
        .unwrap()
    };
    (0..count).map(|_| patient()).collect()
}

fn settings(home: &Home, postgres: &Postgres, role: &str) -> Settings {
    let (host, port) = (postgres.host().display(), postgres.port());
    home.settings(&format!("host={host} port={port} user={role} dbname=postgres"))
}

fn full(settings: &Settings) -> connect::Full {
    match bed::open(settings) {
        Err(ConnectError::Full { full, .. }) => full,
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_every_slot_gone_a_walsenders_shows_the_whole_census() {
    let (postgres, home) = (small(), Home::new());
    let mut held = sessions(&postgres, "app", 2);
    held.extend(sessions(&postgres, "postgres", 3));
    for role in ["postgres", "streams"] {
        let settings = settings(&home, &postgres, role);
        let sample = block_on(async {
            let mut connection = connect::open(&settings, "census").await.unwrap();
            assert!(matches!(connection.way(), Way::Walsender { .. }), "{:?}", connection.way());
            assert!(connection.way().sentence().unwrap().contains("walsender"));
            let sample = Sample::take(&mut connection, Wants::ALL).await;
            connection.close().await;
            sample.unwrap()
        });
        assert_eq!((sample.facts.max_connections, sample.slot_holders().count()), (5, 5), "{role}");
        assert_eq!(sample.counters.is_some(), sample.facts.major() >= 14);
        assert_eq!(sample.sessions.len(), 5, "our own is not among them");
    }
    drop(held);
}

#[test]
fn each_limit_is_named() {
    let (postgres, home) = (small(), Home::new());
    let app = settings(&home, &postgres, "app");
    let held = sessions(&postgres, "app", 2);
    let refused = full(&app);
    assert_eq!(refused.kind(), Kind::OnlyReserved);
    // "must be superuser or replication role to start walsender", and since 16 "permission denied to start WAL sender".
    let told = refused.walsender.unwrap();
    assert!(told.contains("start wal") || told.contains("start WAL"), "{told}");
    let more = sessions(&postgres, "postgres", 3);
    let refused = full(&app);
    assert_eq!(refused.kind(), Kind::EverySlot);
    let error = bed::open(&app).unwrap_err();
    assert!(error.to_string().contains("sorry, too many clients already"));
    assert!(error.fix().unwrap().contains("--wait-slot"));
    drop((held, more));
    let role = "alter role app connection limit 0; create role limited login; alter database postgres connection limit 0";
    let mut admin = sessions(&postgres, "postgres", 1).remove(0);
    for sql in role.split(';') {
        admin.query(sql).unwrap();
    }
    assert_eq!(full(&app).kind(), Kind::Role);
    assert_eq!(full(&settings(&home, &postgres, "limited")).kind(), Kind::Database);
}

#[test]
fn who_waits_gets_the_slot_that_becomes_free() {
    let (postgres, home) = (small(), Home::new());
    let held = sessions(&postgres, "app", 2);
    let mut app = settings(&home, &postgres, "app");
    app.wait_slot = Some(Duration::from_secs(60));
    let connection = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| bed::open(&app));
        wait::until("it was refused", wait::PATIENCE, || {
            Ok(postgres.log().contains("remaining connection slots").then_some(()))
        })
        .unwrap();
        drop(held);
        waiting.join().unwrap()
    });
    let connection = connection.unwrap();
    assert!(matches!(connection.way(), Way::Waited { .. }), "{:?}", connection.way());
}

#[test]
fn a_wait_that_was_in_vain_says_so() {
    let (postgres, home) = (small(), Home::new());
    let held = sessions(&postgres, "app", 2);
    let mut app = settings(&home, &postgres, "app");
    app.wait_slot = Some(Duration::from_millis(1500));
    let waited = full(&app).waited;
    assert!(waited >= Duration::from_millis(1500));
    let dials = postgres.log().matches("remaining connection slots").count() as u64;
    // A slow machine waits for longer, and dials oftener meanwhile.
    let most = 2 + waited.as_secs();
    assert!(
        (1..=most).contains(&dials),
        "{dials} dials in {waited:?}, at most one a second beside the walsender's"
    );
    drop(held);
}
