//! Literal values in Python files: `workers = 4`, `"CONN_MAX_AGE": 600`, `int(os.environ.get("DB_MAX_CONNS", "20"))`.
//! Not an interpreter: what is more than a literal is passed over.

use super::told::{Told, place_in};
use crate::{Number, Place, Text};

/// What is written behind a key, with its place: of `"KEY": value`, `KEY = value` and `KEY=value`, the first one.
pub(super) fn entry<'f>(file: &'f Text, key: &str) -> Option<(&'f str, Place)> {
    let text = file.text.as_str();
    text.match_indices(key).find_map(|(at, _)| {
        let begin = text.get(..at)?.rfind('\n').map_or(0, |line| line + 1);
        let line = text.get(begin..at)?;
        let outer = line.chars().next_back().filter(|c| c.is_ascii_alphanumeric() || *c == '_');
        if line.contains('#') || outer.is_some() {
            return None;
        }
        let behind = text.get(at + key.len()..)?;
        let behind = behind.strip_prefix(['"', '\'']).unwrap_or(behind).trim_start();
        let value = behind
            .strip_prefix(':')
            .or_else(|| behind.strip_prefix('=').filter(|rest| !rest.starts_with('=')))?;
        let value = value.trim_start_matches([' ', '\t']);
        let value = value.lines().next().unwrap_or("");
        Some((value.split(" #").next().unwrap_or("").trim_end().trim_end_matches(','), place_in(file, at)))
    })
}

/// A number as Python writes it: a literal, arithmetic over cores, or a variable of the environment with its default.
pub(super) fn number(text: &str, place: &Place, told: &Told) -> Option<Number> {
    let reads = ["environ", "getenv", "env(", "env.", "config("];
    let Some(at) = reads.iter().filter_map(|word| text.find(word)).min() else {
        return told
            .python(text.trim_end_matches(['}', ']', ')', ',', ' ']), place)
            .or_else(|| told.python(text, place));
    };
    let rest = text.get(at..)?;
    let open = rest.find(['"', '\''])?;
    let quote = rest.get(open..)?.chars().next()?;
    let (name, behind) = rest.get(open + 1..)?.split_once(quote)?;
    told.variable(&[name]).or_else(|| {
        let digits = behind.find(|c: char| c.is_ascii_digit())?;
        let digits = behind.get(digits..)?;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        told.number(digits.get(..end)?, place, name)
    })
}

/// A number as Ruby writes it: the last one of `1, 5`, or a variable with its default, `ENV.fetch("WEB_CONCURRENCY") { 2 }`.
pub(super) fn ruby(text: &str, place: &Place, name: &str, told: &Told) -> Option<Number> {
    if let Some((_, rest)) = text.split_once("ENV") {
        let open = rest.find(['"', '\''])?;
        let quote = rest.get(open..)?.chars().next()?;
        let (variable, behind) = rest.get(open + 1..)?.split_once(quote)?;
        return told.variable(&[variable]).or_else(|| {
            let digits = behind.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
            let digits: String = digits.collect();
            (!digits.is_empty()).then(|| told.number(&digits, place, name)).flatten()
        });
    }
    let last = text.trim_matches(['(', ')']).rsplit(',').next().unwrap_or("").trim();
    let literal = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
    literal.then(|| told.number(last, place, name)).flatten()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::testing::{container, mark, place};
    use super::*;

    #[test]
    fn a_value_is_a_literal_or_a_variable_with_its_default() {
        let container = container("", &[], &["WORKERS=7"]);
        let findings = RefCell::default();
        let told = Told::new(&container, &findings);
        for (line, value) in [
            ("workers = 4", Some("4w")),
            ("workers=4", Some("4w")),
            ("workers = 4  # four", Some("4w")),
            ("\"workers\": 4,", Some("4w")),
            ("{'workers': 4}", Some("4w")),
            ("workers = int(os.environ[\"WORKERS\"])", Some("7w")),
            ("workers = int(os.environ.get('WORKERS', 2))", Some("7w")),
            ("workers = int(os.getenv(\"OTHER\", \"2\"))", Some("2w")),
            ("workers = env.int(\"OTHER\", default=3)", Some("3w")),
            ("workers = multiprocessing.cpu_count() * 2 + 1", Some("5a")),
            ("workers = int(os.environ[\"OTHER\"])", None),
            ("workers = f(x)", None),
            ("# workers = 4", None),
            ("max_workers = 4", None),
            ("workers == 4", None),
            ("workers", None),
        ] {
            let file = Text::new(format!("import os\n{line}\n"), place());
            let found = entry(&file, "workers").and_then(|(text, place)| number(text, &place, &told));
            assert_eq!(found.as_ref().map(mark).as_deref(), value, "{line}");
        }
        assert!(findings.borrow().is_empty());
    }
}
