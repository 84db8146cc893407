//! Poolers: PgBouncer, connwarden, and others as far as their settings are simple.

use super::address::{self, Target};
use super::calls::Call;
use super::told::Told;
use super::{Opener, Part, Pool, Pooler};
use crate::{Number, Stage, Text};

mod connwarden;
mod others;
mod pgbouncer;
mod tally;

/// The part of a container that is a pooler, or talks to one as its administrator.
pub(super) fn look(told: &Told, calls: &[Call]) -> Option<Part> {
    let image = told.image_name();
    if image.contains("exporter") {
        return None;
    }
    let runs = |name: &str| calls.iter().find(|call| call.program == name);
    let by_image = |name: &str| {
        let own = calls.iter().all(|call| {
            call.program.is_empty() || call.program.contains("entrypoint") || call.program == "run.sh"
        });
        (image.contains(name) && own).then(|| calls.first().map_or(&[][..], |call| &call.words[..]))
    };
    if let Some(call) = runs("connwarden") {
        return connwarden_call(told, call);
    }
    if let Some(words) = by_image("connwarden") {
        return connwarden::pooler(told, words).map(Part::Pooler);
    }
    if let Some(words) = runs("pgbouncer").map(|call| &call.words[..]).or_else(|| by_image("pgbouncer")) {
        return Some(Part::Pooler(pgbouncer::pooler(told, words, "PgBouncer")));
    }
    let words = |name: &str| runs(name).map(|call| &call.words[..]).or_else(|| by_image(name));
    let pooler = words("pgcat").map(|_| others::pgcat(told));
    let pooler = pooler.or_else(|| words("pgdog").map(|_| others::pgdog(told)));
    let pooler = pooler.or_else(|| words("odyssey").map(|_| others::odyssey(told)));
    pooler.or_else(|| words("pgpool").map(|_| others::pgpool(told))).map(Part::Pooler)
}

/// `connwarden proxy`, `connwarden pgbouncer x.ini`; every other command holds one connection while it looks.
fn connwarden_call(told: &Told, call: &Call) -> Option<Part> {
    let words = call.words.get(1..).unwrap_or(&[]);
    match call.words.first().map_or("", |word| word.text.as_str()) {
        "proxy" => connwarden::pooler(told, words).map(Part::Pooler),
        "pgbouncer" => Some(Part::Pooler(pgbouncer::pooler(told, words, "connwarden"))),
        "plan" | "config" | "explain" | "completions" | "man" | "replay" | "--version" | "--help" => {
            Some(Part::Nothing)
        }
        command => {
            let target = address::target(told, &call.words);
            Some(Part::Opens(vec![Opener {
                what: format!("connwarden {command}").trim_end().to_owned(),
                processes: Number::implied(1),
                pool: Pool::fixed(Number::implied(1)),
                aside: Number::implied(0),
                to: target.address,
                application: target.application,
                stage: Stage::Main,
            }]))
        }
    }
}

/// A pooler with one process, told apart from what it adds up to.
fn pooler(what: &str, kept: Number, most: Number, clients_max: Number, target: Target) -> Pooler {
    let kept = super::sums::at_most(kept, &most);
    Pooler {
        what: what.to_owned(),
        processes: Number::implied(1),
        kept,
        most,
        clients_max,
        to: target.address,
    }
}

/// The file that a program is given: its last word that is no option, or the first file that passes.
fn named<'a>(told: &Told<'a>, words: &[Text], passes: impl Fn(&str, &str) -> bool) -> Option<&'a Text> {
    let given = words.iter().rev().filter(|word| !word.text.starts_with('-'));
    let given = given.map(|word| word.text.rsplit('=').next().unwrap_or("")).find_map(|path| told.file(path));
    given.or_else(|| told.files(|_| true).find(|(path, file)| passes(path, &file.text)).map(|(_, file)| file))
}
