//! Two hundred sessions of all kinds, many of them at work: exactly the promised ones go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use connwarden_inspect::catalog::Sample;
use connwarden_inspect::closing::{Act, Acted, Action, Ended, Evidence, Outcome, Pace, Plan, Reason, Rules};
use connwarden_inspect::filter::Filter;
use testbed::{Login, Postgres};

use crate::crowd::{Guest, between, connect, look, present, server, until, until_aged};

/// What a guest is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    IdleOld,
    OwnSuperuser,
    Woken,
    Advisory,
    Listening,
    Temporary,
    InTransaction,
    Aborted,
    Active,
    Superuser,
    Replication,
    Walsender,
    Pooler,
    Protected,
    Provider,
    BatchActive,
    BatchIdle,
    BatchInTransaction,
    BatchAborted,
    BatchLocks,
    BatchWoken,
    BatchSuperuser,
    BatchReplication,
    Young,
}

use Kind::*;

struct Party {
    guests: Vec<(Kind, Guest)>,
}

impl Party {
    fn add(&mut self, number: usize, kind: Kind, enter: impl Fn() -> Guest) {
        self.guests.extend((0..number).map(|_| (kind, enter())));
    }

    fn pids(&self, kinds: &[Kind]) -> BTreeSet<i32> {
        self.guests.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, guest)| guest.pid).collect()
    }

    fn of(&mut self, kinds: &[Kind]) -> impl Iterator<Item = &mut Guest> {
        self.guests.iter_mut().filter(|(kind, _)| kinds.contains(kind)).map(|(_, guest)| guest)
    }
}

/// Those who are old enough, whatever else they are.
fn old_ones(postgres: &Postgres) -> Party {
    let mut party = Party { guests: Vec::new() };
    let enter = |user: &'static str, name: &'static str, statements: &'static [&'static str]| {
        move || Guest::enter(postgres, user, name, statements)
    };
    party.add(36, IdleOld, enter("app", "wall-api", &[]));
    party.add(20, IdleOld, enter("app", "wall-materializer", &["select 1"]));
    party.add(4, IdleOld, enter("app", "", &[]));
    party.add(4, OwnSuperuser, enter("postgres", "wall-api", &[]));
    party.add(8, Woken, enter("app", "wall-api", &[]));
    party.add(8, Advisory, enter("app", "wall-api", &["select pg_advisory_lock_shared(7)", "select 1"]));
    party.add(8, Listening, enter("app", "wall-api", &["listen jobs"]));
    // Its last statement does not tell.
    party.add(8, Temporary, enter("app", "wall-api", &["create temp table t (i int)", "select 1"]));
    party.add(10, InTransaction, enter("app", "wall-api", &["begin", "select 1"]));
    party.add(6, Aborted, enter("app", "wall-api", &["begin", "select 1/0"]));
    party.add(12, Active, enter("app", "wall-api", &[]));
    party.add(6, Superuser, enter("boss", "wall-api", &[]));
    party.add(4, Replication, enter("repl", "wall-api", &[]));
    for (user, mode) in [("repl", "database"), ("postgres", "database"), ("repl", "true")] {
        let login = Login::new(user, "wall").with("application_name", "wall-api").with("replication", mode);
        party.add(1, Walsender, || walsender(postgres, &login));
    }
    for name in ["pgbouncer", "PgBouncer 2", "odyssey"] {
        party.add(2, Pooler, enter("app", name, &[]));
    }
    for name in ["pg_dump", "django-migrate", "connwarden monitor", "Patroni restapi"] {
        party.add(2, Protected, enter("app", name, &[]));
    }
    party.add(2, Provider, enter("rdsadmin", "wall-api", &[]));
    party.add(6, BatchActive, enter("app", "batch", &[]));
    party.add(6, BatchIdle, enter("app", "batch", &[]));
    party.add(4, BatchInTransaction, enter("app", "batch", &["begin", "select 1"]));
    party.add(2, BatchAborted, enter("app", "batch", &["begin", "select 1/0"]));
    party.add(2, BatchLocks, enter("app", "batch", &["select pg_advisory_lock_shared(7)", "listen x"]));
    party.add(4, BatchWoken, enter("app", "batch", &[]));
    party.add(2, BatchSuperuser, enter("boss", "batch", &[]));
    party.add(1, BatchReplication, enter("repl", "batch", &[]));
    for guest in party.of(&[Active, BatchActive]) {
        guest.begins("select pg_sleep(600)");
    }
    until(postgres, "state = 'active' and query = 'select pg_sleep(600)'", 18);
    party
}

/// One without a database understands no SQL: who it is, the server says.
fn walsender(postgres: &Postgres, login: &Login) -> Guest {
    let client = testbed::Client::login(&postgres.socket(), login).unwrap();
    let pid = client.key().unwrap().pid as i32;
    let sql = format!("select backend_start from pg_stat_activity where pid = {pid}");
    let started = postgres.run("postgres", &sql).unwrap()[0][0].clone().unwrap();
    Guest { client, pid, started }
}

/// Sessions that work without a pause, in and out of transactions.
struct Workers {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    threads: Vec<JoinHandle<bool>>,
    pids: BTreeSet<i32>,
}

impl Workers {
    fn start(postgres: &Postgres, number: usize) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut pids = BTreeSet::new();
        let threads = (0..number).map(|_| {
            let mut guest = Guest::enter(postgres, "app", "wall-api", &[]);
            pids.insert(guest.pid);
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    for sql in ["select 1", "begin", "select pg_sleep(0.002)", "commit"] {
                        if guest.client.query(sql).is_err() {
                            return false;
                        }
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                true
            })
        });
        let threads = threads.collect();
        Self { stop, rounds, threads, pids }
    }

    /// All of them worked to the end.
    fn end(self) -> (bool, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.threads.into_iter().all(|thread| thread.join().unwrap());
        (all, self.rounds.load(Ordering::Relaxed))
    }
}

fn outcomes(plan: &Plan, acted: &Acted, outcome: &Outcome) -> BTreeSet<i32> {
    let reached = plan.victims.iter().zip(&acted.outcomes);
    reached.filter(|(_, found)| *found == outcome).map(|(victim, _)| victim.pid).collect()
}

fn pids(plan: &Plan) -> BTreeSet<i32> {
    plan.victims.iter().map(|victim| victim.pid).collect()
}

fn check_reasons(party: &Party, plan: &Plan) {
    for (kind, reason) in [
        (Advisory, Reason::AdvisoryLock),
        (Listening, Reason::Listens),
        (Temporary, Reason::Temporary),
        (InTransaction, Reason::InTransaction),
        (Aborted, Reason::InTransaction),
        (Active, Reason::Working),
        (Superuser, Reason::Superuser),
        (Replication, Reason::Replication),
        (Walsender, Reason::Walsender),
        (Pooler, Reason::Pooler),
        (Protected, Reason::Protected),
        (Provider, Reason::SystemRole),
        (Young, Reason::TooYoung),
        (BatchIdle, Reason::OutsideFilter),
    ] {
        let spared: BTreeSet<i32> = plan.spared[&reason].iter().map(|session| session.pid).collect();
        assert!(party.pids(&[kind]).is_subset(&spared), "{kind:?} is spared as {reason:?}");
    }
}

fn close_idle(sample: &Sample, party: &Party, workers: &Workers) -> Rules {
    let young: BTreeSet<i32> = party.pids(&[Young]).union(&workers.pids).copied().collect();
    let old = party.pids(&[IdleOld, OwnSuperuser, Woken, Advisory, Listening, Temporary]);
    let filter = Filter::parse("not app=batch").unwrap();
    Rules { filter, min_age: between(sample, &young, &old), ..Rules::new(Action::CloseIdle) }
}

const DIE_IDLE: &[Kind] = &[IdleOld, OwnSuperuser];
const DIE_FORCED: &[Kind] = &[BatchActive, BatchIdle, BatchInTransaction, BatchAborted, BatchLocks];

#[tokio::test]
async fn of_two_hundred_sessions_exactly_the_promised_ones_are_closed() {
    let postgres = server(230);
    let mut party = old_ones(&postgres);
    until_aged(
        &postgres,
        &party.pids(&[IdleOld, OwnSuperuser, Woken, Advisory, Listening, Temporary]),
        "2 s",
    );
    party.add(14, Young, || Guest::enter(&postgres, "app", "wall-api", &[]));
    let workers = Workers::start(&postgres, 20);
    let mut connection = connect(&postgres, "postgres").await;
    let sample = look(&mut connection).await;
    assert!(sample.sessions.len() >= 200, "{} sessions", sample.sessions.len());
    let evidence = Evidence::take(&mut connection).await.unwrap();

    let rules = close_idle(&sample, &party, &workers);
    let plan = Plan::of(&sample, &evidence, &rules);
    assert_eq!(pids(&plan), party.pids(&[IdleOld, OwnSuperuser, Woken]));
    check_reasons(&party, &plan);
    wake(&mut party, Woken);
    let pace = Pace { per_second: 500.0, ..Pace::default() };
    let acted =
        Act::new(&mut connection, &rules, &sample.facts, &pace, &|| false).run(&plan, |_, _| {}).await;
    assert_eq!(acted.ended, Ended::Finished);
    assert_eq!(outcomes(&plan, &acted, &Outcome::Closed), party.pids(DIE_IDLE));
    assert_eq!(outcomes(&plan, &acted, &Outcome::BecameBusy), party.pids(&[Woken]));
    check_lives(&postgres, &party, DIE_IDLE, &workers);

    let sample = look(&mut connection).await;
    let filter = Filter::parse("app=batch").unwrap();
    let rules = Rules { filter, ..Rules::new(Action::ForceClose) };
    let plan = Plan::of(&sample, &Evidence::default(), &rules);
    let promised: Vec<Kind> = DIE_FORCED.iter().copied().chain([BatchWoken]).collect();
    assert_eq!(pids(&plan), party.pids(&promised));
    assert_eq!((plan.running(), plan.in_transaction()), (6, 6));
    wake(&mut party, BatchWoken);
    let acted =
        Act::new(&mut connection, &rules, &sample.facts, &pace, &|| false).run(&plan, |_, _| {}).await;
    assert_eq!(acted.ended, Ended::Finished);
    assert_eq!(outcomes(&plan, &acted, &Outcome::Closed), party.pids(DIE_FORCED));
    assert_eq!(outcomes(&plan, &acted, &Outcome::BecameBusy), party.pids(&[BatchWoken]));
    let dead: Vec<Kind> = DIE_IDLE.iter().chain(DIE_FORCED).copied().collect();
    check_lives(&postgres, &party, &dead, &workers);
    check_own_words(&mut party, &dead);
    let (all_lived, rounds) = workers.end();
    assert!(all_lived && rounds > 0, "workers worked {rounds} rounds");
}

/// They did something between the plan and the act.
fn wake(party: &mut Party, kind: Kind) {
    for guest in party.of(&[kind]) {
        guest.client.query("select 2").unwrap();
    }
}

/// By the server's list: the dead are gone, all others are the same as before.
fn check_lives(postgres: &Postgres, party: &Party, dead: &[Kind], workers: &Workers) {
    let there = present(postgres);
    for (kind, guest) in &party.guests {
        let lives = there.contains(&(guest.pid, guest.started.clone()));
        assert_eq!(lives, !dead.contains(kind), "{kind:?} {}", guest.pid);
    }
    assert!(workers.threads.iter().all(|thread| !thread.is_finished()), "a worker was hurt");
}

/// By what arrived on their own connections.
fn check_own_words(party: &mut Party, dead: &[Kind]) {
    for (kind, guest) in &mut party.guests {
        if dead.contains(kind) {
            assert!(guest.was_closed(), "{kind:?} {} was told why", guest.pid);
        } else if *kind == Active {
            guest.client.cancel().unwrap();
            assert!(guest.was_cancelled() && guest.lives(), "{kind:?} {}", guest.pid);
        } else if *kind == Aborted {
            guest.client.query("rollback").unwrap();
        } else {
            // A walsender without a database answers that it knows no SQL, and so that it lives.
            assert!(guest.lives(), "{kind:?} {}", guest.pid);
        }
    }
}
