//! `close-idle`, `force-close` and `cancel` as a shell sees them: what goes where, exit codes, and who is left.

use serde_json::Value;
use testbed::client::batch::Batch;
use testbed::wait::{self, PATIENCE};
use testbed::{Client, Login, Postgres, PostgresOptions};

use crate::shell::{Dir, Ran};

/// The guide's set-up: the application logs in as the superuser that the server was made with, and so do we.
struct Bed {
    postgres: Postgres,
    dir: Dir,
}

impl Bed {
    fn new(name: &str) -> Self {
        let options = PostgresOptions::default().tcp().max_connections(30).set("autovacuum", "off");
        let postgres = Postgres::start(options).unwrap();
        for sql in ["create database wall", "create role app login", "create role boss login superuser"] {
            postgres.run("postgres", sql).unwrap();
        }
        Self { postgres, dir: Dir::new(name) }
    }

    fn guest(&self, user: &str, application: &str) -> Client {
        let login = Login::new(user, "wall").with("application_name", application);
        Client::login(&self.postgres.socket(), &login).unwrap()
    }

    fn guests(&self, user: &str, application: &str, number: usize) -> Vec<Client> {
        (0..number).map(|_| self.guest(user, application)).collect()
    }

    /// As the superuser of the server, in the guide's database. Nobody waits to see who comes back.
    fn run(&self, arguments: &[&str]) -> Ran {
        self.postgres.settled().unwrap();
        let port = self.postgres.port().to_string();
        let place = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "--dbname", "wall"];
        let all: Vec<&str> = arguments.iter().copied().chain(place).collect();
        self.dir.run(&all)
    }

    /// Sessions of an application, once there are so many.
    fn holds(&self, application: &str, number: usize) {
        let sql = format!("select count(*) from pg_stat_activity where application_name = '{application}'");
        let mut admin = self.postgres.admin("postgres").unwrap();
        wait::until(application, PATIENCE, || Ok((admin.value(&sql)? == number.to_string()).then_some(())))
            .unwrap();
    }
}

const NOW: [&str; 4] = ["close-idle", "--min-age", "0s", "--i-know"];
const ACT: [&str; 4] = ["--apply", "--yes", "--recheck", "0s"];

fn with<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

#[test]
fn in_the_guides_set_up_close_idle_closes_what_it_promises() {
    let bed = Bed::new("guide");
    let _api = bed.guests("postgres", "wall-django-api", 5);
    let mut busy = bed.guest("postgres", "wall-django-materializer");
    busy.query("begin").unwrap();
    let _other = bed.guest("boss", "wall-django-api");
    let plan = bed.run(&NOW);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.starts_with("Would close 5 of 6 idle sessions"), "{}", plan.out);
    assert!(
        plan.out.ends_with(
            "Left alone: 2   in transaction 1 (--include-idle-tx) | superuser 1 (--include-superusers)\n"
        ),
        "{}",
        plan.out
    );
    assert_eq!(plan.err, "Nothing closed (dry run). Add --apply --yes to close.\n");
    bed.holds("wall-django-api", 6);

    let done = bed.run(&with(&[&NOW, &ACT]));
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert!(done.out.ends_with("closed 5\n"), "{}", done.out);
    bed.holds("wall-django-api", 1);
    busy.query("commit").unwrap();

    let again = bed.run(&with(&[&["close-idle"], &ACT]));
    assert_eq!((again.code, again.err.as_str()), (0, ""));
    assert!(again.out.starts_with("Nothing to close among 2 idle sessions\n"), "{}", again.out);
    assert!(
        again.out.contains("too young 1 (--min-age) | superuser 1 (--include-superusers)"),
        "{}",
        again.out
    );
}

#[test]
fn nothing_is_done_without_a_clear_word() {
    let bed = Bed::new("word");
    let _a = bed.guests("app", "a", 2);
    for (arguments, code, said) in [
        (&["close-idle", "--apply"][..], 64, "--apply asks, and there is no terminal to ask on"),
        (&["close-idle", "--yes"], 64, "--apply"),
        (&["close-idle", "--apply", "--dry-run"], 64, "cannot be used with"),
        (&["close-idle", "--min-age", "9s", "--apply", "--yes"], 64, "= add --i-know"),
        (&["close-idle", "--min-age", "300", "--apply", "--yes"], 64, "300 has no unit; write 300s or 300m"),
        (&["close-idle", "--max", "101", "--apply", "--yes"], 64, "--max 101 is not within 1 and 100"),
        (&["close-idle", "--until", "170"], 64, "--until is a percentage"),
        (&["close-idle", "--where", "aplication=a"], 64, "^^^^^^^^^^\n  = fields are app"),
        (&["force-close", "--apply", "--yes"], 64, "or --everything"),
        (&["cancel", "--apply", "--yes"], 64, "or --everything"),
        (&["force-close", "--app", "a", "--dry-run"], 0, "Nothing closed (dry run)"),
        (&["force-close", "--everything"], 0, "Nothing closed (dry run)"),
        (
            &[
                "close-idle",
                "--app",
                "a",
                "--audit-log",
                "/no/such/place",
                "--apply",
                "--yes",
                "--min-age",
                "0s",
                "--i-know",
            ],
            2,
            "nothing was done",
        ),
    ] {
        let ran = bed.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{arguments:?}\n{}", ran.err);
    }
    bed.holds("a", 2);
    let nobody = bed.dir.run(&["close-idle", "-h", "127.0.0.1", "-p", "1", "-U", "postgres"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (3, ""), "{}", nobody.err);
}

#[test]
fn each_act_leaves_a_line_that_says_who_whom_and_why() {
    let bed = Bed::new("audit");
    let _a = bed.guests("app", "a", 2);
    let log = bed.dir.0.join("audit.log").display().to_string();
    let more = ["--app", "a", "--reason", "a \"test\"", "--audit-log", &log, "-o", "json"];
    let done = bed.run(&with(&[&NOW, &ACT, &more]));
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["schema"], "connwarden.close/1");
    assert_eq!((&report["applied"], &report["ended"]), (&Value::Bool(true), &Value::from("finished")));
    let victims = report["victims"].as_array().unwrap();
    assert!(victims.len() == 2 && victims.iter().all(|victim| victim["result"] == "closed"), "{report}");
    let written = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for (line, victim) in lines.iter().zip(victims) {
        assert_eq!(
            (&line["action"], &line["reason"]),
            (&Value::from("close-idle"), &Value::from("a \"test\""))
        );
        assert_eq!(
            (&line["db_user"], &line["filter"]),
            (&Value::from("postgres"), &Value::from("app ~ \"a\""))
        );
        assert_eq!(&line["victim"], victim);
        assert!(line["os_uid"].is_number() && line["ts_us"].is_number() && line["place"].is_string());
    }
    let _b = bed.guest("app", "a");
    let done = bed.run(&with(&[&NOW, &ACT, &["--app", "a"]]));
    assert!(done.err.starts_with("{\"ts_us\":") && done.err.lines().count() == 1, "{}", done.err);
}

#[test]
fn force_close_says_what_it_costs_and_cancel_leaves_the_session() {
    let bed = Bed::new("force");
    let mut running = bed.guest("app", "a");
    running.send(&Batch::new().query("select pg_sleep(600)")).unwrap();
    let mut waiting = bed.guest("app", "b");
    waiting.query("begin").unwrap();
    let mut kept = bed.guest("app", "pg_dump");
    bed.holds("a", 1);
    let sql = "select count(*) from pg_stat_activity where state = 'active' and query like '%600%' and application_name = 'a'";
    wait::until("it runs", PATIENCE, || {
        Ok((bed.postgres.run("postgres", sql)?[0][0].as_deref() == Some("1")).then_some(()))
    })
    .unwrap();

    let cancelled = bed.run(&with(&[&["cancel", "--app", "a"], &ACT]));
    assert_eq!(cancelled.code, 0, "{}{}", cancelled.out, cancelled.err);
    assert!(
        cancelled.out.contains("ACTIVE 1") && cancelled.out.ends_with("cancelled 1\n"),
        "{}",
        cancelled.out
    );
    assert!(running.rows().is_err());
    running.query("select 1").unwrap();

    running.send(&Batch::new().query("select pg_sleep(600)")).unwrap();
    wait::until("it runs", PATIENCE, || {
        Ok((bed.postgres.run("postgres", sql)?[0][0].as_deref() == Some("1")).then_some(()))
    })
    .unwrap();
    let forced = bed.run(&with(&[&["force-close", "--everything", "-o", "human", "--color", "never"], &ACT]));
    assert_eq!(forced.code, 0, "{}{}", forced.out, forced.err);
    for said in
        ["Would close 2 of 3 sessions", "ACTIVE 1, IN TRANSACTION 1 - work will be rolled back", "closed 2\n"]
    {
        assert!(forced.out.contains(said), "{said}: {}", forced.out);
    }
    bed.holds("a", 0);
    bed.holds("b", 0);
    kept.query("select 1").unwrap();
}

#[test]
fn an_interrupt_ends_it_between_two_sessions() {
    let bed = Bed::new("interrupt");
    let _a = bed.guests("app", "a", 3);
    let port = bed.postgres.port().to_string();
    let log = bed.dir.0.join("audit.log");
    let place = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "--rate", "0.02/s", "--audit-log"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_connwarden"));
    command.env_clear().args(with(&[&NOW, &ACT, &["--app", "a"], &place])).arg(&log);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let lines = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    wait::until("the first is closed", PATIENCE, || Ok((lines() == 1).then_some(()))).unwrap();
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let out = String::from_utf8(ended.stdout).unwrap();
    assert!(out.ends_with("closed 1; interrupted, 2 not seen to\n"), "{out}");
    bed.holds("a", 2);
}

#[test]
fn status_shows_the_sessions_that_are_meant() {
    let bed = Bed::new("meant");
    let _a = bed.guests("app", "wall-api", 3);
    let _b = bed.guests("app", "other", 2);
    let ran = bed.run(&["status", "--app", "wall-*", "--where", "state=idle"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("wall-api: 3 connections (idle)") && !ran.out.contains("other"), "{}", ran.out);
    assert!(ran.out.contains("Total Connections: 5"), "the totals are the server's: {}", ran.out);
    let wrong = bed.run(&["status", "--state", "idel"]);
    assert_eq!(wrong.code, 64);
    assert!(wrong.err.contains("did you mean \"idle\"?"), "{}", wrong.err);
}

#[test]
fn a_protected_target_is_told_to_those_who_change_anything() {
    let bed = Bed::new("protected");
    let _api = bed.guests("app", "wall-django-api", 2);
    let (host, port) = (bed.postgres.host().display(), bed.postgres.port());
    let dsn = format!("host={host} port={port} user=postgres dbname=wall");
    bed.dir.write("connwarden.toml", &format!("[target.prod]\ndsn = \"{dsn}\"\nprotected = true\n"));
    let run = |more: &[&str]| {
        bed.dir.run(&with(&[&NOW, &["--target", "prod", "--app", "wall-*"], &["--recheck", "0s"], more]))
    };
    let shown = run(&[]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.err.contains("--apply --yes --confirm prod"), "{}", shown.err);
    for unconfirmed in [&["--apply", "--yes"][..], &["--apply", "--yes", "--confirm", "other"]] {
        let ran = run(unconfirmed);
        assert_eq!(ran.code, 64, "{}", ran.err);
        assert!(ran.err.contains("target prod is protected"), "{}", ran.err);
    }
    bed.holds("wall-django-api", 2);
    assert_eq!(run(&["--apply", "--yes", "--confirm", "prod"]).code, 0);
    bed.holds("wall-django-api", 0);
}
