//! Every command that looks, on the server of `$PG_BIN` (the installed one without it), for every kind of role. The
//! matrix of versions runs these tests once for each.

use testbed::{Client, Login, Postgres, PostgresOptions};

use crate::schema;
use crate::shell::{Dir, Ran};

/// Who looks. The first sees all.
const ROLES: &[&str] = &["postgres", "watcher", "plain"];

/// Commands that look and change nothing: they work for everybody. A new one gets a line here.
const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["status", "--output", "human", "--by", "user,client,state"],
    &["status", "--output", "json", "--sessions"],
    &["status", "--blocking", "--where", "idle > 1s or hidden"],
    &["health"],
    &["health", "--output", "prometheus"],
    &["explain", "53300"],
    &["close-idle", "--dry-run"],
    &["force-close", "--app", "nobody", "--dry-run"],
    &["cancel", "--app", "nobody", "--dry-run"],
    &["doctor"],
    &["doctor", "--output", "human", "--all"],
    &["doctor", "--output", "json", "--preset", "production"],
    &["doctor", "--preset", "high-load", "--format", "conf"],
    &["grants"],
];

/// A server with roles of every kind, and sessions in every state that can be made to stay.
pub(crate) struct Stage {
    pub(crate) postgres: Postgres,
    _sessions: Vec<Client>,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let options = PostgresOptions::default().tcp().set("max_connections", "40");
        let postgres = Postgres::start(options).unwrap();
        postgres
            .run(
                "postgres",
                "create role watcher login; grant pg_monitor to watcher; create role plain login;
                 create role shop login connection limit 20",
            )
            .unwrap();
        postgres.run("postgres", "create database shop owner shop").unwrap();
        let sessions = ["", "begin", "begin; select 1/0", "listen news"].map(|sql| {
            let login = Login::new("shop", "shop").with("application_name", "shop-api");
            let mut session = Client::login(&postgres.tcp().unwrap(), &login).unwrap();
            // One of them fails on purpose: it shall stay in its failed transaction.
            let _ = session.query(sql);
            session
        });
        Self { postgres, _sessions: sessions.into() }
    }

    /// Runs the program against the server, as a role.
    pub(crate) fn run(&self, dir: &Dir, role: &str, command: &[&str]) -> Ran {
        let port = self.postgres.port().to_string();
        let mut arguments = command.to_vec();
        arguments.extend(["-h", "127.0.0.1", "-p", &port, "-U", role, "--dbname", "postgres"]);
        dir.run(&arguments)
    }

    pub(crate) fn major(&self) -> u32 {
        let number = self.postgres.admin("postgres").unwrap().value("show server_version_num").unwrap();
        number.parse::<u32>().unwrap() / 10_000
    }
}

#[test]
fn every_command_that_looks_works_for_every_role() {
    let stage = Stage::set();
    let dir = Dir::new("versions");
    for role in ROLES {
        for command in COMMANDS {
            let ran = stage.run(&dir, role, command);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command:?} as {role}\n{}", ran.out);
            assert!(!ran.out.trim().is_empty(), "{command:?} as {role} says nothing");
            if command.contains(&"json") {
                let document = schema::document(&ran.out);
                let seen = if *role == "plain" { "partial" } else { "full" };
                assert_eq!(document["visibility"], seen, "{command:?} as {role}");
                assert_eq!(
                    document["target"]["version_num"].as_u64().unwrap() / 10_000,
                    u64::from(stage.major())
                );
            }
        }
    }
}

#[test]
fn every_role_counts_the_same_sessions() {
    let stage = Stage::set();
    let dir = Dir::new("versions-count");
    for role in ROLES {
        let ran = stage.run(&dir, role, &["status", "-o", "json"]);
        let document = schema::document(&ran.out);
        let shop: Vec<_> = document["groups"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|group| group["key"]["app"] == "shop-api")
            .collect();
        assert_eq!((shop.len(), &shop[0]["total"]), (1, &4.into()), "as {role}: {}", ran.out);
        let states = &shop[0]["states"];
        if *role == "plain" {
            assert_eq!(states["hidden"], 4, "{states}");
        } else {
            assert_eq!(
                (&states["idle"], &states["idle_in_transaction"], &states["idle_in_transaction_aborted"]),
                (&2.into(), &1.into(), &1.into()),
                "{states}"
            );
        }
    }
}

#[test]
fn every_document_fits_its_schema() {
    let stage = Stage::set();
    let dir = Dir::new("documents");
    let commands: [&[&str]; 7] = [
        &["status", "--blocking", "--sessions", "--by", "app,user,db,client,state"],
        &["health"],
        &["explain", "53300"],
        &["close-idle", "--min-age", "0s", "--i-know", "--dry-run"],
        &["force-close", "--everything", "--dry-run"],
        &["cancel", "--everything", "--dry-run"],
        &["monitor", "--count", "1"],
    ];
    for command in commands {
        let ran = stage.run(&dir, "postgres", &[command, &["-o", "json"]].concat());
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.err);
        schema::document(&ran.out);
    }
    let refused = dir.run(&["status", "-h", "127.0.0.1", "-p", "1", "-o", "json"]);
    assert_eq!(refused.code, 3);
    schema::document(&refused.out);
}
