//! Plans made of made-up samples: each rule alone, and what they do together.

use super::*;
use crate::catalog::{Client, Facts};
use crate::closing::Mistake;
use crate::filter::tests::someone;
use crate::filter::{Filter, Glob, Span};

fn facts() -> Facts {
    Facts {
        pid: 1,
        user: "app".to_owned(),
        max_connections: 103,
        superuser_reserved: 3,
        sees_all: true,
        ..Facts::default()
    }
}

fn sample(sessions: Vec<Session>) -> Sample {
    Sample { facts: facts(), sessions, ..Sample::default() }
}

/// Idle for so many seconds.
fn idle(pid: i32, seconds: f64) -> Session {
    Session { state_age_s: Some(seconds), ..someone(pid) }
}

fn plan(sessions: Vec<Session>, rules: &Rules) -> Plan {
    Plan::of(&sample(sessions), &Evidence::default(), rules)
}

fn pids(plan: &Plan) -> Vec<i32> {
    plan.victims.iter().map(|session| session.pid).collect()
}

/// The reason of a lone session under the rules of each action, by default lenient.
fn reason(session: &Session, action: Action) -> Option<Reason> {
    let rules = Rules { min_age: Span::of_seconds(10), ..Rules::new(action) };
    let plan = plan(vec![session.clone()], &rules);
    assert_eq!(plan.victims.len() + plan.spared.len(), 1);
    plan.spared.keys().next().copied()
}

#[test]
fn nobody_who_keeps_the_server_going_is_touched_by_any_action() {
    let base = idle(7, 600.0);
    let with_user = |user: &str| Session { user: Some(user.to_owned()), ..base.clone() };
    let with_name = |name: &str| Session { application: name.to_owned(), ..base.clone() };
    let cases = [
        (idle(1, 600.0), Reason::Ours),
        (Session { is_walsender: true, ..base.clone() }, Reason::Walsender),
        (with_user("rdsadmin"), Reason::SystemRole),
        (Session { is_superuser: true, ..with_user("rdsadmin") }, Reason::SystemRole),
        (Session { is_superuser: true, is_replication: true, ..with_user("postgres") }, Reason::Superuser),
        (Session { is_replication: true, ..base.clone() }, Reason::Replication),
        (with_name("PgBouncer"), Reason::Pooler),
        (with_name("pg_dump"), Reason::Protected),
        (with_name("connwarden monitor"), Reason::Protected),
        (with_name("django-migrations"), Reason::Protected),
        (Session { user: None, database: None, state: State::Starting, ..base.clone() }, Reason::LoggingIn),
        (
            Session { state: State::Hidden, client: Client::Hidden, started: None, ..base.clone() },
            Reason::Hidden,
        ),
        (Session { started: None, ..base.clone() }, Reason::Hidden),
    ];
    for (session, expected) in cases {
        for action in [Action::CloseIdle, Action::ForceClose, Action::Cancel] {
            assert_eq!(reason(&session, action), Some(expected), "{action:?} {session:?}");
        }
    }
}

#[test]
fn a_superuser_that_we_are_logged_in_as_is_an_application_like_others() {
    let ours = Session { is_superuser: true, is_replication: true, ..idle(7, 600.0) };
    assert_eq!(reason(&ours, Action::CloseIdle), None);
    let other = Session { user: Some("root".to_owned()), ..ours };
    assert_eq!(reason(&other, Action::CloseIdle), Some(Reason::Superuser));
    let rules = Rules { include_superusers: true, ..Rules::new(Action::CloseIdle) };
    assert_eq!(pids(&plan(vec![other.clone()], &rules)), [7]);
    let rules = Rules { include_superusers: true, ..Rules::new(Action::CloseIdle) };
    let provider = Session { user: Some("rdsadmin".to_owned()), ..other };
    assert!(pids(&plan(vec![provider], &rules)).is_empty(), "no switch releases the provider's roles");
}

#[test]
fn close_idle_takes_only_who_would_lose_nothing() {
    let in_state = |state| Session { state, ..idle(7, 600.0) };
    let asked = |query: &str| Session { query: Some(query.to_owned()), ..idle(7, 600.0) };
    for (session, expected) in [
        (idle(7, 600.0), None),
        (idle(7, 10.0), None),
        (idle(7, 9.9), Some(Reason::TooYoung)),
        (in_state(State::Active), Some(Reason::Working)),
        (in_state(State::Fastpath), Some(Reason::Working)),
        (in_state(State::IdleInTransaction), Some(Reason::InTransaction)),
        (in_state(State::IdleInTransactionAborted), Some(Reason::InTransaction)),
        (in_state(State::Disabled), Some(Reason::Untracked)),
        (asked("LISTEN jobs"), Some(Reason::Listens)),
        (asked("create temp table t ()"), Some(Reason::Temporary)),
        (Session { changed: None, ..idle(7, 600.0) }, Some(Reason::Hidden)),
        (Session { state_age_s: None, ..idle(7, 600.0) }, Some(Reason::Hidden)),
    ] {
        assert_eq!(reason(&session, Action::CloseIdle), expected, "{session:?}");
    }
    let evidence = Evidence { advisory: [7].into(), temporary: [8].into() };
    let rules = Rules::new(Action::CloseIdle);
    let plan = Plan::of(&sample(vec![idle(7, 600.0), idle(8, 600.0), idle(9, 600.0)]), &evidence, &rules);
    assert_eq!(pids(&plan), [9]);
    assert_eq!(plan.spared.keys().copied().collect::<Vec<_>>(), [Reason::AdvisoryLock, Reason::Temporary]);
}

#[test]
fn switches_release_only_what_they_name() {
    let sessions = || {
        vec![
            Session { application: "pgbouncer".to_owned(), ..idle(7, 600.0) },
            Session { state: State::IdleInTransaction, ..idle(8, 600.0) },
            Session { state: State::IdleInTransactionAborted, ..idle(9, 100.0) },
            Session { application: "pg_dump".to_owned(), ..idle(10, 600.0) },
        ]
    };
    let rules = Rules { include_poolers: true, ..Rules::new(Action::CloseIdle) };
    assert_eq!(pids(&plan(sessions(), &rules)), [7]);
    let rules = Rules { include_idle_in_transaction: true, ..Rules::new(Action::CloseIdle) };
    assert_eq!(pids(&plan(sessions(), &rules)), [8], "the other one is too young");
    let rules = Rules { protect: vec![Glob::new("API*")], ..Rules::new(Action::ForceClose) };
    let made = plan(sessions(), &rules);
    assert!(pids(&made).is_empty());
    assert_eq!(made.spared[&Reason::Protected].len(), 3);
}

#[test]
fn force_close_takes_any_state_and_cancel_only_what_runs() {
    let states = [State::Active, State::Fastpath, State::Idle, State::IdleInTransaction, State::Disabled];
    for (state, running) in states.into_iter().zip([true, true, false, false, false]) {
        let session = Session { state, ..idle(7, 1.0) };
        assert_eq!(reason(&session, Action::ForceClose), None, "{state:?}");
        assert_eq!(reason(&session, Action::Cancel).is_none(), running, "{state:?}");
    }
    let rules = Rules { filter: Filter::parse("app=web").unwrap(), ..Rules::new(Action::ForceClose) };
    let made = plan(
        vec![idle(7, 1.0), Session { application: "web".into(), state: State::Active, ..idle(8, 1.0) }],
        &rules,
    );
    assert_eq!((pids(&made), made.running(), made.in_transaction()), (vec![8], 1, 0));
    assert_eq!(made.considered(), 1, "who was not asked for is beside the point");
}

#[test]
fn the_oldest_go_first_and_applications_take_turns() {
    let of = |pid, name: &str, seconds| Session { application: name.to_owned(), ..idle(pid, seconds) };
    let sessions = || {
        vec![
            of(11, "a", 400.0),
            of(12, "a", 900.0),
            of(13, "a", 500.0),
            of(21, "b", 301.0),
            of(22, "b", 9_000.0),
            of(31, "c", 350.0),
        ]
    };
    let rules = Rules::new(Action::CloseIdle);
    assert_eq!(pids(&plan(sessions(), &rules)), [12, 22, 31, 13, 21, 11]);
    let rules = Rules { max: 4, ..rules };
    let made = plan(sessions(), &rules);
    assert_eq!(pids(&made), [12, 22, 31, 13]);
    assert_eq!(made.spared[&Reason::OverMax].len(), 2);
    let applications = made.applications();
    let said: Vec<(&str, u32, u32)> =
        applications.iter().map(|found| (found.name.as_str(), found.victims, found.after)).collect();
    assert_eq!(said, [("a", 2, 1), ("b", 1, 1), ("c", 1, 0)]);
    assert_eq!(applications[0].oldest_s, Some(900.0));
    assert_eq!(made.considered(), 6);
}

#[test]
fn the_youngest_of_each_application_are_kept_on_request() {
    let sessions = || {
        vec![
            idle(1_1, 400.0),
            idle(12, 900.0),
            idle(13, 5.0),
            Session { application: "b".into(), ..idle(21, 999.0) },
        ]
    };
    let rules = Rules { keep: 1, ..Rules::new(Action::CloseIdle) };
    let made = plan(sessions(), &rules);
    assert_eq!(pids(&made), [12, 11], "one that is too young is the one that stays");
    assert_eq!(made.spared[&Reason::Kept].iter().map(|session| session.pid).collect::<Vec<_>>(), [21]);
    let rules = Rules { keep: 2, ..rules };
    assert_eq!(pids(&plan(sessions(), &rules)), [12]);
}

#[test]
fn a_server_that_is_empty_enough_is_left_as_it_is() {
    let sessions: Vec<Session> = (100..150).map(|pid| idle(pid, 600.0)).collect();
    let rules = Rules { until: Some(50.0), ..Rules::new(Action::CloseIdle) };
    let made = plan(sessions.clone(), &rules);
    assert!(pids(&made).is_empty());
    assert_eq!(made.spared[&Reason::Enough].len(), 50);
    let rules = Rules { until: Some(49.0), ..rules };
    assert_eq!(plan(sessions, &rules).victims.len(), 50, "it stops on its way");
}

#[test]
fn slips_are_refused_with_the_way_around_them() {
    let idle = Rules::new(Action::CloseIdle);
    assert_eq!(idle.check(false, false), Ok(()));
    let young = Rules { min_age: Span::of_seconds(9), ..idle.clone() };
    assert_eq!(young.check(false, false), Err(Mistake::TooYoung(Span::of_seconds(9))));
    assert_eq!(young.check(true, false), Ok(()));
    for max in [0, 101] {
        assert_eq!(Rules { max, ..idle.clone() }.check(true, true), Err(Mistake::Max(max)));
    }
    for action in [Action::ForceClose, Action::Cancel] {
        let rules = Rules::new(action);
        assert_eq!(rules.check(true, false), Err(Mistake::NoFilter(action)));
        assert_eq!(rules.check(false, true), Ok(()));
        let named = Rules { filter: Filter::parse("pid=7").unwrap(), ..rules };
        assert_eq!(named.check(false, false), Ok(()));
    }
    assert_eq!(Rules { until: Some(f64::NAN), ..idle }.check(true, true), Err(Mistake::Until));
}
