//! Documents that are written from the model, so that they can't say anything else than the program does.

use std::fmt::Write as _;
use std::path::Path;

use inspect::report::schema_of;
use model::catalog::metrics::{PROXY, health};
use model::catalog::{Change, Descent, Kind, Section, Setting, unbuilt};

use plan::measure::MeasureReport;
use plan::report::{LintReport, PlanReport};
use plan::simulate::form::SimulationReport;

use crate::{files, judge, read};

/// Every generated file and its text.
fn all() -> Vec<(String, String)> {
    let mut files = vec![
        ("docs/settings.md".to_owned(), settings()),
        ("docs/metrics.md".to_owned(), metrics()),
        ("docs/rules.md".to_owned(), rules()),
    ];
    let plans = [
        schema_of::<LintReport>(LintReport::SCHEMA),
        schema_of::<PlanReport>(PlanReport::SCHEMA),
        schema_of::<SimulationReport>(SimulationReport::SCHEMA),
        schema_of::<MeasureReport>(MeasureReport::SCHEMA),
    ];
    files.extend(
        inspect::report::schemas()
            .into_iter()
            .chain(plans)
            .map(|(name, schema)| (schema_file(name), format!("{schema:#}\n"))),
    );
    files
}

/// Where the schemas of the reports are.
const SCHEMAS: &str = "docs/schema";

/// `connwarden.status/1` is described by `docs/schema/status-1.json`.
fn schema_file(name: &str) -> String {
    let short = name.strip_prefix("connwarden.").unwrap_or(name).replace('/', "-");
    format!("{SCHEMAS}/{short}.json")
}

/// `gen`.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    for (name, text) in all() {
        let path = root.join(&name);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(&path, text)?;
        println!("{name}");
    }
    Ok(())
}

/// `gen --check`.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let all = all();
    let stale = |(name, text): &(String, String)| {
        let present = read(&root.join(name)).unwrap_or_default();
        (present != *text).then(|| format!("{name} is stale: cargo xtask gen"))
    };
    let mut offences: Vec<String> = all.iter().filter_map(stale).collect();
    for path in files(&root.join(SCHEMAS), ".json")? {
        if !all.iter().any(|(name, _)| root.join(name) == path) {
            offences.push(format!("{} describes no report", path.display()));
        }
    }
    judge("stale documents", &offences)
}

const RULES: &str = "\
# Rules of the planner

Generated from the program's own table by `cargo xtask gen`; don't edit.

`plan lint` speaks by all of them, `plan check` by those of reading and adding up. `--ignore RULE` silences one; so does a comment
`# connwarden: ignore RULE` on the line or alone above it. A finding may be milder than its rule.

| rule | level | what it finds |
|---|---|---|
";

const METRICS: &str = "\
# Metrics

Generated from the program's own table by `cargo xtask gen`; don't edit.

Times are seconds, sizes bytes. No label ever holds a client, a statement, an address or a process id.
";

const INTRODUCTION: &str = "\
# Settings

Generated from the program's own table by `cargo xtask gen`; don't edit.

One file in TOML, the first found of `--config`, `$CONNWARDEN_CONFIG`, `./connwarden.toml`,
`$XDG_CONFIG_HOME/connwarden/connwarden.toml` and `/etc/connwarden/connwarden.toml`. A key that is not in a table below is
refused. `connwarden config check` names every mistake at once, `connwarden config show` every value and where it came from.

* A setting that PgBouncer has keeps its name and, unless the table says otherwise, its default. Settings marked *new* are ours.
* A duration has a unit: `\"250ms\"`, `\"15s\"`, `\"5m\"`, `\"1h\"`, `\"7d\"`; so has a size: `\"64KiB\"`, `\"1MiB\"`.
* A secret is a text, `{ env = \"NAME\" }` or `{ file = \"/path\" }`. It is never printed.
* Relative paths start where the file stands.
* *reload*: a change takes effect at a reload. *start*: at the next start.
* Where several sections know a setting, the user's value wins over the database's, and that over `[proxy]`'s.
";

fn rules() -> String {
    let mut text = RULES.to_owned();
    let mut all = plan::rules();
    all.sort_by_key(|rule| rule.id);
    for rule in all {
        let _ = writeln!(text, "| `{}` | {} | {} |", rule.id, rule.level.name(), rule.summary);
    }
    text
}

fn metrics() -> String {
    let mut text = METRICS.to_owned();
    let sides = [
        ("The proxy", "`metrics_listen` serves them at `/metrics`, `SHOW METRICS` prints them.", PROXY),
        (
            "A server",
            "`connwarden health -o prometheus` prints them. A metric without a sample is left out: what could not be seen is not zero.",
            health::ALL,
        ),
    ];
    for (side, about, all) in sides {
        let _ = write!(
            text,
            "\n## {side}\n\n{about}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n"
        );
        for metric in all {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let (name, kind, labels) = (metric.name, metric.kind.word(), labels.join(", "));
            let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {} |", metric.help);
        }
    }
    text
}

fn settings() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in Section::ALL {
        let _ = write!(text, "\n## {}\n\n{}\n\n", section.head(), about(section));
        text.push_str("| setting | value | default | change | meaning |\n|---|---|---|---|---|\n");
        for setting in section.settings() {
            text.push_str(&row(setting));
        }
    }
    text.push_str("\n## Settings of PgBouncer that are refused\n\n");
    text.push_str("Nobody should believe in a setting that is not honoured, so each of these is refused with its reason.\n\n");
    text.push_str("| setting | reason |\n|---|---|\n");
    for (reason, keys) in unbuilt::reasons() {
        let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "| {keys} | {} |", cell(&reason));
    }
    text
}

fn about(section: Section) -> &'static str {
    match section {
        Section::Proxy => "The process, and what holds for every pool where nobody says otherwise.",
        Section::Server => {
            "One PostgreSQL server. Databases name it, so that what holds for the server is counted once."
        }
        Section::Database => {
            "What clients ask for. `[database.\"*\"]` answers for every name without a section. The names `connwarden` and \
             `pgbouncer` lead to the console."
        }
        Section::User => "Who may log in, beside the names of `auth_file`.",
        Section::Admin => "Who may use the console.",
        Section::Target => {
            "A server that `status` and the other commands look at with `--target NAME`. The proxy does not read it, and a secret is \
             fetched only when its target is used."
        }
        Section::Checks => {
            "Where warning and critical begin for `health`, `status --check` and `monitor`. A value above one of them is bad."
        }
    }
}

fn row(setting: &Setting) -> String {
    let change = match setting.change {
        Change::Boot => "start",
        Change::Reload => "reload",
    };
    let descent = match setting.descent {
        Descent::Same => String::new(),
        Descent::Was("") => " PgBouncer's default: empty.".to_owned(),
        Descent::Was(default) => format!(" PgBouncer's default: `{default}`."),
        Descent::Ours => " *New.*".to_owned(),
    };
    let kind = match setting.kind {
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        kind => kind.words(),
    };
    let default = match (setting.section, setting.key, setting.default) {
        (Section::Server, "host", _) => "*required*".to_owned(),
        (Section::Proxy | Section::Admin | Section::Checks, _, "") => "*empty*".to_owned(),
        (_, _, "") => "*absent*".to_owned(),
        (_, _, default) => format!("`{default}`"),
    };
    format!(
        "| `{}` | {} | {} | {change} | {}{descent} |\n",
        setting.key,
        cell(&kind),
        cell(&default),
        cell(setting.meaning)
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace("\"`<empty>`\"", "`<empty>`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_has_a_file_of_its_own() {
        assert_eq!(schema_file("connwarden.status/1"), "docs/schema/status-1.json");
        let all = all();
        let names: std::collections::BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn every_setting_is_in_the_document() {
        let text = settings();
        for setting in model::catalog::all() {
            assert!(text.contains(&format!("| `{}` |", setting.key)), "{}", setting.key);
        }
        assert!(!text.contains("```") && !text.contains("  |"), "cells are tidy");
    }
}
