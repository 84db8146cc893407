//! Python's web servers, and programs of one's own.

use super::super::calls::Call;
use super::super::told::Told;
use super::super::{lines, literal, options, words};
use super::{Language, Launch, Recognised, Span, Threads};
use crate::{Number, Text};

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    let launch = match call.program.as_str() {
        "gunicorn" => gunicorn(call, told),
        "uvicorn" => uvicorn(call, told, "uvicorn"),
        "fastapi" => uvicorn(call, told, "fastapi"),
        "hypercorn" => hypercorn(call, told),
        "daphne" => daphne(call, told),
        "granian" => granian(call, told),
        "uwsgi" | "uwsgi_python3" => uwsgi(call, told),
        "waitress-serve" | "waitress" => waitress(call, told),
        "flask" => return flask(call, told),
        "manage.py" | "django-admin" | "django" => return manage(call, told),
        "alembic" | "aerich" | "yoyo" => Launch::short("a migration", Language::Python),
        program if program.ends_with(".py") => script(program, told),
        _ => return Recognised::Unknown,
    };
    Launch { framework: launch.framework || is_django(call, told), ..launch }.into()
}

/// `shop.wsgi`, `config.asgi:application`; or the settings' name in the environment.
fn is_django(call: &Call, told: &Told) -> bool {
    let module = |word: &str| {
        let (module, callable) = word.split_once(':').unwrap_or((word, "application"));
        (module.ends_with(".wsgi") || module.ends_with(".asgi")) && callable.starts_with("application")
    };
    told.any_begins("DJANGO_") || call.operands().any(module)
}

fn gunicorn(call: &Call, told: &Told) -> Launch {
    let environment = told.given(&["GUNICORN_CMD_ARGS"]);
    let environment = environment.map(|given| words::split(&Text::new(given.text, given.place.clone())));
    let words: Vec<Text> = environment.into_iter().flatten().chain(call.words.iter().cloned()).collect();
    let named = options::value(&words, &["-c", "--config"]).map(|text| text.text);
    let file = told.file(named.as_deref().unwrap_or("gunicorn.conf.py").trim_start_matches("file:"));
    let number = |names: &[&str], key: &str| {
        let of_file = || {
            file.and_then(|file| literal::entry(file, key))
                .and_then(|(text, place)| literal::number(text, &place, told))
        };
        options::number(&words, names, told).or_else(of_file)
    };
    let class = options::value(&words, &["-k", "--worker-class"]).map(|text| text.text);
    let class = class.or_else(|| {
        file.and_then(|file| literal::entry(file, "worker_class")).map(|(text, _)| text.to_owned())
    });
    let class = class.unwrap_or_default().to_ascii_lowercase();
    let processes = number(&["-w", "--workers"], "workers").unwrap_or_else(|| {
        told.variable_or(
            &["WEB_CONCURRENCY"],
            1,
            "gunicorn 26 runs one worker: --workers and WEB_CONCURRENCY are not set",
        )
    });
    let threads = if ["gevent", "eventlet"].iter().any(|green| class.contains(green)) {
        Threads::Green(number(&["--worker-connections"], "worker_connections").unwrap_or_else(|| {
            Number::assumed(
                1000,
                "a gevent or eventlet worker of gunicorn 26 serves 1000 clients \
                at once: --worker-connections is not set",
            )
        }))
    } else if ["uvicorn", "asgi", "aiohttp", "tornado", "hypercorn"].iter().any(|task| class.contains(task)) {
        Threads::Unbounded
    } else {
        Threads::Count(number(&["--threads"], "threads").unwrap_or_else(|| {
            Number::assumed(1, "a worker of gunicorn 26 has one thread: --threads is not set")
        }))
    };
    Launch { threads, ..Launch::serves("gunicorn", Language::Python, processes) }
}

fn uvicorn(call: &Call, told: &Told, program: &'static str) -> Launch {
    let processes = options::number(&call.words, &["--workers"], told).unwrap_or_else(|| {
        let why = format!("{program} runs one process: --workers and WEB_CONCURRENCY are not set");
        told.variable_or(&["UVICORN_WORKERS", "WEB_CONCURRENCY"], 1, why)
    });
    Launch { threads: Threads::Unbounded, ..Launch::serves(program, Language::Python, processes) }
}

fn hypercorn(call: &Call, told: &Told) -> Launch {
    let processes = options::number(&call.words, &["-w", "--workers"], told)
        .unwrap_or_else(|| Number::assumed(1, "hypercorn 0.18 runs one worker: --workers is not set"));
    Launch { threads: Threads::Unbounded, ..Launch::serves("hypercorn", Language::Python, processes) }
}

fn daphne(_: &Call, _: &Told) -> Launch {
    Launch { threads: Threads::Unbounded, ..Launch::serves("daphne", Language::Python, Number::implied(1)) }
}

fn granian(call: &Call, told: &Told) -> Launch {
    let processes = options::number(&call.words, &["--workers"], told).unwrap_or_else(|| {
        told.variable_or(
            &["GRANIAN_WORKERS"],
            1,
            "granian 2 runs one worker: --workers and GRANIAN_WORKERS are not set",
        )
    });
    let interface = options::value(&call.words, &["--interface"]).map(|text| text.text);
    let wsgi = interface
        .as_deref()
        .or_else(|| told.text("GRANIAN_INTERFACE"))
        .is_some_and(|name| name.starts_with("wsgi"));
    let threads = match wsgi {
        true => {
            Threads::Count(options::number(&call.words, &["--blocking-threads"], told).unwrap_or_else(|| {
                let why = "a WSGI worker of granian has up to half its backlog in threads: \
                --blocking-threads is not set";
                told.variable_or(&["GRANIAN_BLOCKING_THREADS"], 512, why)
            }))
        }
        false => Threads::Unbounded,
    };
    Launch { threads, ..Launch::serves("granian", Language::Python, processes) }
}

fn uwsgi(call: &Call, told: &Told) -> Launch {
    let named = options::value(&call.words, &["--ini", "--ini-paste"]).map(|text| text.text);
    let named = named.or_else(|| call.operands().find(|word| word.ends_with(".ini")).map(str::to_owned));
    let file = match named {
        Some(path) => told.file(&path),
        None => told.files(|path| path.ends_with("uwsgi.ini")).next().map(|(_, file)| file),
    };
    let pairs = file.map(lines::pairs).unwrap_or_default();
    let number = |names: &[&str], keys: &[&str], variables: &[&str]| {
        let of_file = || {
            let pair = lines::last(&pairs, keys)?;
            match pair.value {
                "%k" => told.number("$(nproc)", &pair.place, pair.key),
                value => told.number(value, &pair.place, pair.key),
            }
        };
        options::number(&call.words, names, told).or_else(of_file).or_else(|| told.variable(variables))
    };
    let processes = number(
        &["-p", "--processes", "--workers"],
        &["processes", "workers"],
        &["UWSGI_PROCESSES", "UWSGI_WORKERS"],
    );
    let processes =
        processes.unwrap_or_else(|| Number::assumed(1, "uWSGI 2 runs one worker: processes is not set"));
    let green =
        number(&["--gevent", "--asyncio", "--async"], &["gevent", "asyncio", "async"], &["UWSGI_GEVENT"]);
    let threads =
        match green {
            Some(green) => Threads::Green(green),
            None => Threads::Count(number(&["--threads"], &["threads"], &["UWSGI_THREADS"]).unwrap_or_else(
                || Number::assumed(1, "a worker of uWSGI 2 has one thread: threads is not set"),
            )),
        };
    let django = pairs.iter().any(|pair| {
        matches!(pair.key, "module" | "wsgi-file" | "wsgi")
            && (pair.value.contains(".wsgi") || pair.value.ends_with("wsgi.py"))
    });
    Launch { threads, framework: django, ..Launch::serves("uWSGI", Language::Python, processes) }
}

fn waitress(call: &Call, told: &Told) -> Launch {
    let threads = options::number(&call.words, &["--threads"], told).unwrap_or_else(|| {
        Number::assumed(4, "waitress has 4 threads: --threads is not set (its default is assumed)")
    });
    Launch::serves("waitress", Language::Python, Number::implied(1)).with_threads(threads)
}

fn flask(call: &Call, told: &Told) -> Recognised {
    match call.operand() {
        "run" => Launch {
            threads: Threads::Unbounded,
            framework: is_django(call, told),
            ..Launch::serves("flask run", Language::Python, Number::implied(1))
        }
        .into(),
        "db" => Launch::short("a migration", Language::Python).into(),
        _ => Launch { framework: false, ..Launch::short("a command of flask", Language::Python) }.into(),
    }
}

/// `manage.py`: the development server, workers of task queues, commands of Django and of one's own.
fn manage(call: &Call, told: &Told) -> Recognised {
    let one = |program, life| Launch {
        life,
        framework: true,
        ..Launch::serves(program, Language::Python, Number::implied(1)).with_threads(Number::implied(1))
    };
    let command = call.operand();
    let launch = match command {
        "runserver" | "runserver_plus" | "testserver" => {
            let threads = match call.says("--nothreading") {
                true => Threads::Count(Number::implied(1)),
                false => Threads::Unbounded,
            };
            Launch { threads, ..one("manage.py runserver", Span::Serves) }
        }
        "run_huey" => return super::tasks::huey(call, told, true).into(),
        "rundramatiq" => return super::tasks::dramatiq(call, told, true).into(),
        "qcluster" => {
            let why = format!(
                "django-q runs a worker for each core (assumed) {}: Q_CLUSTER's workers is not seen",
                told.cores_why()
            );
            Launch { processes: Number::assumed(told.cores().0, why), ..one("django-q", Span::Serves) }
        }
        "collectstatic" | "compilemessages" | "makemessages" | "compress" | "check" | "help" | "version"
        | "startproject" | "startapp" | "diffsettings" => return Recognised::Silent,
        "migrate" | "makemigrations" | "loaddata" | "dumpdata" | "createsuperuser" | "createcachetable"
        | "flush" | "clearsessions" | "showmigrations" => {
            Launch { framework: true, ..Launch::short("manage.py migrate", Language::Python) }
        }
        _ => one("manage.py", Span::Runs),
    };
    let program = match command {
        "migrate" => "manage.py migrate",
        _ if launch.life == Span::Short => "a command of manage.py",
        _ => launch.program,
    };
    Launch { program, ..launch }.into()
}

fn script(program: &str, told: &Told) -> Launch {
    let _ = program;
    Launch {
        life: Span::Runs,
        framework: told.any_begins("DJANGO_"),
        ..Launch::serves(
            "python",
            Language::Python,
            Number::assumed(1, "one process of python: whether it forks others is not seen"),
        )
    }
}
