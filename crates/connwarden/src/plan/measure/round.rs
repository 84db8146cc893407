//! One round: a script, a load and a pool for so long.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use inspect::connect::AskError;
use plan::Finding;
use plan::measure::{Load, Round, Timing};
use plan::script::{Do, Script};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use wire::backend::TxStatus;

use super::pool::{Lent, Pool};

/// Requests in line at once, at most: beyond it the line only grows.
const WAITING_MAX: usize = 20_000;
/// How long who has a connection at the round's end may bring it back.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// What is played, and for how long.
#[derive(Clone)]
pub(super) struct Play {
    pub script: Rc<Script>,
    pub variables: Rc<BTreeMap<String, i64>>,
    pub load: Load,
    pub warm_up: Duration,
    pub counted: Duration,
    pub seed: u64,
}

/// Why a round was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A transaction was open when the script was through.
    LeftOpen,
    /// A step of the script has no value.
    Unfit(Finding),
    /// No connection is left, and none can be had.
    NoneLeft,
}

struct Stage {
    play: Play,
    pool: Rc<Pool>,
    round: RefCell<Round>,
    /// Requests in line now.
    waiting: Cell<u64>,
    stop: RefCell<Option<Stop>>,
    stopped: Notify,
    /// From here on it counts, and here it ends.
    from: Instant,
    to: Instant,
}

/// Plays it. Who waits at its end has waited in vain; who has a connection then may bring it back within [`GRACE`], and is cut
/// off after that.
pub(super) async fn play(play: Play, pool: Rc<Pool>) -> Result<Round, Stop> {
    let begin = Instant::now();
    let from = begin + play.warm_up;
    let stage = Rc::new(Stage {
        from,
        to: from + play.counted,
        pool,
        play,
        round: RefCell::default(),
        waiting: Cell::new(0),
        stop: RefCell::default(),
        stopped: Notify::new(),
    });
    let local = LocalSet::new();
    local
        .run_until(async {
            tokio::select! {
                () = load(&stage, begin) => {}
                () = stage.stopped.notified() => {}
            }
        })
        .await;
    // With it go the requests that were cut off, and their connections to where they are cancelled.
    drop(local);
    if let Some(stop) = stage.stop.take() {
        return Err(stop);
    }
    let mut round = stage.round.take();
    round.counted_s = stage.play.counted.as_secs_f64();
    (round.lost, round.missing) = (stage.pool.lost(), stage.pool.missing());
    Ok(round)
}

async fn load(stage: &Rc<Stage>, begin: Instant) {
    let mut tasks = JoinSet::new();
    let looking = Rc::clone(stage);
    tasks.spawn_local(async move {
        sleep_until(looking.from).await;
        looking.round.borrow_mut().waiting_at_begin = looking.waiting.get();
    });
    match stage.play.load {
        Load::Clients(count) => clients(stage, count, &mut tasks),
        Load::Rate(per_s) => arrivals(stage, per_s, begin, &mut tasks).await,
    }
    let _ = timeout_at(stage.to + GRACE, async { while tasks.join_next().await.is_some() {} }).await;
}

fn clients(stage: &Rc<Stage>, count: u32, tasks: &mut JoinSet<()>) {
    for client in 0..count {
        let stage = Rc::clone(stage);
        tasks.spawn_local(async move {
            let mut dice = ChaCha8Rng::seed_from_u64(stage.play.seed.wrapping_add(u64::from(client)));
            while Instant::now() < stage.to && request(&stage, Instant::now(), &mut dice).await {}
        });
    }
}

async fn arrivals(stage: &Rc<Stage>, per_s: f64, begin: Instant, tasks: &mut JoinSet<()>) {
    let mut chance = ChaCha8Rng::seed_from_u64(stage.play.seed);
    let mut next = begin;
    let mut number = 0u64;
    loop {
        // Exponential gaps; never the logarithm of 0.
        let unit = (chance.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        next += Duration::from_secs_f64(-(1.0 - unit).ln() / per_s);
        if next >= stage.to {
            return;
        }
        sleep_until(next).await;
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= WAITING_MAX {
            if stage.counts(next) {
                stage.round.borrow_mut().dropped += 1;
            }
            continue;
        }
        number += 1;
        let (stage, seed, due) = (Rc::clone(stage), stage.play.seed.wrapping_add(number), next);
        tasks.spawn_local(async move {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            request(&stage, due, &mut dice).await;
        });
    }
}

/// One request. False: there is nothing left to ask with, or no reason to.
async fn request(stage: &Stage, due: Instant, dice: &mut ChaCha8Rng) -> bool {
    stage.waiting.set(stage.waiting.get() + 1);
    let lent = timeout_at(stage.to, stage.pool.lend()).await;
    stage.waiting.set(stage.waiting.get().saturating_sub(1));
    let Ok(lent) = lent else {
        stage.round.borrow_mut().waiting_at_end += 1;
        return false;
    };
    let Some(mut lent) = lent else { return stage.stop(Stop::NoneLeft) };
    let got = Instant::now();
    let mut roll = |bound: u64| dice.next_u64() % bound.max(1);
    let steps = match stage.play.script.run(&stage.play.variables, &mut roll) {
        Ok(steps) => steps,
        Err(finding) => return stage.stop(Stop::Unfit(finding)),
    };
    match through(&mut lent, steps).await {
        Ok(TxStatus::Idle) => {
            lent.give_back();
            stage.ended(due, got);
        }
        // Dropped in use, it is cancelled and closed, and the server rolls back.
        Ok(TxStatus::InTransaction | TxStatus::Failed) => return stage.stop(Stop::LeftOpen),
        Err(error) => {
            stage.failed(error.to_string());
            if is_usable(&mut lent, &error).await {
                lent.give_back();
            } else {
                lent.lose().await;
            }
        }
    }
    true
}

/// All steps, and whether a transaction is open after them.
async fn through(lent: &mut Lent<'_>, steps: Vec<Do>) -> Result<TxStatus, AskError> {
    let mut status = TxStatus::Idle;
    for step in steps {
        match step {
            Do::Ask(text) => match lent.connection() {
                Some(connection) => status = connection.run(&text).await?,
                None => return Err(AskError::Lost("it is not there".into())),
            },
            Do::Sleep(time) => tokio::time::sleep(time).await,
        }
    }
    Ok(status)
}

/// Whether the connection can go on after an error; it may have stood in a transaction, which is ended.
async fn is_usable(lent: &mut Lent<'_>, error: &AskError) -> bool {
    match error {
        AskError::Server(server) if !server.is_fatal() => match lent.connection() {
            Some(connection) => matches!(connection.run("ROLLBACK").await, Ok(TxStatus::Idle)),
            None => false,
        },
        AskError::Server(_) | AskError::Lost(_) | AskError::TimedOut(_) | AskError::Shape(_) => false,
    }
}

impl Stage {
    fn counts(&self, at: Instant) -> bool {
        at >= self.from && at < self.to
    }

    fn ended(&self, due: Instant, got: Instant) {
        let end = Instant::now();
        if self.counts(end) {
            let (wait, hold) = (got.saturating_duration_since(due), end.saturating_duration_since(got));
            let timing = Timing { wait_s: wait.as_secs_f64(), hold_s: hold.as_secs_f64() };
            self.round.borrow_mut().timings.push(timing);
        }
    }

    fn failed(&self, why: String) {
        let mut round = self.round.borrow_mut();
        round.failed += u64::from(self.counts(Instant::now()));
        round.first_failure.get_or_insert(why);
    }

    /// The first reason counts.
    fn stop(&self, why: Stop) -> bool {
        self.stop.borrow_mut().get_or_insert(why);
        self.stopped.notify_one();
        false
    }
}
