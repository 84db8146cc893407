//! Commands that say something else than they seem to.

use super::rule;
use crate::pools::Part;
use crate::{Finding, Level, Place, Rule, Scene, setting};

/// `#` in a command that no shell reads.
pub(super) const COMMENT: Rule = rule(
    "COMPOSE001",
    Level::Error,
    "A # in a service's command begins no comment: it and what follows become arguments.",
);

/// One setting, two values.
pub(super) const TWICE: Rule =
    rule("COMPOSE002", Level::Warning, "A server is given two values of one setting; the last one wins.");

/// In a text of several lines (`command: >`, `command: |`) YAML knows no comments, and compose splits what is left at
/// the blanks.
pub(super) fn comment(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for looked in scene.looked.iter().filter(|looked| looked.workload.kind == "service") {
        let server = matches!(looked.part, Part::Server(_));
        // A name or a value may well begin with the sign; a server of PostgreSQL takes no such argument.
        let begins = |word: &str| word == "#" || (server && word.starts_with('#'));
        let mut lines: Vec<u32> = Vec::new();
        for word in looked.container.command.iter().filter(|word| begins(&word.text)) {
            if lines.contains(&word.place.line) {
                continue;
            }
            lines.push(word.place.line);
            let what = match server {
                true => "postgres reads it as an argument and refuses to start (invalid argument: \"#\")",
                false => "the program gets it, and every word behind it, as arguments",
            };
            found.push(Finding::at(
                &COMMENT,
                &word.place,
                format!("this # of {} is no comment: {what}", looked.name()),
                "give the command as a list, one argument a line: comments may stand between its lines",
            ));
        }
    }
    found
}

/// `-c shared_buffers=256MB ... -c shared_buffers=1GB`
pub(super) fn twice(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, server) in scene.servers() {
        // What a file says and the command says differently is meant: the command stands above the file.
        let spoken = |place: &Place| looked.container.says_at(place);
        for (at, (name, value)) in server.settings.iter().enumerate() {
            let mut earlier = server.settings.iter().take(at).rev();
            let same = earlier.find(|(other, _)| other.text.eq_ignore_ascii_case(&name.text));
            let Some((_, before)) = same else { continue };
            if setting::same(&before.text, &value.text) || spoken(&before.place) != spoken(&value.place) {
                continue;
            }
            let plain = [before, value].iter().all(|one| setting::is_plain(&name.text, &one.text));
            let said = match plain {
                true => format!("{} is {} here and {}", name.text, before.text, value.text),
                // A connection string or a command may hold a password.
                false => format!("{} has one value here and another", name.text),
            };
            found.push(Finding::at(
                &TWICE,
                &before.place,
                format!("{said} at {}: the later one holds", value.place),
                "keep one of the two",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;

    #[test]
    fn a_comment_among_the_servers_arguments_is_found_at_its_line() {
        let found = World::default()
            .server(&[("max_connections", "200")])
            .command(&[
                (4, "postgres"),
                (5, "-c"),
                (5, "max_connections=200"),
                (6, "#"),
                (6, "more"),
                (7, "#shared"),
            ])
            .found("COMPOSE001");
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [6, 7]);
        assert!(found[0].1.contains("refuses to start"), "{}", found[0].1);
    }

    #[test]
    fn a_sign_within_a_word_or_in_another_programs_name_is_no_comment() {
        let server = World::default().server(&[]).command(&[(4, "postgres"), (5, "--log_line_prefix=#%m")]);
        assert_eq!(server.found("COMPOSE001"), []);
        let other = World::default().opener("api", "node", 10).command(&[(4, "node"), (4, "#channel")]);
        assert_eq!(other.found("COMPOSE001"), []);
        let manifest = World::default().kind("Deployment").server(&[]).command(&[(4, "postgres"), (4, "#")]);
        assert_eq!(manifest.found("COMPOSE001"), [], "its arguments are a list: somebody meant it");
    }

    #[test]
    fn of_two_values_the_first_is_in_vain() {
        let world = World::default().server(&[
            ("shared_buffers", "256MB"),
            ("work_mem", "4MB"),
            ("shared_buffers", "1GB"),
        ]);
        let found = world.found("COMPOSE002");
        assert_eq!(found.len(), 1);
        assert!(found[0].1.starts_with("shared_buffers is 256MB here and 1GB at "), "{}", found[0].1);
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_told() {
        let world = World::default().server(&[
            ("primary_conninfo", "host=db password=hunter2"),
            ("primary_conninfo", "host=db2 password=hunter3"),
        ]);
        let found = world.found("COMPOSE002");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].1.starts_with("primary_conninfo has one value here and another at "),
            "{}",
            found[0].1
        );
        assert!(!found[0].1.contains("hunter"), "{}", found[0].1);
    }

    #[test]
    fn two_spellings_of_one_value_are_one_value() {
        let world = World::default().server(&[("shared_buffers", "1GB"), ("shared_buffers", "1024MB")]);
        assert_eq!(world.found("COMPOSE002"), []);
    }
}
