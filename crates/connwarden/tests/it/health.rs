//! `health` and `status --blocking` against servers in staged situations: what the verdict's sentence is, and what exit code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testbed::wait::{PATIENCE, until};
use testbed::{Batch, Client, Login, Postgres, PostgresOptions};

use crate::shell::{Dir, Ran};

/// 20 slots, 3 of them kept back: 17 usable.
fn server() -> Postgres {
    let options = PostgresOptions::default()
        .set("max_connections", "20")
        .set("superuser_reserved_connections", "3")
        .set("autovacuum", "off");
    let postgres = Postgres::start(options).unwrap();
    postgres.run("postgres", "create role app login").unwrap();
    postgres
}

fn session(postgres: &Postgres, user: &str, application: &str) -> Client {
    let login = Login::new(user, "postgres").with("application_name", application);
    Client::login(&postgres.socket(), &login).unwrap()
}

/// Sessions of an application, each behind this statement, in which `{}` is its number.
fn idle(postgres: &Postgres, user: &str, application: &str, number: usize, sql: &str) -> Vec<Client> {
    let one = |at: usize| {
        let mut client = session(postgres, user, application);
        client.query(&sql.replace("{}", &at.to_string())).unwrap();
        client
    };
    (0..number).map(one).collect()
}

fn number(postgres: &Postgres, sql: &str) -> usize {
    postgres.admin("postgres").unwrap().value(sql).unwrap().parse().unwrap()
}

fn run_as(dir: &Dir, postgres: &Postgres, user: &str, arguments: &[&str]) -> Ran {
    let (host, port) = (postgres.host().display().to_string(), postgres.port().to_string());
    let mut all = arguments.to_vec();
    all.extend(["-h", &host, "-p", &port, "-U", user, "--dbname", "postgres"]);
    dir.run(&all)
}

/// The verdict and its sentence, and the exit code.
fn verdict(dir: &Dir, postgres: &Postgres, options: &[&str]) -> (String, String, i32) {
    let mut arguments = vec!["health", "-o", "json"];
    arguments.extend(options);
    let ran = run_as(dir, postgres, "postgres", &arguments);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["schema"], "connwarden.health/1");
    assert_eq!(report["exit_code"], ran.code);
    let text = |key: &str| report[key].as_str().unwrap().to_owned();
    (text("verdict"), text("summary"), ran.code)
}

fn said(verdict: &str, sentence: &str, code: i32) -> (String, String, i32) {
    (verdict.to_owned(), sentence.to_owned(), code)
}

#[test]
fn a_leak_is_told_by_the_statement_it_froze_on() {
    let (dir, postgres) = (Dir::new("leak"), server());
    postgres.run("postgres", "create table items (id int); grant select on items to app").unwrap();
    let _held = idle(&postgres, "app", "leaky", 13, "select * from items where id = {}");
    postgres.settled().unwrap();
    let expected = "13 sessions of leaky are idle on the same statement, as leaked ones are";
    assert_eq!(verdict(&dir, &postgres, &[]), said("warning", expected, 1));
    assert_eq!(verdict(&dir, &postgres, &["--fail-on", "crit"]), said("warning", expected, 0));
}

/// `holder` has row 1 and waits for its client; `middle` has row 2 and wants row 1; `last` wants row 2.
fn chain(postgres: &Postgres) -> [Client; 3] {
    postgres
        .run(
            "postgres",
            "create table t (id int, n int); insert into t values (1, 0), (2, 0); grant all on t to app",
        )
        .unwrap();
    let mut clients = ["holder", "middle", "last"].map(|name| session(postgres, "app", name));
    let take = |row: u32| format!("update t set n = n + 1 where id = {row}");
    clients[0].query("begin").unwrap();
    clients[0].query(&take(1)).unwrap();
    clients[1].query("begin").unwrap();
    clients[1].query(&take(2)).unwrap();
    clients[1].send(&Batch::new().query(&take(1))).unwrap();
    clients[2].send(&Batch::new().query(&take(2))).unwrap();
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
    until("two wait", PATIENCE, || Ok((number(postgres, waiting) == 2).then_some(()))).unwrap();
    clients
}

#[test]
fn a_chain_of_locks_is_told_by_its_root() {
    let (dir, postgres) = (Dir::new("chain"), server());
    let clients = chain(&postgres);
    let root = clients[0].key().unwrap().pid;
    let (level, sentence, code) = verdict(&dir, &postgres, &[]);
    assert_eq!((level.as_str(), code), ("ok", 0), "a wait of a moment is no news: {sentence}");
    dir.write("connwarden.toml", "[checks]\nblocked_warn = \"1ms\"\n");
    let (level, sentence, code) = verdict(&dir, &postgres, &[]);
    assert_eq!((level.as_str(), code), ("warning", 1));
    assert!(
        sentence.starts_with(&format!("holder (pid {root}) blocks 2 sessions, longest wait ")),
        "{sentence}"
    );
}

#[test]
fn the_tree_of_a_chain_is_drawn_and_in_the_document() {
    let (dir, postgres) = (Dir::new("tree"), server());
    let clients = chain(&postgres);
    let pids: Vec<u32> = clients.iter().map(|client| client.key().unwrap().pid).collect();
    let drawn = run_as(&dir, &postgres, "postgres", &["status", "--blocking", "--ascii"]).out;
    let tree: Vec<&str> = drawn.lines().skip_while(|line| *line != "=== Blocking ===").collect();
    let starts = [
        format!("pid {}  holder  app@postgres  idle in transaction ", pids[0]),
        "   update t set n = n + 1 where id = 1".to_owned(),
        format!("`- pid {}  middle  app@postgres  waits ", pids[1]),
        "      update t set n = n + 1 where id = 1".to_owned(),
        format!("   `- pid {}  last  app@postgres  waits ", pids[2]),
        "         update t set n = n + 1 where id = 2".to_owned(),
    ];
    assert_eq!(tree.len(), 7, "{drawn}");
    for (line, start) in tree[1..].iter().zip(&starts) {
        assert!(line.starts_with(start), "{line:?} is not {start:?}");
    }
    assert!(tree[1].ends_with("blocks 2 sessions"), "{}", tree[1]);
    let out = run_as(&dir, &postgres, "postgres", &["status", "--blocking", "-o", "json"]).out;
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let root = &report["blocking"][0];
    assert_eq!(
        (&root["root_pid"], &root["waiters"], &root["depth"]),
        (&pids[0].into(), &2.into(), &2.into())
    );
    assert_eq!(root["sessions"][2]["waits_for"], serde_json::json!([pids[1]]));
    let out = run_as(&dir, &postgres, "postgres", &["status", "-o", "json"]).out;
    assert!(!out.contains("\"blocking\""), "nobody asked");
}

#[test]
fn a_prepared_transaction_that_blocks_is_not_hidden() {
    let (dir, postgres) = (
        Dir::new("prepared"),
        Postgres::start(PostgresOptions::default().set("max_prepared_transactions", "2")).unwrap(),
    );
    postgres.run("postgres", "create table t (id int); insert into t values (1)").unwrap();
    let mut first = session(&postgres, "postgres", "first");
    for sql in ["begin", "update t set id = 2", "prepare transaction 'forgotten'"] {
        first.query(sql).unwrap();
    }
    let mut second = session(&postgres, "postgres", "second");
    second.send(&Batch::new().query("update t set id = 3")).unwrap();
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
    until("one waits", PATIENCE, || Ok((number(&postgres, waiting) == 1).then_some(()))).unwrap();
    let drawn = run_as(&dir, &postgres, "postgres", &["status", "--blocking", "--ascii"]).out;
    assert!(
        drawn.contains("\na prepared transaction (see pg_prepared_xacts) blocks 1 session\n`- pid "),
        "{drawn}"
    );
}

#[test]
fn hoarding_is_told_before_the_server_is_crowded() {
    let (dir, postgres) = (Dir::new("hoarding"), server());
    // 11 of 17 are 64.7 %: below the warning of utilization.
    let _held = [("a", 4), ("b", 4), ("c", 3)]
        .map(|(name, number)| idle(&postgres, "app", name, number, "select {} as c{}"));
    postgres.settled().unwrap();
    let expected = "11 of 11 sessions are idle while slots get scarce";
    assert_eq!(verdict(&dir, &postgres, &[]), said("warning", expected, 1));
}

#[test]
fn a_login_storm_is_churn() {
    let (dir, postgres) = (Dir::new("storm"), server());
    let done = Arc::new(AtomicBool::new(false));
    let (address, enough) = (postgres.socket(), Arc::clone(&done));
    let storm = std::thread::spawn(move || {
        let login = Login::new("app", "postgres").with("application_name", "storm");
        // Before version 14 only those that are still there are seen: the last six are.
        let mut last = std::collections::VecDeque::new();
        while !enough.load(Ordering::Relaxed) {
            // A refusal is part of a storm.
            last.extend(Client::login(&address, &login));
            if last.len() > 6 {
                let _ = last.pop_front().map(Client::terminate);
            }
        }
    });
    let (level, sentence, code) = verdict(&dir, &postgres, &["--churn-warn", "2"]);
    done.store(true, Ordering::Relaxed);
    storm.join().unwrap();
    assert_eq!((level.as_str(), code), ("warning", 1), "{sentence}");
    assert!(sentence.contains(" new sessions a second"), "{sentence}");
}

#[test]
fn a_role_at_its_limit_is_critical_on_an_empty_server() {
    let (dir, postgres) = (Dir::new("role"), server());
    postgres.run("postgres", "alter role app connection limit 5").unwrap();
    let _held = idle(&postgres, "app", "api", 5, "select {} as c{}");
    postgres.settled().unwrap();
    assert_eq!(verdict(&dir, &postgres, &[]), said("critical", "role app has 5 of 5 connections", 2));
}

#[test]
fn idle_in_transaction_is_told_by_who_it_is() {
    let (dir, postgres) = (Dir::new("idle-tx"), server());
    let mut job = session(&postgres, "app", "job");
    job.query("begin").unwrap();
    postgres.settled().unwrap();
    let pid = job.key().unwrap().pid;
    let (level, sentence, code) = verdict(&dir, &postgres, &["--idle-tx-warn", "1ms"]);
    assert_eq!((level.as_str(), code), ("warning", 1));
    assert!(sentence.starts_with(&format!("job (pid {pid}) is idle in transaction for ")), "{sentence}");
    let options = ["--idle-tx-warn", "1ms", "--idle-tx-crit", "2ms"];
    assert_eq!(verdict(&dir, &postgres, &options).2, 2);
}

#[test]
fn a_server_that_is_full_for_applications_is_critical_for_who_still_gets_in() {
    let (dir, postgres) = (Dir::new("full"), server());
    let _held = idle(&postgres, "app", "api", 17, "select {} as c{}");
    postgres.settled().unwrap();
    let expected = "no slot left for applications; 3 of 3 kept back are free";
    assert_eq!(verdict(&dir, &postgres, &["--check", "utilization,reserve"]), said("critical", expected, 2));
}

#[test]
fn a_refusal_of_a_full_server_is_critical_in_every_form() {
    let (dir, postgres) = (Dir::new("refused"), server());
    let _held = idle(&postgres, "app", "api", 17, "select {} as c{}");
    for form in ["human", "plain", "json", "nagios", "prometheus"] {
        let ran = run_as(&dir, &postgres, "app", &["health", "-o", form]);
        assert_eq!(ran.code, 2, "{form}: {}{}", ran.out, ran.err);
        let telling = if form == "prometheus" {
            "connwarden_pg_login_refused{reason=\"server_full\"} 1\n"
        } else {
            "refused because the server is full: "
        };
        assert!(ran.out.contains(telling), "{form}: {}", ran.out);
    }
    let watched =
        run_as(&dir, &postgres, "app", &["health", "--watch", "--interval", "100ms", "--count", "2"]);
    assert_eq!((watched.code, watched.out.lines().count()), (2, 2), "{}", watched.out);
}

#[test]
fn an_application_that_is_superuser_is_told_where_slots_are_scarce() {
    let (dir, postgres) = (Dir::new("superuser"), server());
    let _held = idle(&postgres, "postgres", "api", 13, "select {} as c{}");
    postgres.settled().unwrap();
    let expected = "api logs in as superuser postgres (13): no limit and no reserve holds it back";
    assert_eq!(verdict(&dir, &postgres, &[]), said("warning", expected, 1));
}

#[test]
fn a_busy_server_with_room_is_well() {
    let (dir, postgres) = (Dir::new("busy"), server());
    let mut clients = idle(&postgres, "app", "api", 8, "select {} as c{}");
    for client in &mut clients {
        client.send(&Batch::new().query("select pg_sleep(600)")).unwrap();
    }
    let active = "select count(*) from pg_stat_activity where usename = 'app' and state = 'active'";
    until("all are active", PATIENCE, || Ok((number(&postgres, active) == 8).then_some(()))).unwrap();
    postgres.settled().unwrap();
    assert_eq!(verdict(&dir, &postgres, &[]), said("ok", "47.1% of 17 usable slots taken", 0));
}

#[test]
fn an_idle_server_with_room_is_well() {
    let (dir, postgres) = (Dir::new("idle"), server());
    let _held = idle(&postgres, "app", "api", 10, "select 1 as c");
    postgres.settled().unwrap();
    assert_eq!(verdict(&dir, &postgres, &[]), said("ok", "58.8% of 17 usable slots taken", 0));
}

#[test]
fn a_role_that_sees_a_part_skips_once_said_and_stays_well() {
    let (dir, postgres) = (Dir::new("part"), server());
    let _held = idle(&postgres, "postgres", "psql", 2, "select 1 as c");
    let ran = run_as(&dir, &postgres, "app", &["health", "-o", "plain"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("SKIP idle-in-transaction: "), "{}", ran.out);
    assert_eq!(ran.out.matches("GRANT pg_monitor TO \"app\";").count(), 1, "{}", ran.out);
    let tree = run_as(&dir, &postgres, "app", &["status", "--blocking"]);
    assert_eq!(tree.code, 0, "{}", tree.err);
}

#[test]
fn looks_are_kept_and_a_watch_tells_a_line_each() {
    let (dir, postgres) = (Dir::new("history"), server());
    let history = dir.0.join("looks.cwlog").display().to_string();
    let options = ["--history", &history, "--check", "utilization,forecast"];
    verdict(&dir, &postgres, &options);
    let watch =
        ["health", "--watch", "--interval", "100ms", "--count", "3", "--history", &history, "-o", "json"];
    let ran = run_as(&dir, &postgres, "postgres", &watch);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 3), "{}", ran.err);
    for line in ran.out.lines() {
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(report["verdict"], "ok");
    }
    let kept = std::fs::read_to_string(&history).unwrap();
    assert_eq!(kept.lines().count(), 5, "{kept}");
    assert_eq!(kept.lines().next(), Some("{\"schema\":\"connwarden.history/1\"}"));
    dir.write("other.txt", "somebody's\n");
    let other = dir.0.join("other.txt").display().to_string();
    let ran = run_as(&dir, &postgres, "postgres", &["health", "--history", &other]);
    assert_eq!((ran.code, ran.out.as_str()), (64, ""));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "somebody's\n");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_write() {
    let dir = Dir::new("sense");
    let wrong: [(&[&str], &str); 7] = [
        (&["health", "--idle-tx-warn", "60"], "\"60s\""),
        (&["health", "--check", "nonsense"], "the checks: login, utilization"),
        (&["health", "--warn", "90", "--crit", "80"], "--warn is above --crit"),
        (&["health", "--warn", "700"], "0 to 100"),
        (&["health", "--interval", "5s"], "--watch"),
        (&["health", "--watch", "-o", "prometheus"], "leave --watch out"),
        (&["explain"], "TEXT"),
    ];
    for (arguments, telling) in wrong {
        let ran = dir.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{arguments:?}");
        assert!(ran.err.contains(telling), "{arguments:?}: {}", ran.err);
    }
    dir.write("connwarden.toml", "[checks]\nwarn = 70\n");
    let ran = dir.run(&["health"]);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("write \"70%\""), "{}", ran.err);
}

#[test]
fn nobody_there_is_unknown() {
    let dir = Dir::new("nobody");
    for form in ["plain", "nagios", "json", "prometheus"] {
        let ran = dir.run(&["health", "-o", form, "-h", "127.0.0.1", "-p", "1", "-U", "u", "--dbname", "d"]);
        assert_eq!(ran.code, 3, "{form}: {}{}", ran.out, ran.err);
        assert!(ran.out.to_lowercase().contains("unknown"), "{form}: {}", ran.out);
    }
}
