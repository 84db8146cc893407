//! Every form of output, of one fixed server, to the letter. `GOLDEN=write` writes what is said now: read the difference.

use std::collections::BTreeMap;
use std::path::Path;

use inspect::catalog::{Blocking, Counters, LimitKind, Sample, State};
use inspect::checks::{Limits, Look, run};
use inspect::explain::{Scene, find};
use inspect::form::{Marks, Style, blocking, explain, health, nagios, prometheus};
use inspect::report::{BlockingReport, ExplainReport, Failure, FailureReport, HealthReport, Target};

use crate::exposition::{Series, read};
use crate::synthetic::{NOW_US, a_second_before, add, counters, held_up, limit, server, session};

const PLACE: &str = "db1:5432";
const UNICODE: Style = Style { colour: false, marks: Marks::Unicode, width: Some(80) };

/// A server with a bit of everything: 71 of 97 slots taken, a blocker, a role near its limit, a hostile name.
fn wall() -> (Sample, Blocking) {
    let mut sample = server(16);
    add(&mut sample, 12, "wall-django-api", State::Active);
    add(&mut sample, 40, "wall-django-api", State::Idle);
    sample.sessions[12..]
        .iter_mut()
        .for_each(|one| one.query = Some("select * from wall where id = 7".into()));
    add(&mut sample, 17, "", State::Idle);
    let mut job = session(77, "job", State::IdleInTransaction);
    (job.state_age_s, job.xact_age_s) = (Some(192.0), Some(200.0));
    job.query = Some("update t set n = n + 1 where id = 7".into());
    sample.sessions.push(job);
    sample.sessions.push(session(78, "evil \"\\\n\u{1b}[31m", State::Idle));
    sample.sessions[0].wait = Some(("Lock".into(), "transactionid".into()));
    sample.limits = vec![limit(LimitKind::Role, "wall", 71, 80), limit(LimitKind::Database, "wall", 71, 200)];
    sample.counters = Some(Counters {
        sessions: 5_002,
        transactions: 90_300,
        abandoned: 3,
        fatal: 2,
        killed: 1,
        active_ms: 5_000.0,
    });
    (sample, held_up(77, &[1_000, 1_001], 42.0))
}

fn judged(sample: &Sample, blocking: &Blocking) -> HealthReport {
    let mut before = a_second_before(sample);
    before.counters = counters(5_000, 90_000);
    let limits = Limits::default();
    let look = Look {
        now: sample,
        before: Some(&before),
        history: &[],
        blocking: Some(blocking),
        plan: None,
        limits: &limits,
    };
    HealthReport::of(&look, run(&look, &[]), PLACE, false)
}

fn full() -> HealthReport {
    let error = FailureReport {
        schema: "connwarden.error/1",
        code: Failure::ServerFull,
        sqlstate: Some("53300".into()),
        message: "db1:5432: FATAL: sorry, too many clients already (SQLSTATE 53300)".into(),
        hint: None,
    };
    HealthReport::failed(error, NOW_US)
}

fn unreachable() -> HealthReport {
    let error = FailureReport {
        schema: "connwarden.error/1",
        code: Failure::Network,
        sqlstate: None,
        message: "db1:5432: Connection refused | nobody".into(),
        hint: None,
    };
    HealthReport::failed(error, NOW_US)
}

fn agreed(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(name);
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(now, agreed, "{name}: GOLDEN=write rewrites it");
}

fn json(report: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(report).unwrap() + "\n"
}

#[test]
fn health_is_written_in_every_form_as_it_was_agreed() {
    let (sample, blocking) = wall();
    let report = judged(&sample, &blocking);
    agreed("health.human.txt", &health::human(&report, UNICODE));
    agreed("health.human.ascii.txt", &health::human(&report, Style::default()));
    agreed("health.plain.txt", &health::plain(&report));
    agreed("health.json", &json(&report));
    agreed("health.nagios.txt", &nagios::line(&report));
    agreed("health.prom", &prometheus::text(&report, Some(&sample)));
    agreed("health.watch.txt", &health::line(&report));
}

#[test]
fn a_refusal_is_written_in_every_form_as_it_was_agreed() {
    for (name, report) in [("full", full()), ("unreachable", unreachable())] {
        let all = [
            ("human", health::human(&report, UNICODE)),
            ("plain", health::plain(&report)),
            ("json", json(&report)),
            ("nagios", nagios::line(&report)),
            ("prometheus", prometheus::text(&report, None)),
            ("watch", health::line(&report)),
        ];
        let text: String = all.iter().map(|(form, text)| format!("--- {form}\n{text}")).collect();
        agreed(&format!("health.{name}.txt"), &text);
    }
    assert_eq!((full().exit_code, unreachable().exit_code), (2, 3));
}

#[test]
fn the_blocking_tree_is_drawn_as_it_was_agreed() {
    let (_, one) = wall();
    let mut all: Vec<_> = one.trees()[0].branches.iter().map(|branch| branch.contender.clone()).collect();
    all[2].waits_for = vec![77, 1_000];
    let mut deeper = all[1].clone();
    (deeper.pid, deeper.waits_for) = (1_002, vec![1_001]);
    deeper.query = Some("alter table t\n  add column \u{1b}[2J x int".into());
    let mut prepared = all[1].clone();
    (prepared.pid, prepared.waits_for) = (1_003, vec![0]);
    all.extend([deeper, prepared]);
    let trees = BlockingReport::all(&Blocking::from(all));
    agreed("blocking.human.txt", &blocking::text(&trees, UNICODE));
    agreed("blocking.ascii.txt", &blocking::text(&trees, Style::default()));
    agreed("blocking.json", &json(&trees));
    assert_eq!(blocking::text(&[], Style::default()), "=== Blocking ===\nnobody waits for a lock\n");
}

#[test]
fn an_explanation_is_written_in_every_form_as_it_was_agreed() {
    let (sample, blocking) = wall();
    let asked = "FATAL: remaining connection slots are reserved for non-replication superuser connections";
    let limits = Limits::default();
    let scene = Scene { sample: &sample, blocking: Some(&blocking), limits: &limits };
    let mut report = ExplainReport::of(asked, &find(asked), Some(&scene));
    report.target = Some(Target::of(&sample, PLACE));
    agreed("explain.human.txt", &explain::text(&report, UNICODE));
    agreed("explain.plain.txt", &explain::text(&report, Style::default()));
    agreed("explain.json", &json(&report));
    let mut alone = ExplainReport::of("57P01", &find("57P01"), None);
    alone.not_looked = Some("db1:5432: Connection refused".into());
    agreed("explain.alone.txt", &explain::text(&alone, Style::default()));
    let unknown = "the \u{1b}[31mflux capacitor is empty";
    agreed("explain.unknown.txt", &explain::text(&ExplainReport::of(unknown, &find(unknown), None), UNICODE));
}

fn series(name: &str, labels: &[(&str, &str)]) -> Series {
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    (name.to_owned(), labels)
}

#[test]
fn a_collector_can_read_the_exposition() {
    let (sample, blocking) = wall();
    let samples = read(&prometheus::text(&judged(&sample, &blocking), Some(&sample)));
    let at = |name: &str, labels: &[(&str, &str)]| samples.get(&series(name, labels)).copied();
    assert_eq!(at("connwarden_pg_up", &[]), Some(1.0));
    assert_eq!(at("connwarden_pg_connections_usable", &[]), Some(97.0));
    let idle = [("state", "idle"), ("backend_type", "client backend")];
    assert_eq!(at("connwarden_pg_connections", &idle), Some(58.0));
    let evil = [("application", "evil \"\\??[31m"), ("state", "idle")];
    assert_eq!(at("connwarden_pg_app_connections", &evil), Some(1.0));
    assert_eq!(at("connwarden_pg_role_connection_limit", &[("role", "wall")]), Some(80.0));
    assert_eq!(at("connwarden_pg_check_level", &[("check", "idle-in-transaction")]), Some(1.0));
    assert_eq!(at("connwarden_pg_new_sessions_per_second", &[]), Some(2.0));
    assert_eq!(at("connwarden_pg_sessions_total", &[("end", "killed")]), Some(1.0));
    for report in [full(), unreachable()] {
        let samples = read(&prometheus::text(&report, None));
        assert_eq!(samples.get(&series("connwarden_pg_up", &[])), Some(&0.0));
    }
}

#[test]
fn the_exposition_names_the_20_largest_applications_and_sums_the_rest() {
    let mut sample = server(15);
    for number in 1..=25u32 {
        add(&mut sample, number, &format!("app-{number:02}"), State::Idle);
    }
    // A real application of the name that stands for the others, and two whose names look alike once cleaned.
    add(&mut sample, 2, "__other__", State::Idle);
    add(&mut sample, 30, "x\u{1b}", State::Idle);
    add(&mut sample, 30, "x\u{7}", State::Idle);
    let samples = read(&prometheus::text(&judged(&sample, &Blocking::default()), Some(&sample)));
    let of = |name: &str| {
        samples
            .get(&series("connwarden_pg_app_connections", &[("application", name), ("state", "idle")]))
            .copied()
    };
    // The two that look alike are two of the 20, and one series.
    assert_eq!((of("app-25"), of("app-08"), of("app-07")), (Some(25.0), Some(8.0), None));
    assert_eq!(of("x?"), Some(60.0));
    // 1 to 7, and 2.
    assert_eq!(of("__other__"), Some(30.0));
    let all: f64 = samples
        .iter()
        .filter(|((name, _), _)| name == "connwarden_pg_app_connections")
        .map(|(_, value)| value)
        .sum();
    assert_eq!(all as usize, sample.sessions.len());
}

#[test]
fn a_line_for_nagios_is_one_line_with_one_bar() {
    let (mut sample, blocking) = wall();
    sample.sessions.iter_mut().for_each(|one| one.application = "a | b\n".into());
    for report in [judged(&sample, &blocking), full(), unreachable()] {
        let line = nagios::line(&report);
        assert_eq!(line.lines().count(), 1, "{line}");
        let bars = usize::from(report.status.is_some());
        assert_eq!(line.matches('|').count(), bars, "{line}");
    }
}

#[test]
fn warnings_pass_where_only_criticals_count() {
    let (sample, blocking) = wall();
    let limits = Limits::default();
    let look = Look {
        now: &sample,
        before: None,
        history: &[],
        blocking: Some(&blocking),
        plan: None,
        limits: &limits,
    };
    assert_eq!(HealthReport::of(&look, run(&look, &[]), PLACE, false).exit_code, 1);
    assert_eq!(HealthReport::of(&look, run(&look, &[]), PLACE, true).exit_code, 0);
    let limits = Limits { left_crit: 50, ..Limits::default() };
    let look = Look { limits: &limits, ..look };
    assert_eq!(HealthReport::of(&look, run(&look, &[]), PLACE, true).exit_code, 2);
}
