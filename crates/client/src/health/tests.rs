use inspect::catalog::{Client, Facts, Sample, Session};
use inspect::checks::{self, Limits, Look};
use serde_json::{Value, json};

use super::*;
use crate::Stats;

fn session(application: &str, state: State) -> Session {
    Session {
        pid: 1,
        started: None,
        changed: None,
        database: Some("shop".into()),
        user: Some("app".into()),
        is_superuser: false,
        is_replication: false,
        application: application.into(),
        client: Client::Local,
        is_walsender: false,
        state,
        wait: None,
        age_s: None,
        state_age_s: Some(400.0),
        xact_age_s: None,
        query_age_s: None,
        holds_snapshot: false,
        query: Some("select secret from vault".into()),
    }
}

fn report(sessions: Vec<Session>) -> HealthReport {
    let facts = Facts {
        max_connections: 40,
        superuser_reserved: 3,
        sees_all: true,
        version_num: 150_000,
        ..Facts::default()
    };
    let sample = Sample { facts, sessions, ..Sample::default() };
    let limits = Limits::default();
    let look = Look { now: &sample, before: None, history: &[], blocking: None, plan: None, limits: &limits };
    HealthReport::of(&look, checks::run(&look, &[]), "db:5432", false)
}

fn pool(in_use: u32, waiting: Option<u32>) -> PoolReport {
    let stats = Stats { size: in_use, in_use, max: 4, waiting, ..Stats::default() };
    PoolReport { name: "primary".into(), stats, utilization_percent: 0.0, exhausted: stats.is_exhausted() }
}

#[test]
fn the_document_has_the_fields_that_dashboards_read() {
    let sessions = vec![
        session("api", State::Active),
        session("api", State::Idle),
        session("worker", State::IdleInTransactionAborted),
    ];
    let health = Health::of(&report(sessions), Vec::new(), 0.25);
    let document = serde_json::to_value(&health).unwrap();
    let info = &document["postgresql_info"];
    let mut expected = json!({
        "total_connections": 3, "active_connections": 1, "idle_connections": 1, "idle_in_transaction": 1,
        "max_connections": 40, "usable_connections": 37, "utilization_percent": 7.5,
        "connections_by_application": [
            {"application": "api", "total": 2, "active": 1, "idle": 1, "idle_in_transaction": 0},
            {"application": "worker", "total": 1, "active": 0, "idle": 0, "idle_in_transaction": 1},
        ],
    });
    expected["utilization_of_usable_percent"] = info["utilization_of_usable_percent"].clone();
    assert_eq!(*info, expected);
    assert_eq!(document["age_s"], 0.25);
    assert_eq!(document["error"], Value::Null);
    assert_eq!(document["status"], "critical", "idle in a transaction for 400 s");
    assert_eq!(document["healthy"], false);
}

#[test]
fn no_statement_of_anybody_is_in_it() {
    let sessions = (0..30).map(|_| session("api", State::Idle)).collect();
    let report = report(sessions);
    assert!(serde_json::to_string(&report).unwrap().contains("vault"), "the report has evidence");
    let health = Health::of(&report, Vec::new(), 0.0);
    assert_eq!(health.checks.len(), report.checks.len());
    assert!(!serde_json::to_string(&health).unwrap().contains("vault"));
}

#[test]
fn an_exhausted_pool_is_a_warning_where_nothing_worse_is_known() {
    let calm = report(vec![session("api", State::Active)]);
    assert_eq!(Health::of(&calm, vec![pool(4, Some(0))], 0.0).status, Status::Ok);
    let full = Health::of(&calm, vec![pool(4, Some(2))], 0.0);
    assert_eq!((full.status, full.healthy), (Status::Warning, true));
    assert_eq!(full.summary, "pool primary: 4 of 4 connections in use, 2 waiting");
    let failure = FailureReport::new(Failure::Network, "gone", None);
    let gone = Health::of(&HealthReport::failed(failure, 0), vec![pool(4, Some(2))], 0.0);
    assert_eq!((gone.status, gone.postgresql), (Status::Unknown, None));
}

#[test]
fn of_many_applications_the_smaller_ones_are_summed_up() {
    let sessions = (0..30).map(|number| session(&format!("app{number:02}"), State::Idle)).collect();
    let health = Health::of(&report(sessions), Vec::new(), 0.0);
    let applications = health.postgresql.unwrap().connections_by_application;
    assert_eq!(applications.len(), APPLICATIONS_MAX + 1);
    let others = applications.last().unwrap();
    assert_eq!((others.application.as_str(), others.total, others.idle), (OTHERS, 10, 10));
    assert_eq!(applications.iter().map(|one| one.total).sum::<u32>(), 30);
}
