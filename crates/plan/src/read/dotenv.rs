//! Env files: `NAME=value`, line by line. Compose reads them with quotes, comments and variables; systemd and the
//! runners of Procfiles take them as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings::Findings;
use super::interpolate::{self, FaultKind};
use super::source::{Counted, Source};
use crate::{Finding, Level, Rule, Text};

mod literal;

pub(super) use literal::{Dialect, literal};

/// A line of an env file that sets nothing.
pub const MALFORMED: Rule =
    Rule { id: "ENVFILE001", level: Level::Error, summary: "A line of an env file could not be read." };

/// A variable within a value of an env file.
pub const VARIABLE: Rule = Rule {
    id: "ENVFILE002",
    level: Level::Warning,
    summary: "A value in an env file names an unset variable.",
};

/// The most bytes a value may grow by its variables: no process can be given a longer one (Linux: 32 pages).
const GROWTH_MAX: usize = 128 * 1024;

/// The most bytes all values of a file may have together.
const VALUES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The variables of env files that compose is given by `--env-file`, later ones over earlier ones. `lookup`: the environment
/// around, which wins.
pub fn around(
    files: &[(&str, Arc<str>)],
    lookup: &dyn Fn(&str) -> Option<String>,
) -> (BTreeMap<String, String>, Vec<Finding>) {
    let mut findings = Findings::default();
    let mut all = BTreeMap::new();
    for (name, text) in files {
        let file: Arc<str> = (*name).into();
        for Setting { key, value } in compose(&file, text, lookup, &mut all.clone(), &mut findings) {
            if let Some(value) = value.or_else(|| lookup(&key.text)) {
                all.insert(key.text, value);
            }
        }
    }
    (all, findings.into_vec())
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The variable's name.
    pub key: Text,
    /// Its value; `None` where the line is a name alone, and the value comes from the environment around.
    pub value: Option<String>,
}

/// An env file as compose reads it. `lookup` wins over `earlier`: what files before this one say, to which this one adds.
pub(super) fn compose(
    file: &Arc<str>,
    text: &Arc<str>,
    lookup: &dyn Fn(&str) -> Option<String>,
    earlier: &mut BTreeMap<String, String>,
    findings: &mut Findings,
) -> Vec<Setting> {
    let source = Source::new(file, text);
    let mut reading = Reading {
        source: &source,
        text: text.trim_start_matches('\u{feff}'),
        begin: text.len() - text.trim_start_matches('\u{feff}').len(),
        at: 0,
        lookup,
        earlier,
        bytes: 0,
        counted: Counted::default(),
        settings: Vec::new(),
        findings,
    };
    while reading.statement() {}
    reading.settings
}

struct Reading<'a> {
    source: &'a Source,
    text: &'a str,
    /// Where the text begins in the source: behind a byte order mark.
    begin: usize,
    at: usize,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    earlier: &'a mut BTreeMap<String, String>,
    bytes: usize,
    counted: Counted,
    settings: Vec<Setting>,
    findings: &'a mut Findings,
}

/// A blank that does not end the line.
fn is_blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

impl<'a> Reading<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(skipped).len();
    }

    fn wrong(&mut self, at: usize, message: &str, fix: &'static str) {
        let place = self.source.place_from(self.begin + at, &mut self.counted);
        self.findings.push(Finding::at(&MALFORMED, &place, message, fix));
    }

    /// Reads one line, or several if quotes hold them together. Says whether there may be more.
    fn statement(&mut self) -> bool {
        self.skip(char::is_whitespace);
        if self.rest().is_empty() {
            return false;
        }
        if self.rest().starts_with('#') {
            self.skip(|c| c != '\n');
            return true;
        }
        if self.bytes > VALUES_BYTES_MAX {
            self.wrong(self.at, "the values of this file are beyond 8 MiB", "shorten them");
            return false;
        }
        if self.rest().strip_prefix("export").is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
            self.at += "export".len();
            self.skip(is_blank);
        }
        match self.key() {
            Some((key, true)) => {
                let value = self.value();
                self.set(key, value);
            }
            Some((key, false)) => self.set(key, None),
            None => self.skip(|c| c != '\n'),
        }
        true
    }

    /// The name, and whether a value follows.
    fn key(&mut self) -> Option<(Text, bool)> {
        let begin = self.at;
        let rest = self.rest();
        let is_part =
            |c: char| is_blank(c) || matches!(c, '_' | '.' | '-' | '[' | ']') || c.is_alphanumeric();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let follows = match rest[end..].chars().next() {
            Some('=' | ':') => true,
            Some('\n') | None => false,
            Some(_) => {
                self.wrong(
                    begin + end,
                    "this letter cannot be part of a variable's name",
                    "write NAME=value; a comment begins with #",
                );
                return None;
            }
        };
        let name = rest[..end].trim_end();
        if name.is_empty() {
            self.wrong(begin, "no name stands before the sign", "write NAME=value");
            return None;
        }
        if name.contains(' ') {
            self.wrong(
                begin,
                "a variable's name cannot hold a space",
                "write NAME=value; a comment begins with #",
            );
            return None;
        }
        self.at = begin + end + usize::from(end < rest.len());
        Some((Text::new(name, self.source.place_from(self.begin + begin, &mut self.counted)), follows))
    }

    fn value(&mut self) -> Option<String> {
        self.skip(is_blank);
        let begin = self.at;
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            let line = rest.split('\n').next().unwrap_or_default();
            self.at += line.len();
            let value = line.split(" #").next().unwrap_or_default().trim_end();
            return self.filled(value, begin);
        };
        let inside = rest.get(1..).unwrap_or_default();
        let Some((value, len)) = quoted(inside, quote) else {
            self.wrong(begin, "this quote is never closed", "close it, or leave both quotes out");
            self.skip(|c| c != '\n');
            return None;
        };
        self.at += 1 + len;
        if quote == '"' { self.filled(&unescaped(&value), begin) } else { Some(value) }
    }

    fn filled(&mut self, value: &str, begin: usize) -> Option<String> {
        let (lookup, earlier) = (self.lookup, &*self.earlier);
        let found = |name: &str| lookup(name).or_else(|| earlier.get(name).cloned());
        let filled = interpolate::fill(value, &found, GROWTH_MAX);
        let place = self.source.place_from(self.begin + begin, &mut self.counted);
        for fault in filled.faults {
            self.findings.push(fault_finding(&fault.kind, &place));
        }
        Some(filled.text)
    }

    fn set(&mut self, key: Text, value: Option<String>) {
        let known = value.clone().or_else(|| (self.lookup)(&key.text));
        if let Some(known) = known {
            self.bytes = self.bytes.saturating_add(known.len());
            self.earlier.insert(key.text.clone(), known);
        }
        self.settings.push(Setting { key, value });
    }
}

fn fault_finding(kind: &FaultKind, place: &crate::Place) -> Finding {
    let wrong = |message: String, fix: &'static str| Finding::at(&MALFORMED, place, message, fix);
    match kind {
        FaultKind::Unset(name) => Finding::at(
            &VARIABLE,
            place,
            format!("{} is not set: nothing stands in its place", interpolate::called(name)),
            "set it, or write the value in single quotes if the $ is meant as it stands",
        ),
        FaultKind::Required { name, said } if said.is_empty() => {
            wrong(format!("the variable {name} is not set, and the file insists on it"), "set it")
        }
        FaultKind::Required { name, said } => {
            wrong(format!("the variable {name} is not set, and the file insists on it: {said}"), "set it")
        }
        FaultKind::Open => wrong("a ${ is never closed".into(), "close it with }, or write $$ for a plain $"),
        FaultKind::Bad => wrong(
            "what stands in ${...} is no variable".into(),
            "write ${NAME} or ${NAME:-default}, or $$ for a plain $",
        ),
        FaultKind::Deep => wrong("defaults stand in defaults too deeply".into(), "nest them less"),
        FaultKind::Long => wrong("this value grows beyond 128 KiB".into(), "shorten it"),
    }
}

/// The text up to the closing quote, and the bytes with it. A backslash spares a quote and stays before all else.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            c if c == quote && !escaped => return Some((value, at + 1)),
            c if c == quote => value.push(c),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c => {
                if escaped {
                    value.push('\\');
                }
                value.push(c);
            }
        }
        escaped = false;
    }
    None
}

/// The escapes of a value in double quotes. `\$` becomes `$$`, which stays one `$` when variables are filled in.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let (put, long) = match behind.as_bytes().first() {
            Some(b'a') => ("\u{7}", 1),
            Some(b'b') => ("\u{8}", 1),
            Some(b'f') => ("\u{c}", 1),
            Some(b'n') => ("\n", 1),
            Some(b'r') => ("\r", 1),
            Some(b't') => ("\t", 1),
            Some(b'v') => ("\u{b}", 1),
            Some(b'"') => ("\"", 1),
            Some(b'\\') => ("\\", 1),
            Some(b'$') => ("$$", 1),
            Some(b'0') => match behind.get(1..4).map(|octal| u8::from_str_radix(octal, 8)) {
                Some(Ok(code)) => {
                    out.push(char::from(code));
                    ("", 4)
                }
                _ => ("\\", 0),
            },
            _ => ("\\", 0),
        };
        out.push_str(put);
        rest = behind.get(long..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
