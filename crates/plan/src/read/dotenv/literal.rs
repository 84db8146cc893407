//! Env files whose values are what they are: systemd's `EnvironmentFile=`, and the `.env` beside a Procfile.
//!
//! A comment has a line of its own, quotes may hold parts of a value, and no variable is filled in.

use std::sync::Arc;

use super::{MALFORMED, Setting};
use crate::read::findings::Findings;
use crate::read::source::Source;
use crate::{Finding, Level, Text};

/// Who reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Dialect {
    /// systemd: `;` begins a comment too, and `export` is part of a name, which makes it none.
    Systemd,
    /// foreman and its kin.
    Foreman,
    /// compose with `format: raw`: quotes and blanks are part of the value.
    Raw,
}

/// An env file without variables. Lines that set nothing are found, and left out as their reader does.
pub(in crate::read) fn literal(
    file: &Arc<str>,
    text: &Arc<str>,
    dialect: Dialect,
    findings: &mut Findings,
) -> Vec<Setting> {
    let source = Source::new(file, text);
    let mut settings = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.split('\n').next().unwrap_or_default();
        let blank = line.len() - line.trim_start().len();
        let said = line.trim();
        let comment = said.starts_with('#') || (dialect == Dialect::Systemd && said.starts_with(';'));
        if said.is_empty() || comment {
            at += line.len() + 1;
            continue;
        }
        let place = source.place(at + blank);
        let sign = line.find('=').unwrap_or(line.len());
        let name = match dialect {
            Dialect::Systemd => line[..sign].trim(),
            Dialect::Foreman => bare(line[..sign].trim()),
            Dialect::Raw => line[..sign].trim_start(),
        };
        if sign == line.len() || !is_name(name) {
            findings.push(Finding {
                level: Level::Warning,
                ..Finding::at(
                    &MALFORMED,
                    &place,
                    "this line sets no variable: it is skipped",
                    "write NAME=value, without export",
                )
            });
            at += line.len() + 1;
            continue;
        }
        let (value, long) = match dialect {
            Dialect::Raw => (line[sign + 1..].to_owned(), line.len() - sign),
            Dialect::Systemd | Dialect::Foreman => value(&rest[sign + 1..]),
        };
        settings.push(Setting { key: Text::new(name, place), value: Some(value) });
        at += sign + 1 + long;
    }
    settings
}

fn bare(name: &str) -> &str {
    name.strip_prefix("export")
        .filter(|rest| rest.starts_with(char::is_whitespace))
        .map_or(name, str::trim_start)
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric())
        && name.bytes().next().is_some_and(|c| !c.is_ascii_digit())
}

/// The value a text begins with, and how many bytes it takes, the end of its line with it.
fn value(text: &str) -> (String, usize) {
    let mut value = String::new();
    // Blanks at the end go, unless quotes or a backslash hold them.
    let mut kept = 0;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '\n') => {
                value.truncate(kept.max(value.trim_end().len()));
                return (value, at + 1);
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some('\''), c) => value.push(c),
            (Some(_), '\\') => match chars.next() {
                Some((_, '\n')) | None => {}
                Some((_, c @ ('"' | '\\' | '`' | '$'))) => value.push(c),
                Some((_, c)) => value.extend(['\\', c]),
            },
            (None, '\\') => match chars.next() {
                Some((_, '\n')) | None => {}
                Some((_, c)) => value.push(c),
            },
            (None, c) if c.is_whitespace() && value.is_empty() && kept == 0 => continue,
            (None, c) => {
                value.push(c);
                continue;
            }
            (Some(_), c) => value.push(c),
        }
        kept = value.len();
    }
    value.truncate(kept.max(value.trim_end().len()));
    (value, text.len())
}
