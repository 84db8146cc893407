//! Counts as they are written in command lines: `4`, `$WORKERS`, `${WORKERS:-4}`, `$(nproc)`, `$((2 * $(nproc) + 1))`;
//! and as Python files write them: `multiprocessing.cpu_count() * 2 + 1`.

use std::cell::Cell;

use super::told::Told;

/// The largest count that is believed: a million of processes or connections is a slip of the pen.
pub(super) const VALUE_MAX: u32 = 1_000_000;

/// Expressions nest no deeper than this.
const DEPTH_MAX: u32 = 16;

/// Numbers, names and brackets of one count, those of the variables it names included.
const STEPS_MAX: u32 = 1_000;

/// What a count is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// A number.
    Known {
        /// It.
        value: u32,
        /// It follows from the number of cores.
        of_cores: bool,
    },
    /// What nobody set: `$WORKERS`, `$(cat /etc/workers)`.
    Unknown(String),
    /// No number.
    Wrong,
}

/// Reads a count of a command line or a variable.
pub(super) fn read(text: &str, told: &Told) -> Amount {
    evaluate(text, told, false)
}

/// Reads a count of a Python file.
pub(super) fn read_python(text: &str, told: &Told) -> Amount {
    let mut text = text.trim().trim_end_matches(',').to_owned();
    for name in ["multiprocessing.cpu_count()", "os.process_cpu_count()", "os.cpu_count()", "cpu_count()"] {
        text = text.replace(name, "$(nproc)");
    }
    evaluate(&text, told, true)
}

/// A text with its variables replaced, as far as they are known: `${DB_HOST:-db}` as `db`.
pub(super) fn expanded(text: &str, told: &Told) -> String {
    let steps = Cell::new(0);
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        whole.push_str(before);
        let mut parser = Parser::new(told, from, &steps);
        let value = parser.variable_text();
        rest = parser.rest;
        match value {
            Some(value) => whole.push_str(&value),
            None => {
                whole.push('$');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    whole.push_str(rest);
    whole
}

fn evaluate(text: &str, told: &Told, arithmetic: bool) -> Amount {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let steps = Cell::new(0);
    let mut parser = Parser::new(told, text, &steps);
    let value = if arithmetic { parser.sum() } else { parser.factor(false) };
    if let Some(unknown) = parser.unknown {
        return Amount::Unknown(unknown);
    }
    match value.and_then(|value| u32::try_from(value).ok()) {
        Some(value) if value <= VALUE_MAX && parser.rest.trim().is_empty() => {
            Amount::Known { value, of_cores: parser.of_cores }
        }
        _ => Amount::Wrong,
    }
}

struct Parser<'p> {
    told: &'p Told<'p>,
    rest: &'p str,
    depth: u32,
    steps: &'p Cell<u32>,
    of_cores: bool,
    unknown: Option<String>,
}

impl<'p> Parser<'p> {
    fn new(told: &'p Told<'p>, rest: &'p str, steps: &'p Cell<u32>) -> Self {
        Self { told, rest, depth: 0, steps, of_cores: false, unknown: None }
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value = value.saturating_add(self.product()?);
            } else if self.take("-") {
                value = value.saturating_sub(self.product()?);
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.factor(true)?;
        loop {
            if self.take("*") {
                value = value.saturating_mul(self.factor(true)?);
            } else if self.take("//") || self.take("/") {
                value = value.checked_div(self.factor(true)?)?;
            } else if self.take("%") {
                value = value.checked_rem(self.factor(true)?)?;
            } else {
                return Some(value);
            }
        }
    }

    /// A number, a variable, a substitution; `inside` arithmetic also a bare name and brackets.
    fn factor(&mut self, inside: bool) -> Option<i64> {
        self.depth += 1;
        self.steps.set(self.steps.get() + 1);
        if self.depth > DEPTH_MAX || self.steps.get() > STEPS_MAX {
            return None;
        }
        self.rest = self.rest.trim_start();
        let value = if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            self.digits()
        } else if self.take("$((") {
            self.sum().filter(|_| self.take("))"))
        } else if self.rest.starts_with(['$', '`']) {
            self.substitution()
        } else if inside && self.take("(") {
            self.sum().filter(|_| self.take(")"))
        } else if inside {
            let name = self.name();
            (!name.is_empty()).then(|| self.lookup(name, None)).flatten()
        } else {
            None
        };
        self.depth -= 1;
        value
    }

    fn digits(&mut self) -> Option<i64> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok()
    }

    /// `$NAME`, `${NAME:-4}`, `$(nproc)`.
    fn substitution(&mut self) -> Option<i64> {
        if self.take("`") {
            let command = self.until('`', '`')?;
            return self.command(command);
        }
        if self.take("$(") {
            let command = self.until('(', ')')?;
            return self.command(command);
        }
        if self.take("${") {
            let inner = self.until('{', '}')?;
            let (name, fallback) = split_fallback(inner);
            return self.lookup(name, fallback);
        }
        self.take("$");
        let name = self.name();
        (!name.is_empty()).then(|| self.lookup(name, None)).flatten()
    }

    fn command(&mut self, command: &str) -> Option<i64> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let cores = match words.as_slice() {
            ["nproc", ..] | ["getconf", "_NPROCESSORS_ONLN" | "NPROCESSORS_ONLN"] => true,
            ["grep", "-c", what, "/proc/cpuinfo"] => what.contains("processor"),
            [name] if is_name(name) => return self.lookup(name, None),
            _ => false,
        };
        if cores {
            self.of_cores = true;
            return Some(self.told.cores().0.into());
        }
        self.unknown = Some(format!("$({})", words.join(" ")));
        None
    }

    fn lookup(&mut self, name: &str, fallback: Option<&str>) -> Option<i64> {
        let text = match (self.told.text(name), fallback) {
            (Some(text), _) => text,
            (None, Some(fallback)) if !fallback.trim().is_empty() => fallback,
            _ => {
                self.unknown = Some(format!("${name}"));
                return None;
            }
        };
        let mut inner = Parser { depth: self.depth + 1, ..Parser::new(self.told, text.trim(), self.steps) };
        let value = inner.factor(false).filter(|_| inner.rest.trim().is_empty());
        self.of_cores |= inner.of_cores;
        self.unknown = self.unknown.take().or(inner.unknown);
        value
    }

    /// The text of the variable that begins here.
    fn variable_text(&mut self) -> Option<String> {
        let (name, fallback) = if self.take("${") {
            split_fallback(self.until('{', '}')?)
        } else if self.take("$(") {
            (self.until('(', ')')?, None)
        } else {
            self.take("$");
            (self.name(), None)
        };
        is_name(name).then_some(())?;
        self.told.text(name).or(fallback).map(str::to_owned)
    }

    fn take(&mut self, what: &str) -> bool {
        match self.rest.trim_start().strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> &'p str {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    /// What stands before the bracket that closes the one just taken.
    fn until(&mut self, open: char, close: char) -> Option<&'p str> {
        let mut depth = 1_u32;
        for (at, c) in self.rest.char_indices() {
            if c == close {
                depth -= 1;
            } else if c == open {
                depth += 1;
            }
            if depth == 0 {
                let (inner, rest) = self.rest.split_at(at);
                self.rest = rest.get(c.len_utf8()..).unwrap_or("");
                return Some(inner);
            }
        }
        None
    }
}

/// `NAME:-4` as `NAME` and `4`.
fn split_fallback(inner: &str) -> (&str, Option<&str>) {
    match inner.split_once(":-").or_else(|| inner.split_once('-')) {
        Some((name, fallback)) => (name, Some(fallback)),
        None => (inner.split([':', '?', '+']).next().unwrap_or(inner), None),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::testing::container;
    use super::*;

    fn known(value: u32, of_cores: bool) -> Amount {
        Amount::Known { value, of_cores }
    }

    #[test]
    fn a_count_is_a_number_a_variable_or_a_share_of_cores() {
        let container = container("", &[], &["WORKERS=6", "HALF=$(nproc)", "LOOP=$LOOP", "BAD=x", "EMPTY="]);
        let findings = RefCell::default();
        let told = Told::new(&container, &findings);
        for (text, amount) in [
            ("4", known(4, false)),
            (" \"4\" ", known(4, false)),
            ("$WORKERS", known(6, false)),
            ("${WORKERS}", known(6, false)),
            ("$(WORKERS)", known(6, false)),
            ("${WORKERS:-2}", known(6, false)),
            ("${THREADS:-2}", known(2, false)),
            ("${THREADS:-${WORKERS}}", known(6, false)),
            ("${EMPTY:-3}", known(3, false)),
            ("$(nproc)", known(2, true)),
            ("`nproc`", known(2, true)),
            ("$(getconf _NPROCESSORS_ONLN)", known(2, true)),
            ("$HALF", known(2, true)),
            ("$((2 * $(nproc) + 1))", known(5, true)),
            ("$(( (WORKERS - 2) / 2 ))", known(2, false)),
            ("$((1/0))", Amount::Wrong),
            ("$((1-2))", Amount::Wrong),
            ("$THREADS", Amount::Unknown("$THREADS".into())),
            ("$EMPTY", Amount::Unknown("$EMPTY".into())),
            ("$(cat /etc/workers)", Amount::Unknown("$(cat /etc/workers)".into())),
            ("$LOOP", Amount::Wrong),
            ("$BAD", Amount::Wrong),
            ("-3", Amount::Wrong),
            ("4.5", Amount::Wrong),
            ("four", Amount::Wrong),
            ("4*2", Amount::Wrong),
            ("99999999999", Amount::Wrong),
            ("99999999999999999999999", Amount::Wrong),
            ("$((99999999999 * 99999999999))", Amount::Wrong),
            ("", Amount::Wrong),
            ("$", Amount::Wrong),
            ("$((", Amount::Wrong),
            ("${", Amount::Wrong),
        ] {
            assert_eq!(read(text, &told), amount, "{text}");
        }
    }

    #[test]
    fn python_counts_cores_by_other_names() {
        let container = container("", &[], &[]);
        let findings = RefCell::default();
        let told = Told::new(&container, &findings);
        assert_eq!(read_python("multiprocessing.cpu_count() * 2 + 1", &told), known(5, true));
        assert_eq!(read_python("(2 * os.cpu_count()) + 1,", &told), known(5, true));
        assert_eq!(read_python("max(2, 3)", &told), Amount::Unknown("$max".into()));
    }

    #[test]
    fn towers_of_brackets_are_refused() {
        let container = container("", &[], &[]);
        let findings = RefCell::default();
        let told = Told::new(&container, &findings);
        let tower = "$((".repeat(10_000);
        assert_eq!(read(&tower, &told), Amount::Wrong);
    }

    #[test]
    fn variables_in_a_text_are_replaced_as_far_as_they_are_known() {
        let container = container("", &[], &["HOST=db"]);
        let findings = RefCell::default();
        let told = Told::new(&container, &findings);
        assert_eq!(expanded("pg://$(HOST):${PORT:-5432}/$NAME?x=$", &told), "pg://db:5432/$NAME?x=$");
    }
}
