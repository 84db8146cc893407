//! For each check a server that fires it, and a near miss that does not.

use inspect::catalog::{Blocking, LimitKind, Sample, State};
use inspect::census::{Allowance, Plan};
use inspect::checks::{Check, CheckLevel, Id, Limits, Look, Point, leading, refused, run, worst};

use crate::synthetic::{
    NOW_US, a_second_before, add, busy, counters, held_up, judge, judged, limit, server, session,
};

use CheckLevel::{Critical, Ok, Skip, Warning};

fn level(sample: &Sample, id: Id) -> CheckLevel {
    judged(sample, id).level
}

#[test]
fn utilization_is_of_the_usable_slots_and_a_value_above_its_threshold_is_bad() {
    let levels = [67, 68, 82, 83].map(|sessions| level(&busy(sessions), Id::Utilization));
    assert_eq!(levels, [Ok, Warning, Warning, Critical]);
    assert_eq!(judged(&busy(68), Id::Utilization).message, "70.1% of 97 usable slots taken");
}

#[test]
fn walsenders_take_no_slot() {
    let mut sample = busy(67);
    add(&mut sample, 20, "standby", State::Active);
    sample.sessions[67..].iter_mut().for_each(|session| session.is_walsender = true);
    assert_eq!(level(&sample, Id::Utilization), Ok);
}

#[test]
fn fewer_than_five_slots_left_is_critical() {
    assert_eq!([92, 93].map(|sessions| level(&busy(sessions), Id::Reserve)), [Ok, Critical]);
    assert_eq!(judged(&busy(93), Id::Reserve).message, "only 4 slots left for applications");
    assert_eq!(
        judged(&busy(98), Id::Reserve).message,
        "no slot left for applications; 2 of 3 kept back are free"
    );
    assert_eq!(
        judged(&busy(100), Id::Reserve).message,
        "every slot is taken, those kept back for administrators too"
    );
}

#[test]
fn on_a_small_server_less_than_a_quarter_left_is_critical() {
    let small = |sessions| {
        let mut sample = busy(sessions);
        sample.facts.max_connections = 15;
        level(&sample, Id::Reserve)
    };
    assert_eq!([9, 10].map(small), [Ok, Critical]);
}

#[test]
fn no_reserve_is_a_warning_where_slots_are_scarce() {
    let without = |sessions| {
        let mut sample = busy(sessions);
        sample.facts.superuser_reserved = 0;
        level(&sample, Id::Reserve)
    };
    assert_eq!([70, 71].map(without), [Ok, Warning]);
}

fn idle_in_transaction(age_s: f64) -> Sample {
    let mut sample = server(15);
    let mut one = session(77, "job", State::IdleInTransaction);
    one.state_age_s = Some(age_s);
    sample.sessions.push(one);
    sample
}

#[test]
fn idle_in_transaction_for_more_than_a_minute_is_bad() {
    let levels =
        [60.0, 61.0, 300.0, 301.0].map(|age| level(&idle_in_transaction(age), Id::IdleInTransaction));
    assert_eq!(levels, [Ok, Warning, Warning, Critical]);
    let mut idle = idle_in_transaction(301.0);
    idle.sessions[0].state = State::Idle;
    assert_eq!(level(&idle, Id::IdleInTransaction), Ok);
}

#[test]
fn who_is_idle_in_transaction_is_named_with_how_many_it_blocks() {
    let blocking = held_up(77, &[101, 102], 40.0);
    let check = judge(&idle_in_transaction(192.0), None, &[], Some(&blocking), Id::IdleInTransaction);
    assert_eq!(check.message, "job (pid 77) is idle in transaction for 3m 12s, and blocks 2 sessions");
    assert_eq!((check.evidence[0].pid, check.evidence[0].app.as_deref()), (Some(77), Some("job")));
}

#[test]
fn idle_sessions_matter_only_where_most_are_idle_and_slots_get_scarce() {
    let mixed = |idle, active| {
        let mut sample = busy(active);
        add(&mut sample, idle, "pool", State::Idle);
        level(&sample, Id::IdleHoarding)
    };
    assert_eq!(mixed(31, 29), Warning, "51.7% idle at 61.9%");
    assert_eq!(mixed(30, 30), Ok, "50% idle at 61.9%");
    assert_eq!(mixed(58, 0), Ok, "100% idle at 59.8%");
}

fn churned(sessions: i64, transactions: i64) -> Check {
    let mut now = busy(10);
    let mut before = a_second_before(&now);
    before.counters = counters(5_000, 90_000);
    now.counters = counters(5_000 + sessions, 90_000 + transactions);
    judge(&now, Some(&before), &[], None, Id::Churn)
}

#[test]
fn many_new_sessions_of_few_transactions_each_are_churn() {
    assert_eq!(churned(21, 42).level, Warning);
    assert_eq!(churned(20, 40).level, Ok, "not more than 20");
    assert_eq!(churned(21, 63).level, Ok, "three transactions each");
    assert_eq!(churned(21, 42).message, "21.0 new sessions a second, 2.0 transactions each");
}

#[test]
fn before_version_14_and_across_a_reset_only_those_that_are_seen_are_new() {
    let before = a_second_before(&server(13));
    let now = |new| {
        let mut now = server(13);
        add(&mut now, new, "api", State::Active);
        judge(&now, Some(&before), &[], None, Id::Churn)
    };
    assert_eq!((now(20).level, now(21).level), (Ok, Warning));
    assert!(now(21).message.starts_with("at least 21.0 new sessions"), "{}", now(21).message);
    let reset = churned(-4_990, -89_000);
    assert_eq!((reset.level, reset.value), (Ok, Some(0.0)));
}

#[test]
fn a_pid_that_was_given_again_is_a_new_session() {
    let now = busy(1);
    let mut before = a_second_before(&now);
    before.sessions[0].started = Some("2026-11-23 13:00:00+00".into());
    assert_eq!(judge(&now, Some(&before), &[], None, Id::Churn).value, Some(1.0));
}

#[test]
fn one_sample_shows_no_churn_nor_do_two_with_a_restart_between() {
    assert_eq!(judged(&busy(1), Id::Churn).level, Skip);
    let mut now = busy(1);
    now.facts.uptime_s = 0.5;
    assert_eq!(judge(&now, Some(&a_second_before(&now)), &[], None, Id::Churn).level, Skip);
}

#[test]
fn unfinished_logins_are_seen_from_version_18_on() {
    let starting = |major, number| {
        let mut sample = server(major);
        add(&mut sample, number, "", State::Starting);
        level(&sample, Id::HalfOpenLogins)
    };
    assert_eq!([starting(18, 5), starting(18, 6), starting(17, 6)], [Ok, Warning, Skip]);
}

#[test]
fn roles_and_databases_near_their_limits_are_named() {
    let kinds = [(LimitKind::Role, Id::RoleLimits), (LimitKind::Database, Id::DatabaseLimits)];
    for (kind, id) in kinds {
        let near = |used| {
            let mut sample = busy(1);
            sample.limits = vec![limit(kind, "wall", used, 100), limit(kind, "other", 1, 100)];
            judged(&sample, id)
        };
        let levels = [80, 81, 95, 96].map(|used| near(used).level);
        assert_eq!(levels, [Ok, Warning, Warning, Critical]);
        assert!(near(81).message.ends_with(" wall has 81 of 100 connections"), "{}", near(81).message);
    }
}

#[test]
fn superusers_and_closed_doors_have_no_limit_to_reach() {
    let mut sample = busy(1);
    sample.limits = vec![limit(LimitKind::Role, "boss", 9, 9), limit(LimitKind::Role, "closed", 0, 0)];
    sample.limits[0].exempt = true;
    assert_eq!(judged(&sample, Id::RoleLimits).message, "no role has a limit");
    sample.limits = vec![limit(LimitKind::Database, "wall", 9, 9)];
    assert_eq!(level(&sample, Id::RoleLimits), Ok, "a database's limit is not a role's");
}

#[test]
fn a_statement_that_runs_for_more_than_five_minutes_is_long() {
    let runs = |state, age| {
        let mut sample = server(15);
        let mut one = session(9, "report", state);
        one.query_age_s = Some(age);
        sample.sessions.push(one);
        level(&sample, Id::LongQueries)
    };
    assert_eq!([runs(State::Active, 300.0), runs(State::Active, 301.0)], [Ok, Warning]);
    assert_eq!(runs(State::Idle, 900.0), Ok, "it ended; its session is idle");
}

#[test]
fn sessions_that_wait_for_a_lock_for_more_than_half_a_minute_are_bad() {
    let waits = |age| {
        let blocking = held_up(7, &[101, 102], age);
        judge(&busy(2), None, &[], Some(&blocking), Id::BlockedSessions)
    };
    let levels = [30.0, 31.0, 300.0, 301.0].map(|age| waits(age).level);
    assert_eq!(levels, [Ok, Warning, Warning, Critical]);
    assert_eq!(waits(31.0).message, "job (pid 7) blocks 2 sessions, longest wait 31s");
    assert_eq!(judge(&busy(2), None, &[], None, Id::BlockedSessions).level, Skip);
}

#[test]
fn a_limit_that_waits_for_a_restart_is_a_warning_and_another_setting_is_not() {
    let pending = |name: &str| {
        let mut sample = busy(1);
        sample.facts.pending_restart = vec![name.into()];
        judged(&sample, Id::PendingRestart)
    };
    assert_eq!(pending("max_connections").level, Warning);
    assert_eq!(pending("max_connections").message, "a new value of max_connections waits for a restart");
    assert_eq!(pending("shared_buffers").level, Ok);
}

fn growing(per_minute: u32) -> Vec<Point> {
    let point = |minute: u32| Point {
        ts_us: NOW_US - 60_000_000 * i64::from(10 - minute),
        total: 20 + minute * per_minute,
        usable: 97,
        ..Point::default()
    };
    (0..10).map(point).collect()
}

#[test]
fn full_within_half_an_hour_is_a_warning() {
    let forecast = |per_minute| {
        let sample = busy(20 + 10 * per_minute);
        judge(&sample, None, &growing(per_minute), None, Id::Forecast)
    };
    // 40 of 97 and two a minute: 28 and a half; 30 of 97 and one a minute: more than an hour.
    assert_eq!((forecast(2).level, forecast(1).level, forecast(0).level), (Warning, Ok, Ok));
    assert_eq!(forecast(2).message, "full in 28m 30s at the present slope");
    assert_eq!(judged(&busy(40), Id::Forecast).level, Skip, "without history");
}

fn frozen(number: u32, query: &str, others: u32) -> Sample {
    let mut sample = server(15);
    add(&mut sample, number, "api", State::Idle);
    for (at, session) in sample.sessions.iter_mut().enumerate() {
        session.query = Some(format!("{query} {at}"));
    }
    add(&mut sample, others, "other", State::Active);
    sample
}

#[test]
fn sessions_frozen_on_one_statement_look_like_a_leak_where_slots_are_scarce() {
    let query = "select * from django_session where id =";
    assert_eq!(level(&frozen(5, query, 65), Id::LeakLike), Warning);
    assert_eq!(level(&frozen(4, query, 66), Id::LeakLike), Ok, "four are few");
    assert_eq!(level(&frozen(60, query, 0), Id::LeakLike), Ok, "slots are plenty");
    assert_eq!(level(&frozen(60, "COMMIT --", 10), Id::LeakLike), Ok, "every pool ends so");
    let check = judged(&frozen(60, query, 10), Id::LeakLike);
    assert_eq!(check.message, "60 sessions of api are idle on the same statement, as leaked ones are");
    assert!(check.evidence[0].text.ends_with("select * from django_session where id = ?"));
}

fn planned(held: u32, others: u32, id: Id) -> Check {
    let mut sample = server(15);
    add(&mut sample, held, "wall-api-7", State::Idle);
    add(&mut sample, others, "psql", State::Idle);
    let allowance = Allowance {
        service: "api".into(),
        applications: vec!["wall-api*".into(), "Wall".into()],
        peak: 10,
        rollout: 20,
    };
    let plan = Plan { allowances: vec![allowance], ..Plan::default() };
    let (limits, blocking) = (Limits::default(), Blocking::default());
    let look = Look {
        now: &sample,
        before: None,
        history: &[],
        blocking: Some(&blocking),
        plan: Some(&plan),
        limits: &limits,
    };
    run(&look, &[id]).remove(0)
}

#[test]
fn a_service_above_what_its_rollout_may_open_has_left_the_plan() {
    let over = planned(21, 2, Id::PlanExceeded);
    assert_eq!((over.level, over.value), (Warning, Some(1.0)));
    assert_eq!(over.message, "more than planned: api 21 of 20; 2 sessions of nobody's plan");
    let rolling = planned(20, 0, Id::PlanExceeded);
    assert_eq!(rolling.level, Ok);
    assert_eq!(rolling.message, "api holds 20: more than its peak of 10, as a rollout does");
    assert_eq!(planned(10, 0, Id::PlanExceeded).message, "1 service within the plan");
}

#[test]
fn without_a_plan_nobody_asks_for_it() {
    assert!(all(&busy(1), &Blocking::default()).iter().all(|check| check.id != Id::PlanExceeded));
    assert_eq!(judged(&busy(1), Id::PlanExceeded).level, Skip);
}

#[test]
fn an_application_that_is_superuser_is_a_warning_where_slots_are_scarce() {
    let boss = |application: &str, sessions| {
        let mut sample = busy(0);
        add(&mut sample, sessions, application, State::Active);
        sample.sessions.iter_mut().for_each(|session| session.is_superuser = true);
        level(&sample, Id::SuperuserApplication)
    };
    assert_eq!([boss("api", 68), boss("api", 67), boss("psql", 68)], [Warning, Ok, Ok]);
    assert_eq!(level(&busy(68), Id::SuperuserApplication), Ok);
}

#[test]
fn who_sees_only_a_part_skips_what_needs_states_unless_the_part_is_bad_already() {
    let mut sample = busy(10);
    sample.facts.sees_all = false;
    for id in [Id::IdleInTransaction, Id::IdleHoarding, Id::LongQueries, Id::BlockedSessions, Id::LeakLike] {
        assert_eq!(level(&sample, id), Skip, "{id}");
    }
    assert_eq!(level(&sample, Id::Utilization), Ok, "rows are there for everybody");
    let visibility = judged(&sample, Id::Visibility);
    assert_eq!(visibility.level, Skip);
    assert!(visibility.hint.unwrap().contains("GRANT pg_monitor TO \"postgres\";"));
    let mut own = idle_in_transaction(400.0);
    own.facts.sees_all = false;
    assert_eq!(level(&own, Id::IdleInTransaction), Critical);
}

fn all(sample: &Sample, blocking: &Blocking) -> Vec<Check> {
    let limits = Limits::default();
    run(
        &Look {
            now: sample,
            before: None,
            history: &[],
            blocking: Some(blocking),
            plan: None,
            limits: &limits,
        },
        &[],
    )
}

#[test]
fn the_verdict_is_the_worst_level_and_its_sentence_the_closest_to_the_cause() {
    let none = Blocking::default();
    let well = all(&busy(10), &none);
    assert!(well.iter().any(|check| check.level == Skip));
    assert_eq!(worst(&well), Ok);
    assert_eq!(leading(&well).unwrap().id, Id::Utilization);
    let mut bad = frozen(60, "select 1 from t where x =", 10);
    assert_eq!(leading(&all(&bad, &none)).unwrap().id, Id::LeakLike);
    bad.sessions.push(session(7, "job", State::IdleInTransaction));
    let blocked = all(&bad, &held_up(7, &[1_000, 1_001], 45.0));
    assert_eq!(leading(&blocked).unwrap().id, Id::BlockedSessions);
    // A warning that is closer to the cause does not speak for a critical one.
    let full = all(&frozen(90, "select 1 from t where x =", 0), &none);
    assert_eq!((worst(&full), leading(&full).unwrap().id), (Critical, Id::Utilization));
}

#[test]
fn a_refusal_of_a_full_server_is_critical_and_any_other_failure_says_nothing() {
    assert_eq!(refused(true, "FATAL: sorry, too many clients already", None).level, Critical);
    assert_eq!(refused(false, "connection refused", None).level, Skip);
}

#[test]
fn only_the_checks_that_are_wanted_run_and_all_come_in_their_order() {
    let sample = busy(1);
    let ids: Vec<Id> = all(&sample, &Blocking::default()).iter().map(|check| check.id).collect();
    let without_a_plan: Vec<Id> = Id::ALL.into_iter().filter(|id| *id != Id::PlanExceeded).collect();
    assert_eq!(ids, without_a_plan);
    let limits = Limits::default();
    let look = Look { now: &sample, before: None, history: &[], blocking: None, plan: None, limits: &limits };
    let two: Vec<Id> = run(&look, &[Id::Reserve, Id::Utilization]).iter().map(|check| check.id).collect();
    assert_eq!(two, [Id::Utilization, Id::Reserve]);
    for id in Id::ALL {
        assert_eq!(Id::from_name(id.name()), Some(id));
        assert_eq!(serde_json::to_value(id).unwrap(), id.name());
    }
}

#[test]
fn nothing_a_client_named_speaks_to_a_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\nx";
    let mut sample = frozen(60, "select '\u{1b}[2J' from t where x =", 0);
    sample.sessions.iter_mut().for_each(|session| {
        session.application = evil.into();
        session.is_superuser = true;
        session.user = Some(evil.into());
    });
    let mut idle = session(7, evil, State::IdleInTransaction);
    idle.state_age_s = Some(400.0);
    idle.query = Some(evil.into());
    sample.sessions.push(idle);
    add(&mut sample, 20, evil, State::Active);
    sample.sessions.iter_mut().for_each(|session| session.query_age_s = Some(400.0));
    sample.limits = vec![limit(LimitKind::Role, evil, 99, 100), limit(LimitKind::Database, evil, 99, 100)];
    sample.facts.pending_restart = vec![evil.into()];
    for check in all(&sample, &held_up(7, &[1_000], 400.0)) {
        for text in [Some(check.message), check.hint]
            .into_iter()
            .flatten()
            .chain(check.evidence.into_iter().map(|e| e.text))
        {
            assert!(!text.contains(char::is_control), "{}: {text:?}", check.id);
        }
    }
}
