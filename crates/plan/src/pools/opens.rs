//! What opens connections: the programs of a container, each with its pool.

use super::address::{self, Proof, Target};
use super::calls::Call;
use super::launch::{self, Language, Launch, Recognised, Span, Threads};
use super::library::{self, Ground};
use super::told::Told;
use super::{Opener, Part, service, sums};
use crate::{Number, Stage};

/// The openers of a container, or nothing.
pub(super) fn look(told: &Told, calls: &[Call]) -> Part {
    if let Some(part) = service::look(told, calls) {
        return part;
    }
    let mut openers = Vec::new();
    for call in calls {
        let told = told.with(&call.assignments);
        for launch in launches(call, &told) {
            openers.extend(opener(&launch, call, &told));
        }
    }
    if told.container.command.is_empty()
        && let Some(launch) = of_image(told)
    {
        let call = Call { program: String::new(), words: Vec::new(), assignments: Vec::new(), ends: false };
        openers.extend(opener(&launch, &call, told));
    }
    match openers.is_empty() {
        true => Part::Nothing,
        false => Part::Opens(openers),
    }
}

fn launches(call: &Call, told: &Told) -> Vec<Launch> {
    match launch::recognise(call, told) {
        Recognised::Starts(launches) => launches,
        Recognised::Silent => Vec::new(),
        Recognised::Unknown => {
            let why = match call.program.as_str() {
                "" => "one process assumed: the image's own program is not known".to_owned(),
                program => format!("one process assumed: {program} is not known"),
            };
            let launch = Launch::serves("program", launch::language(told), Number::assumed(1, why));
            vec![Launch { life: Span::Runs, framework: told.any_begins("DJANGO_"), ..launch }]
        }
    }
}

/// What an image runs when nobody tells it what.
fn of_image(told: &Told) -> Option<Launch> {
    let image = told.container.image.as_ref()?;
    let tag = image.text.rsplit(':').next().unwrap_or("");
    let fpm = tag.contains("fpm") || told.image_name().contains("fpm");
    let language = launch::language(told);
    let launch = match language {
        Language::Php if fpm => launch::fpm(told),
        Language::Php if tag.contains("apache") => launch::apache(told),
        _ if told.image_name().starts_with("uvicorn-gunicorn") => {
            let why = format!(
                "the image runs a worker for each core {}: WEB_CONCURRENCY is not set",
                told.cores_why()
            );
            let processes = told.variable_or(&["WEB_CONCURRENCY"], told.cores().0.max(2), why);
            Launch { threads: Threads::Unbounded, ..Launch::serves("gunicorn", Language::Python, processes) }
        }
        _ => Launch::serves(
            "program",
            language,
            Number::assumed(
                1,
                "one process assumed: what the image runs is not seen, for no command is given",
            ),
        ),
    };
    Some(Launch { framework: launch.framework || told.any_begins("DJANGO_"), ..launch })
}

fn opener(launch: &Launch, call: &Call, told: &Told) -> Option<Opener> {
    let target = address::target(told, &call.words);
    let doubt = doubt(launch, told, &target)?;
    let pooled = library::pooled(&Ground { launch, told, target: &target, words: &call.words });
    let program = match launch.program {
        "program" if !call.program.is_empty() => call.program.as_str(),
        "program" => told.image_name(),
        program => program,
    };
    let what = match pooled.library {
        "" => program.to_owned(),
        library if library == program => program.to_owned(),
        library => format!("{program}, {library}"),
    };
    let mut pool = pooled.pool;
    if let Some(doubt) = doubt {
        pool.most = sums::doubted(pool.most, &doubt);
    }
    let stage = match launch.life {
        Span::Short | Span::Runs if call.ends => Stage::Init,
        Span::Serves | Span::Runs | Span::Short => Stage::Main,
    };
    Some(Opener {
        what,
        processes: launch.processes.clone(),
        pool,
        aside: Number::implied(launch.aside),
        to: target.address,
        application: target.application,
        stage,
    })
}

/// Whether it connects to PostgreSQL: `None` if nothing says so, else what is doubtful about it.
fn doubt(launch: &Launch, told: &Told, target: &Target) -> Option<Option<String>> {
    match &target.proof {
        Proof::Shown => Some(None),
        Proof::Other => None,
        Proof::Hidden(name) => Some(Some(format!(
            "that it connects to PostgreSQL is taken from the name of {name}, whose value no file shows"
        ))),
        Proof::None if matches!(launch.program, "psql" | "pg_dump" | "pgbench") => Some(None),
        Proof::None => {
            let unseen = told.unseen().filter(|_| launch.language != Language::Unknown)?;
            Some(Some(format!(
                "that it connects to PostgreSQL is assumed: more of its environment comes from {unseen}"
            )))
        }
    }
}
