//! Every scenario: directly twice (`direct_twice::`), and through the proxy (`session::`, `transaction::`).

use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use conformance::suite::{self, Book, House, MODES};
use libtest_mimic::{Arguments, Failed, Trial};

type Shared = Arc<OnceLock<Result<Mutex<House>, String>>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One server and one proxy a mode: a scenario must not see another's.
    arguments.test_threads = Some(1);
    let book = match Book::read() {
        Ok(book) => Arc::new(book),
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let house: Shared = Arc::default();
    let mut trials = Vec::new();
    for index in 0..book.scenarios.len() {
        let scenario = &book.scenarios[index];
        let (own, rooms) = (Arc::clone(&book), Arc::clone(&house));
        trials.push(Trial::test(format!("direct_twice::{}", scenario.name), move || {
            in_house(&rooms, |house| suite::direct_twice(house, &own.scenarios[index]))
        }));
        for mode in MODES.into_iter().filter(|mode| scenario.played_in(mode)) {
            let (own, rooms) = (Arc::clone(&book), Arc::clone(&house));
            trials.push(Trial::test(format!("{mode}::{}", scenario.name), move || {
                in_house(&rooms, |house| suite::compared(house, &own, &own.scenarios[index], mode))
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The server ends with the house; leaving by `exit` would leave it running.
    drop(house);
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn in_house(shared: &Shared, test: impl FnOnce(&mut House) -> anyhow::Result<()>) -> Result<(), Failed> {
    let opened = shared.get_or_init(|| House::open().map(Mutex::new).map_err(|error| format!("{error:#}")));
    let mutex = opened.as_ref().map_err(|error| Failed::from(error.as_str()))?;
    let mut house = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    test(&mut house).map_err(|error| Failed::from(format!("{error:#}")))
}
