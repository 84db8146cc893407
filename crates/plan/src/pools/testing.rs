//! Containers and expectations for the tests of this room.

use std::sync::Arc;

use super::{Look, Opener, Part, look};
use crate::{Container, Number, Origin, Place, Text, Variable};

/// Where everything in tests is written.
pub(super) fn place() -> Place {
    let file: Arc<str> = "compose.yaml".into();
    Place::new(&file, 7, 1)
}

/// A container of an image, words and variables. A variable `NAME=?` comes from a secret.
pub(super) fn container(image: &str, words: &[&str], environment: &[&str]) -> Container {
    let mut container = Container::new("api", place());
    container.image = (!image.is_empty()).then(|| Text::new(image, place()));
    container.command = words.iter().map(|word| Text::new(*word, place())).collect();
    for pair in environment {
        let (name, value) = pair.split_once('=').expect("NAME=value");
        let value = (value != "?").then(|| value.to_owned());
        container.environment.insert(name.into(), Variable { value, place: place() });
    }
    container
}

/// As [`container`], its words split at blanks; quoted ones at `|`.
pub(super) fn line(image: &str, command: &str, environment: &[&str]) -> Container {
    let words: Vec<&str> = match command.split_once('|') {
        Some((start, whole)) => start.split_whitespace().chain([whole]).collect(),
        None => command.split_whitespace().collect(),
    };
    container(image, &words, environment)
}

/// Its openers; fails if it is something else.
pub(super) fn openers(look: &Look) -> &[Opener] {
    match &look.part {
        Part::Opens(openers) => openers,
        other => panic!("no openers: {other:?}"),
    }
}

/// `processes x kept..most` of each opener, with `w` behind what is written and `a` behind what is assumed.
pub(super) fn shape(container: &Container) -> String {
    let look = look(container);
    match &look.part {
        Part::Opens(openers) => {
            let one = |o: &Opener| {
                format!("{} x {}..{}", mark(&o.processes), mark(&o.pool.kept), mark(&o.pool.most))
            };
            openers.iter().map(one).collect::<Vec<_>>().join(" + ")
        }
        Part::Pooler(_) => "pooler".into(),
        Part::Server(_) => "server".into(),
        Part::Nothing => "nothing".into(),
    }
}

/// The rules of its findings.
pub(super) fn rules(container: &Container) -> Vec<&'static str> {
    look(container).findings.iter().map(|finding| finding.rule.id).collect()
}

/// A number and where it is from.
pub(super) fn mark(number: &Number) -> String {
    let from = match number.origin {
        Origin::Written(_) => "w",
        Origin::Assumed(_) => "a",
        Origin::Implied => "",
    };
    format!("{}{from}", number.value)
}
