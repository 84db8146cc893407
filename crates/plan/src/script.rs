//! What `plan measure` runs: SQL, with the few of pgbench's own commands that make one transaction differ from the next.
//!
//! Known of pgbench are `\set NAME EXPRESSION` (whole numbers, `+ - * / %`, parentheses, `random(least, most)`, `abs`,
//! `greatest`, `least`) and `\sleep NUMBER us|ms|s`; a line that begins with another backslash is refused. `:NAME` in SQL is
//! the variable's value; as in pgbench, a name nobody has set stays as it is. Source: PostgreSQL's manual, "pgbench".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{Finding, Level, Place, Rule};

mod expression;
mod split;

use expression::Expression;

/// A script that cannot be run.
pub const UNFIT: Rule =
    Rule { id: "SCRIPT001", level: Level::Error, summary: "A script cannot be run as pgbench would." };

/// A script that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
}

/// One step as written.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Sql(String),
    Set { name: String, to: Expression, place: Place },
    Sleep { number: Expression, micros: u64, place: Place },
}

/// One step as it is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Send this statement and wait for its end.
    Ask(String),
    /// Wait.
    Sleep(Duration),
}

/// Where numbers come from: a value of `0..bound`, `bound` at least 1.
pub type Dice<'a> = dyn FnMut(u64) -> u64 + 'a;

/// pgbench's own scripts, by the names `pgbench -b list` gives them.
pub const BUILTIN: [(&str, &str); 3] = [
    (
        "select-only",
        "\\set aid random(1, 100000 * :scale)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n",
    ),
    (
        "simple-update",
        "\\set aid random(1, 100000 * :scale)\n\\set bid random(1, 1 * :scale)\n\\set tid random(1, 10 * :scale)\n\\set delta random(-5000, 5000)\nBEGIN;\nUPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\nINSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);\nEND;\n",
    ),
    (
        "tpcb-like",
        "\\set aid random(1, 100000 * :scale)\n\\set bid random(1, 1 * :scale)\n\\set tid random(1, 10 * :scale)\n\\set delta random(-5000, 5000)\nBEGIN;\nUPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\nUPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;\nUPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;\nINSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);\nEND;\n",
    ),
];

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Every line that is not understood; a script without a statement.
    pub fn read(file: &Arc<str>, text: &str) -> Result<Self, Vec<Finding>> {
        let mut steps = Vec::new();
        let mut mistakes = Vec::new();
        for piece in split::pieces(text) {
            match piece {
                split::Piece::Sql { text } => steps.push(Step::Sql(text)),
                split::Piece::Command { text: command, at } => {
                    let place = Place::of_byte(file, text, at);
                    match step(&command, &place) {
                        Ok(step) => steps.push(step),
                        Err(finding) => mistakes.push(finding),
                    }
                }
                split::Piece::Open { what, at } => mistakes.push(Finding::at(
                    &UNFIT,
                    &Place::of_byte(file, text, at),
                    format!("{what} begins here and does not end"),
                    "end it",
                )),
            }
        }
        if mistakes.is_empty() && !steps.iter().any(|step| matches!(step, Step::Sql(_))) {
            let message = "there is no SQL statement in it";
            mistakes.push(Finding::at(&UNFIT, &Place::whole(file), message, "write one: SELECT 1;"));
        }
        if mistakes.is_empty() { Ok(Self { steps }) } else { Err(mistakes) }
    }

    /// Steps of one run, in order. `given`: variables that are set before the first, as pgbench's `scale`.
    ///
    /// # Errors
    /// An expression that has no value: division by zero, a variable that nobody set, a range turned round.
    pub fn run(&self, given: &BTreeMap<String, i64>, dice: &mut Dice<'_>) -> Result<Vec<Do>, Finding> {
        let mut variables = given.clone();
        let mut all = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step {
                Step::Sql(text) => all.push(Do::Ask(filled(text, &variables))),
                Step::Set { name, to, place } => {
                    let value = to.value(&variables, dice).map_err(|why| unfit(place, &why))?;
                    variables.insert(name.clone(), value);
                }
                Step::Sleep { number, micros, place } => {
                    let number = number.value(&variables, dice).map_err(|why| unfit(place, &why))?;
                    let number = u64::try_from(number).unwrap_or(0);
                    all.push(Do::Sleep(Duration::from_micros(number.saturating_mul(*micros))));
                }
            }
        }
        Ok(all)
    }
}

fn unfit(place: &Place, why: &str) -> Finding {
    Finding::at(&UNFIT, place, why.to_owned(), "pgbench's manual describes the expressions")
}

fn step(command: &str, place: &Place) -> Result<Step, Finding> {
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    match word {
        "\\set" => {
            let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if !is_name(name) || text.trim().is_empty() {
                return Err(unfit(place, "\\set wants a name and an expression"));
            }
            let to = Expression::read(text).map_err(|why| unfit(place, &why))?;
            Ok(Step::Set { name: name.to_owned(), to, place: place.clone() })
        }
        "\\sleep" => {
            let (number, unit) = match rest.rsplit_once(char::is_whitespace) {
                Some((number, unit)) => (number, unit),
                None => (rest, "s"),
            };
            let micros = match unit {
                "us" => 1,
                "ms" => 1_000,
                "s" => 1_000_000,
                _ => return Err(unfit(place, "\\sleep wants a number and us, ms or s")),
            };
            let number = Expression::read(number).map_err(|why| unfit(place, &why))?;
            Ok(Step::Sleep { number, micros, place: place.clone() })
        }
        other => {
            let message = format!("{other} is not known here");
            Err(Finding::at(&UNFIT, place, message, "of pgbench's commands \\set and \\sleep are known"))
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// SQL with the values of its variables. `::` is a cast.
fn filled(text: &str, variables: &BTreeMap<String, i64>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        out.push_str(&rest[..at]);
        let behind = &rest[at..];
        let colons = behind.chars().take_while(|c| *c == ':').count();
        let after = &behind[colons..];
        let name: &str = &after[..after.find(|c| !is_name_char(c)).unwrap_or(after.len())];
        match variables.get(name).filter(|_| colons == 1) {
            Some(value) => out.push_str(&value.to_string()),
            None => out.push_str(&behind[..colons + name.len()]),
        }
        rest = &after[name.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
