//! The lines of a unit file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::UNREADABLE;
use crate::read::findings::Findings;
use crate::{Finding, Place};

/// The `[Service]` section of a unit and its drop-ins.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// Where the section begins first.
    pub service: Option<Place>,
    settings: BTreeMap<String, Vec<Value>>,
}

/// What stands behind a `=`, its continued lines joined.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// The text.
    pub text: String,
    /// Which byte of it begins which line, and at what place.
    lines: Vec<(usize, Place)>,
    ascii: bool,
}

impl Value {
    /// The place of a byte.
    pub(super) fn place(&self, byte: usize) -> Place {
        let behind = self.lines.partition_point(|(begin, _)| *begin <= byte);
        match behind.checked_sub(1).and_then(|at| self.lines.get(at)) {
            Some((begin, place)) => {
                let before = match self.ascii {
                    true => byte.saturating_sub(*begin),
                    false => self.text.get(*begin..byte).unwrap_or_default().chars().count(),
                };
                let column = place.column.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
                Place { column, ..place.clone() }
            }
            None => Place::whole(&"".into()),
        }
    }
}

impl Unit {
    /// All values of a key. An empty one takes those before it away.
    pub(super) fn all(&self, key: &str) -> &[Value] {
        let values = self.settings.get(key).map(Vec::as_slice).unwrap_or_default();
        let begin = values.iter().rposition(|value| value.text.trim().is_empty()).map_or(0, |at| at + 1);
        values.get(begin..).unwrap_or_default()
    }

    /// The value of a key that has one: the last.
    pub(super) fn last(&self, key: &str) -> Option<&Value> {
        self.all(key).last()
    }

    /// Reads a file into it.
    pub(super) fn add(&mut self, file: &Arc<str>, text: &str, findings: &mut Findings) {
        let mut section = String::new();
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let said = line.trim();
            if said.is_empty() || is_comment(said) {
                continue;
            }
            let place = Place::new(file, number, column(line, line.len() - line.trim_start().len()));
            if let Some(name) = said.strip_prefix('[') {
                section = name.strip_suffix(']').unwrap_or(name).into();
                if section == "Service" {
                    self.service.get_or_insert(place);
                }
                continue;
            }
            let mut value = Value { text: String::new(), lines: Vec::new(), ascii: true };
            let sign = line.find('=');
            let begin = sign.map_or(0, |at| at + 1);
            value.append(file, number, line, begin);
            while value.text.ends_with('\\') {
                value.text.pop();
                value.text.push(' ');
                // Comments between continued lines are left out.
                match lines.by_ref().find(|(_, line)| !is_comment(line.trim_start())) {
                    Some((number, line)) => value.append(file, number, line, 0),
                    None => break,
                }
            }
            match sign {
                Some(_) if section == "Service" => {
                    let key = line[..begin.saturating_sub(1)].trim().to_owned();
                    self.settings.entry(key).or_default().push(value);
                }
                Some(_) => {}
                None => findings.push(Finding::at(
                    &UNREADABLE,
                    &place,
                    "this line has no '='",
                    "write Key=value, or end the line before it with \\ if it goes on here",
                )),
            }
        }
    }
}

impl Value {
    fn append(&mut self, file: &Arc<str>, number: u32, line: &str, begin: usize) {
        let said = line.get(begin..).unwrap_or_default();
        let blank = said.len() - said.trim_start().len();
        let at = column(line, begin + blank);
        self.lines.push((self.text.len(), Place::new(file, number, at)));
        self.text.push_str(said.trim());
        self.ascii &= said.is_ascii();
    }
}

fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';'])
}

fn column(line: &str, byte: usize) -> u32 {
    let before = line.get(..byte).unwrap_or_default().chars().count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}
