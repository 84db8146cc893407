//! `doctor` and `grants` on a real server: what they say to write is taken, and helps.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use testbed::{Client, Login, Postgres, PostgresOptions, programs};

use crate::schema;
use crate::shell::Dir;
use crate::versions::Stage;

fn ids(document: &Value, list: &str) -> Vec<String> {
    let all = document[list].as_array().unwrap();
    all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn advice(stage: &Stage, dir: &Dir) -> Value {
    let ran = stage.run(dir, "postgres", &["doctor", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    schema::document(&ran.out)
}

#[test]
fn what_it_says_to_write_is_taken_and_silences_it() {
    let stage = Stage::set();
    let dir = Dir::new("doctor-written");
    stage.postgres.run("postgres", "alter role shop connection limit -1").unwrap();
    let before = advice(&stage, &dir);
    let mut followed = Vec::new();
    for advice in before["advice"].as_array().unwrap() {
        for remedy in advice["write"].as_array().unwrap() {
            let sql = match remedy["place"].as_str().unwrap() {
                "postgresql_conf" if remedy["on_command_line"] == false => {
                    remedy["alter_system"].as_str().unwrap()
                }
                // Its role is an example.
                "sql" if advice["id"] != "reserved" => remedy["text"].as_str().unwrap(),
                _ => continue,
            };
            stage.postgres.run("postgres", sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            if remedy["effect"] != "restart" {
                followed.push(advice["id"].as_str().unwrap().to_owned());
            }
        }
    }
    for id in
        ["role-limits", "statement-timeout", "lock-timeout", "keepalives", "idle-in-transaction-timeout"]
    {
        assert!(followed.iter().any(|one| one == id), "{id} was not advised: {:?}", ids(&before, "advice"));
    }
    stage.postgres.run("postgres", "select pg_reload_conf()").unwrap();
    let left = testbed::wait::until("the advice to be followed", testbed::wait::PATIENCE, || {
        let after = advice(&stage, &dir);
        let left = ids(&after, "advice");
        Ok((!left.iter().any(|id| followed.contains(id))).then_some(left))
    });
    left.unwrap();
}

#[test]
fn a_changed_limit_waits_for_a_restart_and_says_from_what_to_what() {
    let stage = Stage::set();
    let dir = Dir::new("doctor-restart");
    stage.postgres.run("postgres", "alter system set max_wal_senders = 17").unwrap();
    stage.postgres.run("postgres", "select pg_reload_conf()").unwrap();
    let said = |role: &str, words: &str| {
        testbed::wait::until(words, testbed::wait::PATIENCE, || {
            let out = stage.run(&dir, role, &["doctor", "-o", "plain"]).out;
            Ok(out.contains(words).then_some(()))
        })
        .unwrap();
    };
    said(
        "postgres",
        "WARNING  restart-waiting: a change waits for a restart: max_wal_senders: 10 now, 17 after a restart",
    );
    said("plain", "max_wal_senders: 10 now, the new value is shown to superusers only");
    // The server's command line says max_connections, its file another number: no restart changes that.
    let out = stage.run(&dir, "postgres", &["doctor", "-o", "plain"]).out;
    assert!(out.contains("OK  config-files:") && !out.contains("max_connections: "), "{out}");
}

#[test]
fn a_line_that_the_server_cannot_read_is_critical() {
    let stage = Stage::set();
    let dir = Dir::new("doctor-broken");
    let file = stage.postgres.admin("postgres").unwrap().value("show config_file").unwrap();
    let mut conf = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    conf.write_all(b"work_memm = 4MB\n").unwrap();
    let document = advice(&stage, &dir);
    let found =
        document["advice"].as_array().unwrap().iter().find(|one| one["id"] == "config-files").unwrap();
    assert_eq!(found["severity"], "critical");
    assert!(found["what"].as_str().unwrap().contains("(work_memm): unrecognized"), "{found}");
}

#[test]
fn backends_are_measured_where_the_server_is_here() {
    let stage = Stage::set();
    let dir = Dir::new("doctor-memory");
    let memory = &advice(&stage, &dir)["memory"];
    if cfg!(target_os = "linux") && testbed::account::is_root() {
        // Our own sessions of the set-up may be on their way out still.
        assert!(memory["backends_measured"].as_u64().unwrap() >= 4, "{memory}");
        let median = memory["backend_median_bytes"].as_u64().unwrap();
        assert!((500_000..200_000_000).contains(&median), "{memory}");
    }
}

#[test]
fn a_server_starts_with_every_preset_and_takes_its_statements() {
    let dir = Dir::new("doctor-presets");
    let major = {
        let stage = Stage::set();
        for preset in ["development", "staging", "production", "high-load"] {
            let ran = stage.run(
                &dir,
                "postgres",
                &["doctor", "--preset", preset, "--format", "sql", "--memory", "512MB"],
            );
            for sql in ran.out.lines().filter(|line| !line.starts_with("--")) {
                stage.postgres.run("postgres", sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
        }
        stage.major().to_string()
    };
    for preset in ["development", "staging", "production", "high-load"] {
        let ran = dir.run(&[
            "doctor",
            "--preset",
            preset,
            "--format",
            "compose",
            "--memory",
            "512MB",
            "--server-version",
            &major,
        ]);
        let (_, command) = ran.out.split_once("    command:\n").unwrap();
        let arguments: Vec<String> = command
            .lines()
            .map(|line| serde_json::from_str(line.strip_prefix("      - ").unwrap()).unwrap())
            .collect();
        assert_eq!(arguments[0], "postgres");
        let mut options = PostgresOptions::default();
        for pair in arguments[1..].chunks(2) {
            let (name, value) = pair[1].split_once('=').unwrap();
            assert_eq!(pair[0], "-c");
            options = options.set(name, value);
        }
        let postgres = Postgres::start(options).unwrap();
        let now =
            postgres.admin("postgres").unwrap().value("show idle_in_transaction_session_timeout").unwrap();
        assert_eq!(now, if preset == "development" { "0" } else { "5min" });
    }
}

#[test]
fn what_grants_prints_lets_a_role_look_and_act() {
    let mut stage = Stage::set();
    let dir = Dir::new("grants");
    let name = "wat\"ch'er";
    let ran = stage.run(&dir, "postgres", &["grants", "--for-role", name]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("CREATE ROLE \"wat\"\"ch'er\" LOGIN CONNECTION LIMIT 5;"), "{}", ran.out);
    psql(&stage.postgres, &ran.out);
    let document = schema::document(&stage.run(&dir, name, &["status", "-o", "json"]).out);
    assert_eq!(document["visibility"], "full");
    let mut own = Client::login(&stage.postgres.socket(), &Login::new(name, "postgres")).unwrap();
    let close = "select bool_and(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'shop'";
    assert_eq!(own.value(close).unwrap(), "t");
    // Asked again it changes the role instead of creating it, and psql takes that as well.
    let again = stage.run(&dir, "postgres", &["grants", "--for-role", name]).out;
    assert!(again.contains("ALTER ROLE") && !again.contains("CREATE ROLE"), "{again}");
    psql(&stage.postgres, &again);
    if stage.major() >= 16 {
        stage.postgres.stop().unwrap();
        stage.postgres.start_again().unwrap();
        let enough = stage.run(&dir, "postgres", &["grants", "--for-role", name]).out;
        assert!(enough.contains("reserved_connections is 2: enough"), "{enough}");
    }
}

/// As an operator would: into psql, which stops at the first error.
fn psql(postgres: &Postgres, sql: &str) {
    let mut psql = Command::new(programs::postgres_client("psql").unwrap())
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h"])
        .arg(postgres.host())
        .args(["-p", &postgres.port().to_string(), "-U", "postgres", "-d", "postgres"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let done = psql.wait_with_output().unwrap();
    assert!(done.status.success(), "{}\n{sql}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn without_a_server_the_exit_code_says_so_and_the_offline_forms_still_work() {
    let dir = Dir::new("doctor-nobody");
    let ran = dir.run(&["doctor", "-h", "127.0.0.1", "-p", "1", "-o", "json"]);
    assert_eq!(ran.code, 3);
    assert_eq!(schema::document(&ran.out)["schema"], "connwarden.error/1");
    let ran = dir.run(&["grants", "-h", "127.0.0.1", "-p", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.contains("--server-version 16"), "{}", ran.err);
    let ran = dir.run(&["grants", "--server-version", "16"]);
    assert!(
        ran.code == 0 && ran.out.contains("GRANT pg_use_reserved_connections TO \"connwarden\";"),
        "{}",
        ran.out
    );
    let ran = dir.run(&["doctor", "--preset", "staging", "--format", "conf", "--server-version", "13.4"]);
    assert!(ran.code == 0 && ran.out.contains("max_connections = 400"), "{}", ran.out);
    for arguments in [
        &["doctor", "--format", "conf"][..],
        &["doctor", "--preset", "huge"],
        &["doctor", "--memory", "4"],
        &["grants", "--for-role", "pg_x"],
        &["grants", "--server-version", "9.6"],
    ] {
        assert_eq!(dir.run(arguments).code, 64, "{arguments:?}");
    }
}
