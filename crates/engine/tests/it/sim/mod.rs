//! A seeded world around the engine: clients, model servers, sockets, delays and troubles. The same seed gives the same run.
//!
//! Every message a client receives is compared with what a session of its own would have said (`shadow`), and after
//! each step the engine's books are compared with the world (`books`). A run that fails prints the line that replays it.
//!
//! | variable | |
//! |---|---|
//! | `SIM_SEEDS=20000` | so many seeds of each kind of world, from 1 on; `cargo xtask sim --seeds 20000` does it |
//! | `SIM_SEED=17` | this one only; with `SIM_SEEDS`, so many from this one on |
//! | `SIM_FAILURES=10` | stop after so many failures, not after the first |
//! | `SIM_TRACE=1` | tell everything that happens, with `--nocapture` |
//! | `SIM_STATS=1` | tell each run's size |
//! | `SIM_FAULT=PermitLost` | hunt for this planted fault only, with `--features planted`; see `hunt` |

mod books;
mod build;
mod client;
mod control;
#[cfg(feature = "planted")]
mod hunt;
mod net;
mod office;
mod postgres;
mod proxy;
mod recorder;
mod scram;
mod script;
mod shadow;
mod shell;
mod upheaval;
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
    let cargo = "cargo test -p connwarden-engine --test it";
    Err(match fault {
        None => format!("{wrong}\nSIM_SEED={seed} {cargo} {}", kind.test()),
        Some(fault) => {
            format!("{wrong}\nSIM_FAULT={fault:?} SIM_SEED={seed} {cargo} --features planted sim::hunt")
        }
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs `SIM_SEEDS` seeds from `SIM_SEED` on.
fn soak(kind: Kind, usual: u64) {
    let (from, usual) = number("SIM_SEED").map_or((1, usual), |seed| (seed, 1));
    let to = from + number("SIM_SEEDS").unwrap_or(usual);
    let most = number("SIM_FAILURES").unwrap_or(1);
    let mut failures = 0;
    for seed in from..to {
        if let Err(wrong) = run(kind, seed, None) {
            failures += 1;
            eprintln!("seed {seed}: {wrong}");
            if failures >= most {
                break;
            }
        }
    }
    assert!(failures == 0, "{failures} of the seeds {from}..{to} failed: see above");
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
fn nobody_but_clients_is_in_a_database_that_is_dropped() {
    soak(Kind::Upheaval, 300);
}

#[test]
fn a_troubled_world_recovers() {
    soak(Kind::Troubled, 300);
}
