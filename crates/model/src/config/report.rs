//! Mistakes, all at once: each with its place, the line, a caret under the culprit, and the fix. Never a secret.

use std::fmt;
use std::ops::Range;

use super::value::Refused;

/// Where something was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file, at these bytes.
    File(Range<usize>),
    /// By this option of the command line, as it is written there: `--listen-port`.
    CommandLine(String),
    /// By this variable of the environment.
    Environment(String),
    /// Nowhere in particular.
    Whole,
}

/// One mistake, or one doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: String,
    /// And what to write instead.
    pub fix: Option<String>,
}

impl Mistake {
    /// A refused value at its place, `key` said first.
    pub fn of_value(place: Place, key: &str, refused: Refused) -> Self {
        Self { place, problem: format!("{key}: {}", refused.problem), fix: refused.fix }
    }
    /// A problem with its fix.
    pub fn new(place: Place, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { place, problem: problem.into(), fix: Some(fix.into()) }
    }
}

/// The file that mistakes point into.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Source {
    /// Its name as the operator gave it; empty without a file.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = self.floor(byte);
        let before = &self.text[..byte];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    /// `file:line:column`.
    pub fn position(&self, place: &Place) -> String {
        match place {
            Place::File(span) => {
                let (line, column) = self.line_column(span.start);
                format!("{}:{line}:{column}", self.path)
            }
            Place::CommandLine(option) => option.clone(),
            Place::Environment(name) => format!("${name}"),
            Place::Whole if self.path.is_empty() => "the command line".into(),
            Place::Whole => self.path.clone(),
        }
    }

    fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }

    /// The line around a span with carets below.
    fn picture(&self, span: &Range<usize>) -> String {
        let start = self.floor(span.start);
        let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let line = self.text[begin..end].trim_end_matches('\r');
        let (shown, visible) = veil(line);
        let lead = start - begin;
        let stop = self.floor(span.end.max(start)).clamp(start, end) - begin;
        let (from, to) = (lead.min(visible), stop.min(visible));
        let blank: String = line[..from].chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets =
            match (line[from..to].trim_end().chars().count(), lead >= visible && visible < line.len()) {
                (_, true) => 3,
                (count, false) => count.max(1),
            };
        let number = self.line_column(start).0.to_string();
        let gutter = " ".repeat(number.len());
        format!("{gutter} |\n{number} | {shown}\n{gutter} | {blank}{}\n", "^".repeat(carets))
    }

    /// One mistake as text, `what` being "error" or "warning".
    pub fn describe(&self, what: &str, mistake: &Mistake) -> String {
        let mut text = format!("{}: {what}: {}\n", self.position(&mistake.place), mistake.problem);
        let mut gutter = String::from("  ");
        if let Place::File(span) = &mistake.place {
            text.push_str(&self.picture(span));
            gutter = " ".repeat(self.line_column(span.start).0.to_string().len() + 1);
        }
        if let Some(fix) = &mistake.fix {
            text.push_str(&format!("{gutter}= {fix}\n"));
        }
        text
    }
}

/// The line with what may be a secret cut off, and how many of its bytes are still shown as they are.
fn veil(line: &str) -> (String, usize) {
    if let Some(sign) = line.find("://").map(|at| at + 3) {
        return (format!("{}***", &line[..sign]), sign);
    }
    let lower = line.to_ascii_lowercase();
    let word = ["password", "secret", "scram-sha-256$"].iter().filter_map(|word| lower.find(word)).min();
    let Some(word) = word else { return (line.to_owned(), line.len()) };
    let Some(sign) = line[word..].find('=').map(|at| word + at + 1) else {
        return (line.to_owned(), line.len());
    };
    // `{ env = "NAME" }` and `{ file = "/path" }` hold no secret.
    let value = line[sign..].trim_start();
    let sourced = value.strip_prefix('{').map(str::trim_start);
    if sourced.is_some_and(|inner| inner.starts_with("env") || inner.starts_with("file")) {
        return (line.to_owned(), line.len());
    }
    let visible = sign + (line.len() - sign - value.len());
    (format!("{}***", &line[..visible]), visible)
}

/// A configuration that was refused, with every reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the mistakes point into.
    pub source: Source,
    /// At least one, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.mistakes {
            writeln!(f, "{}", self.source.describe("error", mistake))?;
        }
        match self.mistakes.len() {
            1 => write!(f, "1 mistake: the configuration is refused"),
            many => write!(f, "{many} mistakes: the configuration is refused"),
        }
    }
}

impl std::error::Error for Report {}

/// Sorts by place: what stands nowhere comes last.
pub fn sort(mistakes: &mut [Mistake]) {
    mistakes.sort_by_key(|mistake| match &mistake.place {
        Place::CommandLine(_) => (0, 0),
        Place::Environment(_) => (1, 0),
        Place::File(span) => (2, span.start),
        Place::Whole => (3, 0),
    });
}
