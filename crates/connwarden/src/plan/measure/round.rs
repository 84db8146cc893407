//! One round: a script, a load and a pool for so long.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use inspect::connect::AskError;
use plan::measure::{Load, Round, Timing};
use plan::script::{Do, Script};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

use super::pool::Pool;

/// Requests in line at once, at most: beyond it the line only grows.
const WAITING_MAX: usize = 20_000;

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

struct Stage {
    play: Play,
    pool: Rc<Pool>,
    round: RefCell<Round>,
    /// From here on it counts, and here it ends.
    from: Instant,
    to: Instant,
}

/// Plays it. The line is empty at its end: who still waits then has waited in vain and is not counted.
pub(super) async fn play(play: Play, pool: Rc<Pool>) -> Round {
    let begin = Instant::now();
    let from = begin + play.warm_up;
    let stage =
        Rc::new(Stage { from, to: from + play.counted, pool, play, round: RefCell::new(Round::default()) });
    let local = LocalSet::new();
    local
        .run_until(async {
            match stage.play.load {
                Load::Clients(count) => clients(&stage, count).await,
                Load::Rate(per_s) => arrivals(&stage, per_s, begin).await,
            }
        })
        .await;
    let mut round = stage.round.take();
    round.counted_s = stage.play.counted.as_secs_f64();
    round
}

async fn clients(stage: &Rc<Stage>, count: u32) {
    let mut tasks = JoinSet::new();
    for client in 0..count {
        let stage = Rc::clone(stage);
        tasks.spawn_local(async move {
            let mut dice = ChaCha8Rng::seed_from_u64(stage.play.seed.wrapping_add(u64::from(client)));
            while Instant::now() < stage.to {
                if !request(&stage, Instant::now(), &mut dice).await {
                    break;
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn arrivals(stage: &Rc<Stage>, per_s: f64, begin: Instant) {
    let mut tasks = JoinSet::new();
    let mut chance = ChaCha8Rng::seed_from_u64(stage.play.seed);
    let mut next = begin;
    let mut number = 0u64;
    loop {
        // Exponential gaps; never the logarithm of 0.
        let unit = (chance.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        next += Duration::from_secs_f64(-(1.0 - unit).ln() / per_s);
        if next >= stage.to {
            break;
        }
        sleep_until(next).await;
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= WAITING_MAX {
            stage.round.borrow_mut().dropped += 1;
            continue;
        }
        number += 1;
        let (stage, seed, due) = (Rc::clone(stage), stage.play.seed.wrapping_add(number), next);
        tasks.spawn_local(async move {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            request(&stage, due, &mut dice).await;
        });
    }
    // Who has a connection brings it back; who waits goes.
    let _ = tokio::time::timeout_at(stage.to + Duration::from_secs(1), async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
}

/// One request. False: there is nothing left to ask with.
async fn request(stage: &Stage, due: Instant, dice: &mut ChaCha8Rng) -> bool {
    let Ok(lent) = tokio::time::timeout_at(stage.to, stage.pool.lend()).await else { return false };
    let Some(mut lent) = lent else { return false };
    let got = Instant::now();
    let mut roll = |bound: u64| dice.next_u64() % bound.max(1);
    let steps = match stage.play.script.run(&stage.play.variables, &mut roll) {
        Ok(steps) => steps,
        Err(finding) => {
            stage.failed(finding.message);
            return false;
        }
    };
    let Some(connection) = lent.connection() else { return false };
    for step in steps {
        let done = match step {
            Do::Ask(text) => connection.run(&text).await,
            Do::Sleep(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
        };
        match done {
            Ok(()) => {}
            Err(error @ AskError::Server(_)) => {
                stage.failed(error.to_string());
                // It may stand in a transaction that has failed.
                let _ = connection.run("ROLLBACK").await;
                return true;
            }
            Err(error) => {
                stage.failed(error.to_string());
                lent.lose();
                return true;
            }
        }
    }
    let end = Instant::now();
    if end >= stage.from && end < stage.to {
        let (wait, hold) = (got.saturating_duration_since(due), end - got);
        stage
            .round
            .borrow_mut()
            .timings
            .push(Timing { wait_s: wait.as_secs_f64(), hold_s: hold.as_secs_f64() });
    }
    true
}

impl Stage {
    fn failed(&self, why: String) {
        let mut round = self.round.borrow_mut();
        round.failed += 1;
        round.first_failure.get_or_insert(why);
    }
}
