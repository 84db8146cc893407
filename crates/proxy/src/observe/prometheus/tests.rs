use std::time::Duration;

use engine::orders::{PoolKey, Replication};
use engine::remark::ServerOut;
use engine::snapshot::SliceRow;
use engine::steward::{Books, DatabaseRow, PoolRow, RetiredRow, ServerDoorRow, Stage};
use engine::tally::{Closings, SliceTally, WorkerTally};
use model::config::checked::{Config, PoolMode};
use model::id::{SliceId, WorkerId};

use super::*;

fn key(user: &str) -> PoolKey {
    PoolKey { database: "shop".into(), user: user.into(), replication: Replication::No }
}

fn slice(user: &str) -> SliceAt {
    let mut closings = Closings::default();
    closings.count(ServerOut::Lifetime);
    let row = SliceRow {
        slice: SliceId(0),
        key: key(user),
        mode: PoolMode::Transaction,
        clients_active: 1,
        clients_idle: 2,
        clients_waiting: 3,
        cancels: 0,
        servers_being_canceled: 0,
        servers_active: 1,
        servers_idle: 0,
        servers_used: 0,
        servers_tested: 0,
        servers_login: 0,
        servers_closing: 0,
        credits: 1,
        oldest_us: 1_500_000,
        paused: false,
        closings,
        taints: [1; 9],
        tally: SliceTally { queries: 7, wait_us: 2_000_001, ..SliceTally::default() },
    };
    SliceAt { worker: WorkerId(0), row }
}

fn frame() -> Frame {
    let books = Books {
        stage: Stage::Running,
        ready: true,
        paused: false,
        clients: 6,
        admitted: 6,
        refused: vec![("max_client_conn", 2)],
        databases: vec![DatabaseRow { name: "shop".into(), clients: 6, ..DatabaseRow::default() }],
        users: Vec::new(),
        pools: vec![PoolRow {
            key: key("app"),
            slice: SliceId(0),
            home: WorkerId(0),
            clients: 6,
            granted: 1,
            revoking: 0,
            dialling: 0,
            wanted: 3,
            size: (20, 25),
            oldest_us: 0,
        }],
        servers: vec![ServerDoorRow {
            name: "main".into(),
            connections: 1,
            learned: Some(9),
            dialling: 0,
            failures: 0,
        }],
        ceilings: vec![engine::steward::CeilingRow {
            limit: CeilingOf::Server("main".into()),
            configured: None,
            learned: Some(9),
            used: 1,
        }],
        retired: vec![RetiredRow {
            database: "shop".into(),
            user: "app".into(),
            tally: SliceTally { queries: 100, ..SliceTally::default() },
        }],
    };
    Frame {
        books,
        slices: vec![slice("app"), slice("a\"b\\c\nd")],
        workers: vec![WorkerTally { out_of_step: 0, accepted: 4, ..WorkerTally::default() }; 2],
        config: Config::for_tests().into(),
        age: Duration::from_secs(61),
        guests: 1,
    }
}

#[test]
fn every_metric_of_the_table_has_a_value_and_every_value_a_metric() {
    let samples = samples(&frame());
    for metric in PROXY {
        let labels = samples.0.get(metric.name).and_then(|samples| samples.keys().next());
        let labels = labels.unwrap_or_else(|| panic!("{} has a value", metric.name));
        assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
    }
    for name in samples.0.keys() {
        assert!(PROXY.iter().any(|metric| metric.name == *name), "{name} is in the table");
    }
}

#[test]
fn counts_of_workers_and_of_pools_that_are_gone_are_added_up() {
    let text = exposition(&frame());
    let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    has("connwarden_out_of_step_total 0");
    has("connwarden_accepted_total 8");
    has("connwarden_pool_queries_total{database=\"shop\",user=\"app\"} 107");
    has("connwarden_pool_wait_seconds_total{database=\"shop\",user=\"app\"} 2.000001");
    has("connwarden_pool_clients{database=\"shop\",user=\"app\",state=\"waiting\"} 3");
    has("connwarden_clients_refused_total{reason=\"max_client_conn\"} 2");
    has("connwarden_server_closings_total{database=\"shop\",user=\"app\",reason=\"server lifetime over\"} 1");
    has("# TYPE connwarden_pool_queries_total counter");
}

#[test]
fn names_of_databases_and_users_can_break_no_line() {
    let text = exposition(&frame());
    assert!(text.contains("user=\"a\\\"b\\\\c\\nd\""));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').expect("a sample has a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
