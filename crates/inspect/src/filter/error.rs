//! What is wrong with a filter, where, and what to write instead.

use std::fmt;
use std::ops::Range;

use crate::form::clean;

/// A filter that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The flag it was given by; empty where it has none.
    pub flag: String,
    /// The whole text.
    pub text: String,
    /// The bytes of the text that are meant; empty at the end of it.
    pub at: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl FilterError {
    pub(super) fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { flag: String::new(), text: String::new(), at, what: what.into(), fix: None }
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// In which text it was found.
    pub(super) fn of(mut self, text: &str) -> Self {
        self.text = text.to_owned();
        self
    }

    /// By which flag the text was given: `--where`.
    pub fn given_by(mut self, flag: &str) -> Self {
        self.flag = flag.to_owned();
        self
    }

    /// Where it begins, in characters from 0.
    pub fn column(&self) -> usize {
        self.text.get(..self.at.start).map_or(0, |before| before.chars().count())
    }
}

/// Three lines and perhaps a fourth: what, the text, the caret, the fix.
impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.flag.is_empty() {
            write!(f, "{}: ", self.flag)?;
        }
        let carets = self.text.get(self.at.clone()).map_or(1, |meant| meant.chars().count().max(1));
        let (before, marks) = (" ".repeat(self.column()), "^".repeat(carets));
        write!(f, "{}\n  {}\n  {before}{marks}", clean(&self.what), clean(&self.text))?;
        self.fix.as_ref().map_or(Ok(()), |fix| write!(f, "\n  = {}", clean(fix)))
    }
}

impl std::error::Error for FilterError {}

/// The name that was probably meant: at most two letters off, and less than half of it.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = |name: &str| distance(&word, name);
    let best = names.map(|name| (far(name), name)).min_by_key(|(far, _)| *far)?;
    (best.0 <= 2 && best.0 * 2 <= best.1.len()).then_some(best.1)
}

/// Letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(32).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
