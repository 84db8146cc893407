//! Which sessions are meant: one language for `--where`, for the flags beside it, and for the line behind `/` in the
//! terminal view. Text in, `matches` out; no session is asked anything.
//!
//! A value that we may not see is neither equal nor unequal to anything, and `not` of that is no match either: a filter
//! that decides who is closed never closes what it could not read.

mod ast;
mod error;
mod flags;
mod glob;
mod lexer;
mod matching;
mod network;
mod parse;
mod span;

use std::fmt;

pub use error::FilterError;
pub use flags::Flags;
pub use glob::Glob;
pub use span::Span;

use crate::catalog::Session;
use crate::census::By;
use ast::{Expr, TextField, TextTest};

/// A condition on sessions. The default lets everybody through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Option<Expr>);

impl Filter {
    /// Reads a text such as `app~"api*" and idle>5m`. An empty one lets everybody through.
    ///
    /// # Errors
    /// What was not understood, where it stands, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(Self)
    }

    /// What the flags of a command line ask for: alternatives within a flag, all flags together.
    ///
    /// # Errors
    /// As [`Filter::parse`]; the text is the flag's.
    pub fn of_flags(flags: &Flags) -> Result<Self, FilterError> {
        flags::expression(flags).map(Self)
    }

    /// The same, within a group: who has left the group is not meant any more.
    pub fn in_group(self, by: By, key: &str) -> Self {
        let field = match by {
            By::App => TextField::App,
            By::User => TextField::User,
            By::Db => TextField::Db,
            By::Client => TextField::Client,
            By::State => TextField::State,
        };
        self.and(Expr::Text(field, TextTest::Is(vec![key.to_owned()])))
    }

    /// The same, among those whose application name fits one of these patterns, large letters or small; nobody without a
    /// pattern.
    pub fn named(self, patterns: &[String]) -> Self {
        let nobody = || Expr::Not(Box::new(Expr::Text(TextField::App, TextTest::Glob(Glob::new("*")))));
        self.and(any_name(patterns).unwrap_or_else(nobody))
    }

    /// The same, among those whose application name fits none of these patterns.
    pub fn not_named(self, patterns: &[String]) -> Self {
        match any_name(patterns) {
            None => self,
            Some(named) => self.and(Expr::Not(Box::new(named))),
        }
    }

    fn and(self, expr: Expr) -> Self {
        Self(Some(match self.0 {
            None => expr,
            Some(rest) => Expr::And(vec![expr, rest]),
        }))
    }

    /// For certain. What we may not see does not match.
    pub fn matches(&self, session: &Session) -> bool {
        self.0.as_ref().is_none_or(|expr| matching::truth(expr, session) == Some(true))
    }

    /// No condition at all.
    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }
}

/// One of the patterns fits the application name.
fn any_name(patterns: &[String]) -> Option<Expr> {
    let name = |pattern: &String| Expr::Text(TextField::App, TextTest::AnyCase(Glob::new(pattern.as_str())));
    let mut names: Vec<Expr> = patterns.iter().map(name).collect();
    match names.len() {
        0 | 1 => names.pop(),
        _ => Some(Expr::Or(names)),
    }
}

/// As it can be read again; nothing where there is no condition.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

#[cfg(test)]
pub(crate) mod tests;
