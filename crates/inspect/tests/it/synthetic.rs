//! Servers that are made up.

use inspect::catalog::{
    Blocking, Client, Contender, Counters, Facts, Limit, LimitKind, Sample, Session, State,
};
use inspect::checks::{Check, Id, Limits, Look, Point, run};

/// The moment of every sample: 2026-11-23T14:02:11Z.
pub(crate) const NOW_US: i64 = 1_795_442_531_000_000;

/// A server of this major version: 100 slots, 3 of them kept back, so 97 usable. Nobody is connected, and we see all.
pub(crate) fn server(major: u32) -> Sample {
    let facts = Facts {
        version_num: major * 10_000 + 4,
        version: format!("{major}.4 (Debian)"),
        now_us: NOW_US,
        max_connections: 100,
        superuser_reserved: 3,
        max_wal_senders: 10,
        uptime_s: 1_048_000.0,
        pid: 1,
        user: "postgres".into(),
        dbname: "wall".into(),
        is_superuser: true,
        sees_all: true,
        can_signal: true,
        ..Facts::default()
    };
    Sample { facts, ..Sample::default() }
}

/// A session of the ordinary role `wall`, from 10.0.0.7, two minutes old and as long in its state.
pub(crate) fn session(pid: i32, application: &str, state: State) -> Session {
    Session {
        pid,
        started: Some(format!("2026-11-23 14:00:11.{pid:06}+00")),
        changed: Some("2026-11-23 14:00:12+00".into()),
        database: Some("wall".into()),
        user: Some("wall".into()),
        is_superuser: false,
        is_replication: false,
        application: application.into(),
        client: Client::Address([10, 0, 0, 7].into(), 40_000),
        is_walsender: false,
        state,
        wait: None,
        age_s: Some(120.0),
        state_age_s: Some(20.0),
        xact_age_s: None,
        query_age_s: Some(20.0),
        holds_snapshot: false,
        query: Some(format!("select {pid} from t{pid}")),
    }
}

/// This many sessions more.
pub(crate) fn add(sample: &mut Sample, number: u32, application: &str, state: State) {
    let first = 1_000 + sample.sessions.len() as i32;
    sample.sessions.extend((first..first + number as i32).map(|pid| session(pid, application, state)));
}

/// A server of version 15 with so many sessions that work.
pub(crate) fn busy(sessions: u32) -> Sample {
    let mut sample = server(15);
    add(&mut sample, sessions, "api", State::Active);
    sample
}

pub(crate) fn limit(kind: LimitKind, name: &str, used: u32, limit: u32) -> Limit {
    Limit { kind, name: name.into(), limit, exempt: false, used }
}

pub(crate) fn counters(sessions: i64, transactions: i64) -> Option<Counters> {
    Some(Counters { sessions, transactions, ..Counters::default() })
}

/// The same server, a second before.
pub(crate) fn a_second_before(sample: &Sample) -> Sample {
    let mut before = sample.clone();
    before.facts.now_us -= 1_000_000;
    before
}

/// `pid` holds up `waiters`, who have waited so long.
pub(crate) fn held_up(pid: i32, waiters: &[i32], waited_s: f64) -> Blocking {
    let one = |pid: i32, waits_for: Vec<i32>| Contender {
        pid,
        waited_s: (!waits_for.is_empty()).then_some(waited_s),
        wait: (!waits_for.is_empty()).then(|| "transactionid".into()),
        waits_for,
        database: Some("wall".into()),
        user: Some("wall".into()),
        application: if pid < 100 { "job".into() } else { "api".into() },
        kind: Some("client backend".into()),
        state: Some(if pid < 100 { State::IdleInTransaction } else { State::Active }),
        state_age_s: Some(192.0),
        xact_age_s: Some(200.0),
        query_age_s: Some(waited_s),
        query: Some("update t set n = n + 1 where id = 7".into()),
    };
    let mut all = vec![one(pid, Vec::new())];
    all.extend(waiters.iter().map(|waiter| one(*waiter, vec![pid])));
    all.into()
}

/// What a check says, with nothing known but the sample.
pub(crate) fn judged(sample: &Sample, id: Id) -> Check {
    judge(sample, None, &[], Some(&Blocking::default()), id)
}

/// What a check says.
pub(crate) fn judge(
    now: &Sample,
    before: Option<&Sample>,
    history: &[Point],
    blocking: Option<&Blocking>,
    id: Id,
) -> Check {
    let limits = Limits::default();
    let look = Look { now, before, history, blocking, plan: None, limits: &limits };
    run(&look, &[id]).into_iter().next().unwrap()
}
