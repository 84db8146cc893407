//! PHP: a process holds one connection, as long as it serves a request.

use super::super::calls::Call;
use super::super::told::Told;
use super::super::{lines, options};
use super::{Language, Launch, Recognised, Span};
use crate::Number;

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    match call.program.as_str() {
        "php-fpm" => fpm(told).into(),
        "apache2-foreground" | "apache2ctl" => apache(told).into(),
        "php" | "artisan" | "console" => php(call, told),
        program if program.starts_with("php-fpm") => fpm(told).into(),
        _ => Recognised::Unknown,
    }
}

fn one_each(program: &'static str, processes: Number) -> Launch {
    Launch::serves(program, Language::Php, processes).with_threads(Number::implied(1))
}

/// The pool files of php-fpm: the last one wins that says how many children there are at most.
pub(in crate::pools) fn fpm(told: &Told) -> Launch {
    let of_files = told.files(|path| path.ends_with(".conf")).filter_map(|(_, file)| {
        let pairs = lines::pairs(file);
        let pair = lines::last(&pairs, &["pm.max_children"])?;
        told.number(pair.value, &pair.place, pair.key)
    });
    let processes = of_files.last().unwrap_or_else(|| {
        let why = "php-fpm runs up to 5 children, as the www.conf of its image says (assumed): \
                pm.max_children is not seen";
        told.variable_or(
            &["PHP_FPM_PM_MAX_CHILDREN", "PM_MAX_CHILDREN", "FPM_PM_MAX_CHILDREN", "PHP_FPM_MAX_CHILDREN"],
            5,
            why,
        )
    });
    one_each("php-fpm", processes)
}

pub(in crate::pools) fn apache(told: &Told) -> Launch {
    let of_files = told.files(|path| path.ends_with(".conf")).filter_map(|(_, file)| {
        let pairs = lines::pairs(file);
        let pair = lines::last(&pairs, &["MaxRequestWorkers", "MaxClients"])?;
        told.number(pair.value, &pair.place, pair.key)
    });
    let processes = of_files.last().unwrap_or_else(|| {
        Number::assumed(
            150,
            "apache with mod_php runs up to 150 workers: MaxRequestWorkers is not \
            seen (Debian's default is assumed)",
        )
    });
    one_each("apache", processes)
}

fn php(call: &Call, told: &Told) -> Recognised {
    let command =
        call.operands().find(|word| !matches!(*word, "artisan" | "bin/console") && !word.ends_with(".php"));
    match command.unwrap_or("") {
        command if command.starts_with("octane:") => {
            let processes = options::number(&call.words, &["--workers"], told).unwrap_or_else(|| {
                let why = format!(
                    "Octane runs a worker for each core (assumed) {}: --workers is not set",
                    told.cores_why()
                );
                Number::assumed(told.cores().0, why)
            });
            one_each("php artisan octane", processes).into()
        }
        "horizon" => one_each(
            "php artisan horizon",
            Number::assumed(
                10,
                "10 processes of Horizon assumed: maxProcesses in config/horizon.php is not seen",
            ),
        )
        .into(),
        command
            if command.starts_with("migrate")
                || command.starts_with("doctrine:")
                || command.starts_with("db:") =>
        {
            Launch::short("a migration", Language::Php).into()
        }
        command
            if ["config:", "route:", "view:", "cache:", "key:", "storage:", "optimize"]
                .iter()
                .any(|c| command.starts_with(c)) =>
        {
            Recognised::Silent
        }
        _ => Launch { life: Span::Runs, ..one_each("php", Number::implied(1)) }.into(),
    }
}
