//! Ruby's web servers and workers. All of them are taken to hold a Rails application with its Active Record pool.

use super::super::calls::Call;
use super::super::told::Told;
use super::super::{lines, literal, options};
use super::{Language, Launch, Recognised, Span, Threads};
use crate::{Number, Text};

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    let launch = match call.program.as_str() {
        "puma" | "pumactl" => puma(call, told),
        "rails" | "rake" | "rails.rb" => return rails(call, told),
        "unicorn" | "unicorn_rails" => unicorn(call, told),
        "sidekiq" | "sidekiqswarm" => sidekiq(call, told),
        "good_job" => good_job(call, told),
        "jobs" => return solid_queue(told),
        "passenger" | "passenger-docker" => passenger(call, told),
        "resque" | "resque-pool" | "delayed_job" | "clockwork" | "que" | "ruby" => one("ruby"),
        "rackup" | "falcon" | "iodine" | "thin" => one("rackup"),
        _ => return Recognised::Unknown,
    };
    launch.into()
}

fn one(program: &'static str) -> Launch {
    let why = "one process of ruby: whether it forks others is not seen";
    Launch {
        life: Span::Runs,
        framework: true,
        ..Launch::serves(program, Language::Ruby, Number::assumed(1, why))
    }
}

fn serves(program: &'static str, processes: Number, threads: Number) -> Launch {
    Launch { framework: true, ..Launch::serves(program, Language::Ruby, processes).with_threads(threads) }
}

/// Puma 8 reads `-w`, `-t`, config/puma.rb, WEB_CONCURRENCY and PUMA_MAX_THREADS; Rails' config/puma.rb reads
/// RAILS_MAX_THREADS.
fn puma(call: &Call, told: &Told) -> Launch {
    let named = options::value(&call.words, &["-C", "--config"]).map(|text| text.text);
    let pairs = told.file(named.as_deref().unwrap_or("config/puma.rb")).map(lines::pairs).unwrap_or_default();
    let of_file = |key: &str| {
        lines::last(&pairs, &[key]).and_then(|pair| literal::ruby(pair.value, &pair.place, pair.key, told))
    };
    let processes = count(options::value(&call.words, &["-w", "--workers"]), told, "--workers")
        .or_else(|| of_file("workers"))
        .or_else(|| {
            told.given(&["WEB_CONCURRENCY"]).and_then(|given| auto(given.text, given.place, given.name, told))
        })
        .unwrap_or_else(|| {
            told.variable_or(
                &["WEB_CONCURRENCY"],
                1,
                "puma 8 runs one process: --workers and WEB_CONCURRENCY are not set",
            )
        });
    // `workers 0` is one process without a master.
    let processes = if processes.value == 0 { Number { value: 1, ..processes } } else { processes };
    let option = options::value(&call.words, &["-t", "--threads"]);
    let option = option.and_then(|text| {
        let most = text.text.rsplit(':').next().unwrap_or("").to_owned();
        told.number(&most, &text.place, "--threads")
    });
    let threads = option.or_else(|| of_file("threads")).unwrap_or_else(|| {
        let names = ["RAILS_MAX_THREADS", "PUMA_MAX_THREADS", "MAX_THREADS"];
        told.variable_or(
            &names,
            5,
            "a process of puma 8 has up to 5 threads: --threads and RAILS_MAX_THREADS are not set",
        )
    });
    serves("puma", processes, threads)
}

/// A count that may be `auto`: a process for each core.
fn auto(text: &str, place: &crate::Place, name: &str, told: &Told) -> Option<Number> {
    let text = if text == "auto" { "$(nproc)" } else { text };
    told.number(text, place, name)
}

fn count(text: Option<Text>, told: &Told, name: &str) -> Option<Number> {
    let text = text?;
    auto(&text.text, &text.place, name, told)
}

fn rails(call: &Call, told: &Told) -> Recognised {
    let command = call.operand();
    match command {
        "server" | "s" | "" => puma(&Call { words: Vec::new(), ..call.clone() }, told).into(),
        "solid_queue:start" => solid_queue(told),
        "resque:work" | "jobs:work" | "runner" | "r" => one("rails").into(),
        "assets:precompile" | "assets:clean" | "tmp:clear" | "log:clear" | "routes" | "stats"
        | "zeitwerk:check" => Recognised::Silent,
        command if command.starts_with("db:") || command.contains("migrat") => {
            Launch { framework: true, ..Launch::short("a migration", Language::Ruby) }.into()
        }
        _ => Launch { framework: true, ..Launch::short("a command of rails", Language::Ruby) }.into(),
    }
}

fn unicorn(call: &Call, told: &Told) -> Launch {
    let named = options::value(&call.words, &["-c", "--config-file"]).map(|text| text.text);
    let pairs =
        told.file(named.as_deref().unwrap_or("config/unicorn.rb")).map(lines::pairs).unwrap_or_default();
    let of_file = lines::last(&pairs, &["worker_processes"])
        .and_then(|pair| literal::ruby(pair.value, &pair.place, pair.key, told));
    let processes = of_file.unwrap_or_else(|| {
        let why = "unicorn runs one worker (assumed): worker_processes and WEB_CONCURRENCY are not seen";
        told.variable_or(&["WEB_CONCURRENCY", "UNICORN_WORKERS"], 1, why)
    });
    serves("unicorn", processes, Number::implied(1))
}

fn sidekiq(call: &Call, told: &Told) -> Launch {
    let of_file = || {
        let (_, file) = told.files(|path| path.ends_with("sidekiq.yml")).next()?;
        let pairs = lines::pairs(file);
        let pair = lines::last(&pairs, &[":concurrency:", "concurrency:"])?;
        told.number(pair.value, &pair.place, "concurrency")
    };
    let threads =
        options::number(&call.words, &["-c", "--concurrency"], told).or_else(of_file).unwrap_or_else(|| {
            let why = "sidekiq 7 and later runs 5 threads: --concurrency and RAILS_MAX_THREADS are not set";
            told.variable_or(&["SIDEKIQ_CONCURRENCY", "RAILS_MAX_THREADS"], 5, why)
        });
    let processes = match call.program.as_str() {
        "sidekiqswarm" => {
            let why = format!(
                "sidekiqswarm runs a process for each core (assumed) {}: SIDEKIQ_COUNT is not set",
                told.cores_why()
            );
            told.variable_or(&["SIDEKIQ_COUNT"], told.cores().0, why)
        }
        _ => Number::implied(1),
    };
    serves("sidekiq", processes, threads)
}

/// Its pool needs two connections more than it has threads (README of GoodJob 4).
fn good_job(call: &Call, told: &Told) -> Launch {
    let threads = options::number(&call.words, &["--max-threads"], told).unwrap_or_else(|| {
        told.variable_or(
            &["GOOD_JOB_MAX_THREADS"],
            5,
            "GoodJob 4 runs 5 threads: GOOD_JOB_MAX_THREADS is not set",
        )
    });
    Launch { own: 2, ..serves("good_job", Number::implied(1), threads) }
}

/// The supervisor forks workers, a dispatcher and a scheduler. A worker needs two connections beside its threads.
fn solid_queue(told: &Told) -> Recognised {
    let processes = told.variable_or(
        &["JOB_CONCURRENCY"],
        1,
        "Solid Queue 1 runs one worker process: JOB_CONCURRENCY is not set and config/queue.yml is not seen",
    );
    let threads = Number::assumed(
        3,
        "a worker of Solid Queue 1 has 3 threads: threads in config/queue.yml is not seen",
    );
    let worker = Launch { own: 2, ..serves("solid_queue worker", processes, threads) };
    let why = "supervisor, dispatcher and scheduler of Solid Queue";
    let others = serves(why, Number::implied(3), Number::implied(1));
    Recognised::Starts(vec![worker, others])
}

fn passenger(call: &Call, told: &Told) -> Launch {
    let processes = options::number(&call.words, &["--max-pool-size"], told).unwrap_or_else(|| {
        told.variable_or(
            &["PASSENGER_MAX_POOL_SIZE"],
            6,
            "passenger 6 runs up to 6 processes: PASSENGER_MAX_POOL_SIZE is not set",
        )
    });
    let launch = serves("passenger", processes, Number::implied(1));
    match told.variable(&["PASSENGER_THREAD_COUNT"]) {
        Some(threads) => Launch { threads: Threads::Count(threads), ..launch },
        None => launch,
    }
}
