//! Who did what to whom, and why: a line of JSON for each session that was acted upon.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use inspect::catalog::Session;
use inspect::closing::{Action, Outcome};
use inspect::form::clean;
use inspect::report::{VictimReport, VictimResult};
use serde::Serialize;

use crate::say;

/// What is the same on all lines of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Occasion {
    pub(super) schema: &'static str,
    pub(super) action: Action,
    pub(super) os_user: String,
    pub(super) os_uid: u32,
    pub(super) db_user: String,
    pub(super) place: String,
    pub(super) filter: String,
    pub(super) reason: Option<String>,
}

/// Where the lines go.
#[derive(Debug)]
pub(super) struct Audit {
    occasion: Occasion,
    file: Option<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    ts_us: i64,
    #[serde(flatten)]
    occasion: &'a Occasion,
    victim: VictimReport,
}

impl Occasion {
    /// Who we are to this machine. The name may be anything, the number is true.
    pub(super) fn of(action: Action, db_user: &str, place: &str, filter: &str, reason: Option<&str>) -> Self {
        let name = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Self {
            schema: "connwarden.audit/1",
            action,
            os_user: name.unwrap_or_default(),
            os_uid: rustix::process::getuid().as_raw(),
            db_user: db_user.to_owned(),
            place: place.to_owned(),
            filter: filter.to_owned(),
            reason: reason.map(str::to_owned),
        }
    }
}

impl Audit {
    /// To a file, at its end, or to standard error.
    ///
    /// # Errors
    /// The file cannot be written: then nothing should be done.
    pub(super) fn open(occasion: Occasion, path: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        Ok(Self { occasion, file: path.map(open).transpose()? })
    }

    /// Writes a line down, at once.
    pub(super) fn note(&mut self, victim: &Session, outcome: &Outcome) {
        let line = self.line(victim, outcome);
        let written = match &mut self.file {
            Some(file) => file.write_all(format!("{line}\n").as_bytes()),
            None => {
                say::err(&line);
                Ok(())
            }
        };
        if let Err(error) = written {
            say::err(&format!("warning: audit log: {error}\n{line}"));
        }
    }

    fn line(&self, victim: &Session, outcome: &Outcome) -> String {
        let (result, detail) = VictimResult::of(outcome);
        let mut victim = VictimReport::from(victim);
        victim.result = Some(result);
        victim.detail = detail.map(str::to_owned);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line { ts_us: now.as_micros() as i64, occasion: &self.occasion, victim };
        serde_json::to_string(&line).map_or_else(|error| error.to_string(), |line| harmless(&line))
    }
}

/// JSON in which nothing speaks to a terminal: what `clean` would hide is written as its number.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if clean(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_line_holds_nothing_that_a_terminal_obeys_and_stays_json() {
        let json = serde_json::to_string(&"a\u{9b}2J\u{7f}\u{202e}\u{1b}]0;x\u{7}?é").unwrap();
        let line = harmless(&json);
        assert!(!line.chars().any(char::is_control) && !line.contains('\u{202e}'), "{line}");
        assert_eq!(
            serde_json::from_str::<String>(&line).unwrap(),
            "a\u{9b}2J\u{7f}\u{202e}\u{1b}]0;x\u{7}?é"
        );
    }
}
