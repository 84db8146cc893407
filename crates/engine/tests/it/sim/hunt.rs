//! The search for planted faults: each has to be found, or the simulator has a hole.

use engine::planted::Fault;

use super::build::Kind;
use super::{number, run};

/// Seeds a fault may take, over all kinds of worlds.
const SEEDS_EACH: u64 = 2_000;
const KINDS: [Kind; 4] = [Kind::Calm, Kind::Cancels, Kind::Troubled, Kind::Upheaval];

/// How a fault was found.
struct Find {
    seed: u64,
    kind: Kind,
    wrong: String,
}

/// A fault is found by a seed that fails with it and not without it.
fn found(fault: Fault) -> Option<Find> {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=SEEDS_EACH,
    };
    for seed in seeds {
        let kind = KINDS[seed as usize % KINDS.len()];
        if let Err(wrong) = run(kind, seed, Some(fault))
            && run(kind, seed, None).is_ok()
        {
            return Some(Find { seed, kind, wrong });
        }
    }
    None
}

#[test]
fn each_planted_fault_is_found() {
    let one = std::env::var("SIM_FAULT").ok();
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    let mut searched = 0;
    for fault in Fault::ALL {
        if one.as_ref().is_some_and(|one| *one != format!("{fault:?}")) {
            continue;
        }
        searched += 1;
        match found(fault) {
            Some(Find { seed, kind, wrong }) => {
                let first = wrong.lines().next().unwrap_or_default();
                let first: String = first.chars().take(160).collect();
                eprintln!("{fault:?}: seed {seed} ({kind:?}): {first}");
            }
            None => {
                eprintln!("{fault:?}: not found");
                missed.push(fault);
            }
        }
    }
    assert!(searched > 0, "there is no fault called {one:?}");
    assert!(missed.is_empty(), "not found within {SEEDS_EACH} seeds: {missed:?}");
}
