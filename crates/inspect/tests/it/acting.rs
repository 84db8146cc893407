//! Plans carried out on a real server, one rule of conduct at a time.

use std::cell::Cell;

use connwarden_inspect::catalog::Session;
use connwarden_inspect::closing::{
    Act, Acted, Action, Ended, Evidence, Outcome, Pace, Plan, Rules, returned,
};
use connwarden_inspect::connect::Connection;
use connwarden_inspect::filter::{Filter, Span};
use testbed::Postgres;

use crate::crowd::{Guest, connect, look, server, until};

fn fast() -> Pace {
    Pace { per_second: 1_000.0, ..Pace::default() }
}

fn rules(action: Action, filter: &str) -> Rules {
    Rules { filter: Filter::parse(filter).unwrap(), min_age: Span::default(), ..Rules::new(action) }
}

async fn plan(connection: &mut Connection, rules: &Rules) -> (Plan, connwarden_inspect::catalog::Facts) {
    let sample = look(connection).await;
    let evidence = Evidence::take(connection).await.unwrap();
    (Plan::of(&sample, &evidence, rules), sample.facts)
}

async fn act(
    connection: &mut Connection,
    rules: &Rules,
    pace: &Pace,
    between: impl FnOnce(),
) -> (Plan, Acted) {
    let (plan, facts) = plan(connection, rules).await;
    between();
    let acted = Act::new(connection, rules, &facts, pace, &|| false).run(&plan, |_, _| {}).await;
    (plan, acted)
}

fn guests(postgres: &Postgres, user: &str, application: &str, number: usize) -> Vec<Guest> {
    (0..number).map(|_| Guest::enter(postgres, user, application, &[])).collect()
}

fn of(plan: &Plan, acted: &Acted, guest: &Guest) -> Outcome {
    let at = plan.victims.iter().position(|victim: &Session| victim.pid == guest.pid).expect("is a victim");
    acted.outcomes[at].clone()
}

#[tokio::test]
async fn a_session_that_ran_something_after_the_listing_survives() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    for action in [Action::CloseIdle, Action::ForceClose] {
        let (mut woken, mut still) =
            (Guest::enter(&postgres, "app", "a", &[]), Guest::enter(&postgres, "app", "a", &[]));
        let mut busy = Guest::enter(&postgres, "app", "a", &[]);
        let mut left = Some(Guest::enter(&postgres, "app", "a", &[]));
        let gone = left.as_ref().unwrap().pid;
        let (plan, acted) = act(&mut connection, &rules(action, "app=a"), &fast(), || {
            woken.client.query("select 1").unwrap();
            busy.begins("select pg_sleep(600)");
            drop(left.take());
            until(&postgres, "application_name = 'a' and state = 'active'", 1);
            until(&postgres, &format!("pid = {gone}"), 0);
        })
        .await;
        assert_eq!(plan.victims.len(), 4);
        assert_eq!(of(&plan, &acted, &woken), Outcome::BecameBusy);
        assert_eq!(of(&plan, &acted, &busy), Outcome::BecameBusy);
        assert_eq!(of(&plan, &acted, &still), Outcome::Closed);
        let at = plan.victims.iter().position(|victim| victim.pid == gone).unwrap();
        assert_eq!(acted.outcomes[at], Outcome::Gone);
        assert_eq!(acted.ended, Ended::Finished);
        assert!(woken.lives() && still.was_closed());
        busy.client.cancel().unwrap();
        assert!(busy.was_cancelled());
        drop((woken, still, busy));
        until(&postgres, "application_name = 'a'", 0);
    }
}

#[tokio::test]
async fn a_process_id_that_belongs_to_somebody_else_by_now_is_not_enough() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut stranger = Guest::enter(&postgres, "app", "a", &[]);
    for action in [Action::CloseIdle, Action::ForceClose, Action::Cancel] {
        let rules = rules(action, "app=a");
        let (mut plan, facts) =
            plan(&mut connection, &Rules { action: Action::CloseIdle, ..rules.clone() }).await;
        plan.victims[0].started = Some("2020-01-01 00:00:00.000001+00".to_owned());
        let acted = Act::new(&mut connection, &rules, &facts, &fast(), &|| false).run(&plan, |_, _| {}).await;
        assert_eq!(acted.outcomes, [Outcome::Gone], "{action:?}");
        assert!(stranger.lives());
    }
}

#[tokio::test]
async fn before_version_14_it_is_we_who_wait_until_a_session_is_gone() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut closed = guests(&postgres, "app", "a", 3);
    let mut busy = Guest::enter(&postgres, "app", "a", &[]);
    let pace = Pace { server_waits: Some(false), ..fast() };
    let rules = rules(Action::CloseIdle, "app=a");
    let (plan, acted) = act(&mut connection, &rules, &pace, || drop(busy.client.query("select 1"))).await;
    assert_eq!(of(&plan, &acted, &busy), Outcome::BecameBusy);
    assert_eq!(acted.outcomes.iter().filter(|outcome| **outcome == Outcome::Closed).count(), 3);
    let left =
        look(&mut connection).await.sessions.iter().filter(|session| session.application == "a").count();
    assert_eq!(left, 1, "closed means gone");
    assert!(busy.lives() && closed.iter_mut().all(Guest::was_closed));
}

#[tokio::test]
async fn what_the_server_denies_is_told_and_hurts_nobody_else() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "ops").await;
    let mut superusers = guests(&postgres, "boss", "a", 2);
    let mut others = guests(&postgres, "app", "b", 2);
    let rules = Rules { include_superusers: true, ..rules(Action::CloseIdle, "app in (a, b)") };
    let (plan, acted) = act(&mut connection, &rules, &fast(), || ()).await;
    assert_eq!(plan.victims.len(), 4);
    for guest in &superusers {
        let Outcome::Denied(why) = of(&plan, &acted, guest) else { panic!("{acted:?}") };
        assert!(why.contains("superuser"), "{why}");
    }
    assert!(superusers.iter_mut().all(Guest::lives) && others.iter_mut().all(Guest::was_closed));
}

#[tokio::test]
async fn three_refusals_one_after_another_are_enough() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "ops").await;
    let mut superusers = guests(&postgres, "boss", "a", 5);
    let rules = Rules { include_superusers: true, ..rules(Action::CloseIdle, "app=a") };
    let (_, acted) = act(&mut connection, &rules, &fast(), || ()).await;
    assert_eq!((acted.outcomes.len(), &acted.ended), (3, &Ended::Errors));
    assert!(superusers.iter_mut().all(Guest::lives));
}

#[tokio::test]
async fn it_stops_where_it_was_told_to_and_when() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut all = guests(&postgres, "app", "a", 12);
    let until = Rules { until: Some(50.0), ..rules(Action::CloseIdle, "app=a") };
    let (plan, acted) = act(&mut connection, &until, &fast(), || ()).await;
    assert_eq!((plan.victims.len(), acted.outcomes.len(), &acted.ended), (12, 2, &Ended::Enough));

    let rules = rules(Action::CloseIdle, "app=a");
    let (plan, facts) = self::plan(&mut connection, &rules).await;
    assert_eq!(plan.victims.len(), 10);
    let seen = Cell::new(0);
    let stop = || seen.get() == 3;
    let acted = Act::new(&mut connection, &rules, &facts, &fast(), &stop)
        .run(&plan, |_, _| seen.set(seen.get() + 1))
        .await;
    assert_eq!((acted.outcomes.len(), &acted.ended), (3, &Ended::Interrupted));
    assert_eq!(all.iter_mut().filter_map(|guest| guest.lives().then_some(())).count(), 7);
}

#[tokio::test]
async fn a_lost_connection_ends_it() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut all = guests(&postgres, "app", "a", 2);
    let rules = rules(Action::CloseIdle, "app=a");
    let (_, acted) = act(&mut connection, &rules, &fast(), || {
        let sql = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'connwarden test'";
        postgres.run("postgres", sql).unwrap();
    })
    .await;
    assert!(matches!(acted.ended, Ended::Lost(_)) && acted.outcomes.len() == 1, "{acted:?}");
    assert!(all.iter_mut().all(Guest::lives));
}

#[tokio::test]
async fn a_cancel_meets_the_statement_that_was_listed_and_no_other() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut all = guests(&postgres, "app", "a", 3);
    for guest in &mut all {
        guest.begins("select pg_sleep(600)");
    }
    until(&postgres, "application_name = 'a' and state = 'active'", 3);
    let [mut met, mut moved_on, mut idle] = <[Guest; 3]>::try_from(all).ok().unwrap();
    idle.client.cancel().unwrap();
    assert!(idle.was_cancelled());
    let (plan, acted) = act(&mut connection, &rules(Action::Cancel, "app=a"), &fast(), || {
        moved_on.client.cancel().unwrap();
        assert!(moved_on.was_cancelled());
        moved_on.begins("select pg_sleep(601)");
        until(&postgres, "query = 'select pg_sleep(601)' and state = 'active'", 1);
    })
    .await;
    assert_eq!(plan.victims.len(), 2);
    assert_eq!(
        (of(&plan, &acted, &met), of(&plan, &acted, &moved_on)),
        (Outcome::Cancelled, Outcome::BecameBusy)
    );
    assert!(met.was_cancelled() && met.lives() && idle.lives());
    until(&postgres, "query = 'select pg_sleep(601)' and state = 'active'", 1);
}

#[tokio::test]
async fn a_working_session_is_forced_while_it_is_still_meant() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let mut all = guests(&postgres, "app", "a", 2);
    for guest in &mut all {
        guest.begins("select pg_sleep(600)");
    }
    until(&postgres, "application_name = 'a' and state = 'active'", 2);
    let [mut still, mut next] = <[Guest; 2]>::try_from(all).ok().unwrap();
    let mut go_on = |sql: &str| {
        next.client.cancel().unwrap();
        assert!(next.was_cancelled());
        next.begins(sql);
        until(&postgres, &format!("query = '{sql}' and state = 'active'"), 1);
    };
    let only = rules(Action::ForceClose, "app=a and query~\"*600*\"");
    let (plan, acted) = act(&mut connection, &only, &fast(), || go_on("select pg_sleep(601)")).await;
    let outcomes: Vec<(i32, Outcome)> =
        plan.victims.iter().map(|victim| victim.pid).zip(acted.outcomes.iter().cloned()).collect();
    assert!(still.was_closed());
    assert!(outcomes.contains(&(still.pid, Outcome::Closed)), "{outcomes:?}");
    let wider = rules(Action::ForceClose, "app=a");
    let (_, acted) = act(&mut connection, &wider, &fast(), || go_on("select pg_sleep(602)")).await;
    assert_eq!(acted.outcomes, [Outcome::Closed]);
    assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::BecameBusy).count(), 1);
    assert!(next.was_closed());
}

#[tokio::test]
async fn who_comes_back_is_counted() {
    let postgres = server(20);
    let mut connection = connect(&postgres, "postgres").await;
    let _all = guests(&postgres, "app", "a", 3);
    let before = look(&mut connection).await;
    let (plan, _) = act(&mut connection, &rules(Action::CloseIdle, "app=a"), &fast(), || ()).await;
    let _again = guests(&postgres, "app", "a", 2);
    let _other = guests(&postgres, "app", "b", 2);
    let after = look(&mut connection).await;
    assert_eq!(returned(&before, &after, &plan.victims), [("a".to_owned(), 2)].into());
}
