//! Python's workers of task queues.

use super::super::calls::Call;
use super::super::options;
use super::super::told::Told;
use super::{Language, Launch, Recognised, Span, Threads};
use crate::Number;

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    match call.program.as_str() {
        "celery" => celery(call, told),
        "rq" => rq(call, told),
        "rqworker" => Launch { framework: is_django(told), ..worker("rq", Number::implied(1)) }.into(),
        "dramatiq" | "dramatiq-gevent" => dramatiq(call, told, is_django(told)).into(),
        "huey_consumer" | "huey_consumer.py" => huey(call, told, is_django(told)).into(),
        "arq" => Launch { threads: Threads::Unbounded, ..worker("arq", Number::implied(1)) }.into(),
        "taskiq" => {
            let processes = options::number(&call.words, &["-w", "--workers"], told).unwrap_or_else(|| {
                Number::assumed(2, "taskiq runs two workers: --workers is not set (its default is assumed)")
            });
            Launch { threads: Threads::Unbounded, ..worker("taskiq", processes) }.into()
        }
        _ => Recognised::Unknown,
    }
}

fn is_django(told: &Told) -> bool {
    told.any_begins("DJANGO_")
}

/// Processes of one thread.
fn worker(program: &'static str, processes: Number) -> Launch {
    Launch::serves(program, Language::Python, processes).with_threads(Number::implied(1))
}

fn celery(call: &Call, told: &Told) -> Recognised {
    let django = is_django(told);
    let beat = || Launch { framework: django, ..worker("celery beat", Number::implied(1)) };
    if call.says("flower") || call.says("inspect") || call.says("control") || call.says("status") {
        return Recognised::Silent;
    }
    if call.says("beat") && !call.says("worker") {
        return beat().into();
    }
    if !call.says("worker") && !call.says("multi") {
        return Launch { framework: django, ..Launch::short("a command of celery", Language::Python) }.into();
    }
    let kind = options::value(&call.words, &["-P", "--pool"]).map(|text| text.text);
    let kind = kind.as_deref().or_else(|| told.text("CELERY_WORKER_POOL")).unwrap_or("prefork");
    let count = concurrency(call, told);
    let launch = match kind {
        "solo" => worker("celery", Number::implied(1)),
        "threads" => Launch::serves("celery", Language::Python, Number::implied(1)).with_threads(count),
        "gevent" | "eventlet" => {
            Launch { threads: Threads::Green(count), ..worker("celery", Number::implied(1)) }
        }
        _ => worker("celery", count),
    };
    let backend = told.given(&["CELERY_RESULT_BACKEND", "RESULT_BACKEND"]);
    let aside = u32::from(backend.is_some_and(|given| given.text.starts_with("db+postgres")));
    let mut launches = vec![Launch { framework: django, aside, ..launch }];
    if options::given(&call.words, &["-B", "--beat"]) {
        launches.push(beat());
    }
    Recognised::Starts(launches)
}

fn concurrency(call: &Call, told: &Told) -> Number {
    let autoscale = options::value(&call.words, &["--autoscale"]).and_then(|text| {
        let most = text.text.split(',').next().unwrap_or("").to_owned();
        told.number(&most, &text.place, "--autoscale")
    });
    let given = autoscale.or_else(|| options::number(&call.words, &["-c", "--concurrency"], told));
    given.unwrap_or_else(|| {
        let why =
            format!("celery 5 runs a process for each core {}: --concurrency is not set", told.cores_why());
        told.variable_or(
            &["CELERYD_CONCURRENCY", "CELERY_WORKER_CONCURRENCY", "CELERY_CONCURRENCY"],
            told.cores().0,
            why,
        )
    })
}

fn rq(call: &Call, told: &Told) -> Recognised {
    let processes = match call.operand() {
        "worker" => Number::implied(1),
        "worker-pool" => options::number(&call.words, &["-n", "--num-workers"], told)
            .unwrap_or_else(|| Number::assumed(1, "rq 2's pool runs one worker: --num-workers is not set")),
        _ => return Recognised::Silent,
    };
    Launch { framework: is_django(told), ..worker("rq", processes) }.into()
}

/// Also `manage.py rundramatiq`.
pub(super) fn dramatiq(call: &Call, told: &Told, django: bool) -> Launch {
    let processes = options::number(&call.words, &["-p", "--processes"], told).unwrap_or_else(|| {
        let why =
            format!("dramatiq 2 runs a process for each core {}: --processes is not set", told.cores_why());
        Number::assumed(told.cores().0, why)
    });
    let threads = options::number(&call.words, &["-t", "--threads"], told)
        .unwrap_or_else(|| Number::assumed(8, "a process of dramatiq 2 has 8 threads: --threads is not set"));
    let launch = Launch::serves("dramatiq", Language::Python, processes);
    let threads = match call.program.ends_with("gevent") {
        true => Threads::Green(threads),
        false => Threads::Count(threads),
    };
    Launch { threads, framework: django, life: Span::Serves, ..launch }
}

/// Also `manage.py run_huey`. A scheduler stands beside the workers and touches no database of the application.
pub(super) fn huey(call: &Call, told: &Told, django: bool) -> Launch {
    let workers = options::number(&call.words, &["-w", "--workers"], told)
        .unwrap_or_else(|| Number::assumed(1, "huey 3 runs one worker: --workers is not set"));
    let kind = options::value(&call.words, &["-k", "--worker-type"]).map(|text| text.text);
    let launch = match kind.as_deref() {
        Some("process") => worker("huey", workers),
        Some("greenlet" | "gevent") => {
            Launch { threads: Threads::Green(workers), ..worker("huey", Number::implied(1)) }
        }
        _ => Launch::serves("huey", Language::Python, Number::implied(1)).with_threads(workers),
    };
    Launch { framework: django, ..launch }
}
