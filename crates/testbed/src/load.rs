//! Many clients at once, and what became of them.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::client::{Address, Client, Login};
use crate::error::Error;

/// What every client does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many clients.
    pub clients: usize,
    /// How long they go on.
    pub lasts: Duration,
    /// Whom they log in as.
    pub login: Login,
    /// The statements of one transaction.
    pub transaction: Vec<String>,
}

/// What became of them all.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Clients that never got in, or were thrown out.
    pub refused: usize,
    /// The words of the first refusal.
    pub words: Option<String>,
    /// How long each transaction took, sorted.
    pub took: Vec<Duration>,
    /// How long the whole run took.
    pub lasted: Duration,
}

impl Outcome {
    /// Transactions a second.
    pub fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.lasted.as_secs_f64().max(0.001)
    }

    /// The time that this percentage of transactions did not pass.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        self.took.get(index).copied().unwrap_or_default()
    }
}

/// Runs the plan against an address: all clients come at once; who is refused stays out.
pub fn run(address: &Address, plan: &Plan) -> Outcome {
    let start = Arc::new(Barrier::new(plan.clients + 1));
    let threads: Vec<_> = (0..plan.clients)
        .map(|_| {
            let (address, plan, start) = (address.clone(), plan.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                one_client(&address, &plan)
            })
        })
        .collect();
    start.wait();
    let started = Instant::now();
    let mut outcome = Outcome::default();
    for thread in threads {
        let (took, error) = thread.join().unwrap_or((Vec::new(), None));
        outcome.took.extend(took);
        if let Some(error) = error {
            outcome.refused += 1;
            outcome.words.get_or_insert(error.to_string());
        }
    }
    outcome.lasted = started.elapsed();
    outcome.took.sort_unstable();
    outcome
}

fn one_client(address: &Address, plan: &Plan) -> (Vec<Duration>, Option<Error>) {
    let deadline = Instant::now() + plan.lasts;
    let mut took = Vec::new();
    let mut client = match Client::login(address, &plan.login) {
        Ok(client) => client,
        Err(error) => return (took, Some(error)),
    };
    while Instant::now() < deadline {
        let begun = Instant::now();
        for statement in &plan.transaction {
            if let Err(error) = client.query(statement) {
                return (took, Some(error));
            }
        }
        took.push(begun.elapsed());
    }
    let _ = client.terminate();
    (took, None)
}
