//! What is wrong, or doubtful, in the files: by readers, lint rules and the budget alike.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Place;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Will hurt.
    Warning,
    /// Does not work, or could not be read.
    Error,
}

impl Level {
    /// Its name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A kind of finding. Readers' rules stand beside the readers, lint's in `lint`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in output and in `--ignore`: `COMPOSE001`.
    pub id: &'static str,
    /// How bad it is, unless a finding says otherwise.
    pub level: Level,
    /// One sentence on what it is about, for machines that list rules.
    pub summary: &'static str,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub rule: &'static Rule,
    /// How bad.
    pub level: Level,
    /// Where; `None` for what is wrong with the whole.
    pub place: Option<Place>,
    /// What: one sentence, never a secret.
    pub message: String,
    /// What to write instead.
    pub fix: Cow<'static, str>,
}

impl Finding {
    /// A finding at a place, as bad as its rule says.
    pub fn at(
        rule: &'static Rule,
        place: &Place,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { rule, level: rule.level, place: Some(place.clone()), message: message.into(), fix: fix.into() }
    }
}
