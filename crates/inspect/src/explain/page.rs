//! A page: one error, or one check.

use super::Scene;

/// What a text means, why it comes, and what to do.
#[derive(Debug)]
pub struct Page {
    /// A short name; `explain` takes it.
    pub id: &'static str,
    /// The text as one meets it.
    pub title: &'static str,
    /// Codes that stand for it: SQLSTATEs, and those of client libraries.
    pub codes: &'static [&'static str],
    /// Texts that it is found by, in lower case; `*` stands for what varies.
    pub phrases: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// Why it comes, the likeliest first.
    pub causes: &'static [Cause],
    /// What to do next: commands and settings.
    pub next: &'static [&'static str],
}

/// One reason.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The reason.
    pub text: &'static str,
    /// Looks whether this server bears it out.
    pub witness: fn(&Scene<'_>) -> Finding,
}

/// What a server says about a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is so; what was seen, fit for a terminal.
    Seen(String),
    /// It is not so; what was seen instead.
    NotSeen(String),
    /// The server cannot tell.
    Untold,
}
