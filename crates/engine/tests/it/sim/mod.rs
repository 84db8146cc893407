//! A seeded world around the engine. See README.md beside this tree.

mod books;
mod build;
mod client;
mod control;
mod net;
mod office;
mod postgres;
mod proxy;
mod script;
mod shadow;
mod shell;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use build::Kind;
use engine::planted::Fault;

/// Runs one seed; what went wrong, with the line that replays it.
fn run(kind: Kind, seed: u64, fault: Option<Fault>) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| build::play(kind, seed, fault)));
    let wrong = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panic: {}", text.unwrap_or_default())
        }
    };
    Err(format!("{wrong}\nSIM_SEED={seed} cargo test -p connwarden-engine --test it {}", kind.test()))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs `SIM_SEED`, or `SIM_SEEDS` of them from 1 on.
fn soak(kind: Kind, usual: u64) {
    let (from, to) = match number("SIM_SEED") {
        Some(seed) => (seed, seed + 1),
        None => (1, 1 + number("SIM_SEEDS").unwrap_or(usual)),
    };
    let most = number("SIM_FAILURES").unwrap_or(1);
    let mut failures = 0;
    let mut told = String::new();
    for seed in from..to {
        if let Err(wrong) = run(kind, seed, None) {
            failures += 1;
            told = format!("{told}\nseed {seed}: {wrong}");
            if failures >= most {
                break;
            }
        }
    }
    assert!(told.is_empty(), "{failures} of the seeds {from}..{to} failed:{told}");
}

#[test]
fn the_model_server_and_the_model_client_agree() {
    soak(Kind::Direct, 500);
}

#[test]
fn a_calm_world_is_served_as_directly() {
    soak(Kind::Calm, 300);
}

#[test]
fn cancels_hit_their_own_query() {
    soak(Kind::Cancels, 200);
}

#[test]
fn a_troubled_world_recovers() {
    soak(Kind::Troubled, 300);
}

/// Seeds each fault may take, over all kinds of worlds.
#[cfg(feature = "planted")]
const SEEDS_EACH: u64 = 2_000;

/// A fault is found by a seed that fails with it and not without it.
#[cfg(feature = "planted")]
fn found(fault: Fault) -> Option<(u64, Kind, String)> {
    let kinds = [Kind::Calm, Kind::Cancels, Kind::Troubled];
    let seeds = (1..=SEEDS_EACH).map(|seed| (seed, kinds[seed as usize % kinds.len()]));
    for (seed, kind) in seeds {
        if let Err(wrong) = run(kind, seed, Some(fault))
            && run(kind, seed, None).is_ok()
        {
            return Some((seed, kind, wrong));
        }
    }
    None
}

#[cfg(feature = "planted")]
#[test]
fn each_planted_fault_is_found() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        match found(fault) {
            Some((seed, kind, wrong)) => {
                let first = wrong.lines().next().unwrap_or_default();
                eprintln!(
                    "{fault:?}: seed {seed} ({kind:?}): {}",
                    first.chars().take(160).collect::<String>()
                );
            }
            None => {
                eprintln!("{fault:?}: not found");
                missed.push(fault);
            }
        }
    }
    assert!(missed.is_empty(), "not found within {SEEDS_EACH} seeds: {missed:?}");
}
