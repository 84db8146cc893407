//! What is wrong in the files, as far as it has been read, and how much reading has copied.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::shape::Shape;
use super::{INVALID, SPELLING};
use crate::yaml::Node;
use crate::{Finding, Place, Rule};

/// The most that references and expansions may copy: 64 MiB. One config map in ten thousand containers is no deployment.
const COPIED_BYTES_MAX: usize = 64 << 20;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    copied: usize,
}

impl Report {
    /// Adds a finding.
    pub(super) fn push(&mut self, found: Finding) {
        self.findings.push(found);
    }

    /// Adds a finding of a rule.
    pub(super) fn say(
        &mut self,
        rule: &'static Rule,
        place: &Place,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) {
        self.findings.push(Finding::at(rule, place, message, fix));
    }

    /// Says that Kubernetes would refuse this.
    pub(super) fn refuse(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) {
        self.say(&INVALID, place, message, fix);
    }

    /// Counts bytes that are copied; false when there are too many, which is said once.
    pub(super) fn copies(&mut self, bytes: usize, place: &Place) -> bool {
        let before = self.copied;
        self.copied = before.saturating_add(bytes.saturating_add(64));
        if before <= COPIED_BYTES_MAX && self.copied > COPIED_BYTES_MAX {
            self.refuse(
                place,
                "what containers take from config maps and from each other's variables is beyond 64 MiB here: \
                 the rest is not read",
                "give the files of one application at a time",
            );
        }
        self.copied <= COPIED_BYTES_MAX
    }

    /// The findings in the order of the files, none twice.
    pub(super) fn in_order_of(mut self, paths: &[&str]) -> Vec<Finding> {
        // Of a file that is given twice the first place counts.
        let ranks: BTreeMap<&str, usize> =
            paths.iter().enumerate().rev().map(|(at, path)| (*path, at)).collect();
        self.findings.sort_by_key(|found| {
            let place = found.place.as_ref()?;
            Some((ranks.get(&*place.file).copied(), place.line, place.column))
        });
        self.findings.dedup();
        self.findings
    }

    /// Reports the keys of a map that are nearly fields.
    pub(super) fn spelling(&mut self, map: &Node, shape: &Shape) {
        for (key, _) in map.pairs() {
            if let Some(meant) = shape.meant(&key.text) {
                self.say(
                    &SPELLING,
                    &key.place,
                    format!("{:?} is no field here; {meant:?} is", key.text),
                    format!("write {meant}:"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copying_without_end_is_refused_once() {
        let mut report = Report::default();
        let place = Place::whole(&"f".into());
        assert!(report.copies(1000, &place));
        assert!(!report.copies(COPIED_BYTES_MAX, &place));
        assert!(!report.copies(1, &place));
        assert_eq!(report.findings.len(), 1);
    }
}
