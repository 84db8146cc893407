use std::sync::Mutex;

use super::*;
use crate::{PoolStats, Stats};

/// A pool that stands as it is told to.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Stats>>);

impl Told {
    fn stands(&self, stats: Stats) {
        *self.0.lock().unwrap() = stats;
    }
}

impl PoolStats for Told {
    fn name(&self) -> &str {
        "told"
    }
    fn stats(&self) -> Stats {
        *self.0.lock().unwrap()
    }
}

fn counted(size: u32, in_use: u32, total: u64) -> Stats {
    Stats {
        size,
        in_use,
        idle: size - in_use,
        max: 20,
        acquired_total: Some(total * 10),
        waited_total: Some(total),
        wait_total: Some(Duration::from_secs(total)),
        opened_total: Some(total * 2),
        ..Stats::default()
    }
}

/// A monitor that asks no server here, its pool, and what its callback was told.
fn watched() -> (Monitor, Told, Arc<Mutex<Vec<ScopeReport>>>) {
    let (pool, told) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    let sink = Arc::clone(&told);
    let monitor = Monitor::builder()
        .dsn("host=/nowhere user=nobody")
        .pool(pool.clone())
        .on_scope(move |report| sink.lock().unwrap().push(report.clone()))
        .build()
        .unwrap();
    (monitor, pool, told)
}

#[test]
fn a_scope_tells_what_the_pool_counted_meanwhile() {
    let (monitor, pool, _) = watched();
    pool.stands(counted(4, 1, 7));
    let scope = monitor.scope("bulk");
    pool.stands(counted(9, 3, 9));
    let report = scope.finish();
    assert_eq!(report.scope, "bulk");
    let change = &report.pools[0];
    assert_eq!((change.acquired, change.waited, change.wait_s), (Some(20), Some(2), Some(2.0)));
    assert_eq!((change.opened, change.timeouts), (Some(4), None));
    assert_eq!((change.left_open, change.left_in_use, change.utilization_percent), (5, 2, 15.0));
    assert!(!report.has_grown && !report.took_long, "5 more are no more than 5");
    assert_eq!(report.server_before, None);
}

#[test]
fn growth_and_length_are_judged_by_what_was_asked_for() {
    let (monitor, pool, _) = watched();
    pool.stands(counted(1, 0, 0));
    let scope = monitor.scope("leaky").warn_growth(1).warn_after(Duration::ZERO);
    pool.stands(counted(3, 2, 0));
    let report = scope.finish();
    assert!(report.has_grown && report.took_long);
    let scope = monitor.scope("shrinking").warn_growth(0);
    pool.stands(counted(1, 0, 0));
    let report = scope.finish();
    assert!(!report.has_grown && report.pools[0].left_open == -2);
}

#[test]
fn a_scope_ends_once_whether_it_is_finished_or_dropped() {
    let (monitor, _, told) = watched();
    drop(monitor.scope("dropped"));
    monitor.scope("finished").finish();
    let ended: Vec<String> = told.lock().unwrap().iter().map(|report| report.scope.to_string()).collect();
    assert_eq!(ended, ["dropped", "finished"]);
}

#[test]
fn a_panic_ends_the_scope_and_one_in_the_callback_is_caught() {
    let (monitor, _, told) = watched();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _scope = monitor.scope("unwound");
        panic!("the work failed");
    }));
    assert!(unwound.is_err());
    assert_eq!(told.lock().unwrap().len(), 1);
    let bad = Monitor::builder().dsn("host=/nowhere").on_scope(|_| panic!("sink")).build().unwrap();
    assert_eq!(bad.scope("survives").finish().scope, "survives");
}

#[test]
fn the_report_has_durations_in_seconds() {
    let (monitor, _, _) = watched();
    let mut report = monitor.scope("bulk").finish();
    report.duration = Duration::from_millis(1500);
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!((&document["scope"], &document["duration_s"]), (&"bulk".into(), &1.5.into()));
}
