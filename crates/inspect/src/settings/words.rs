//! Settings as texts, each with its origin. Who comes first wins.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::error::{Origin, SettingsError};
use super::keyword::{self, KEYWORDS, Use};

/// What was given, by keyword.
#[derive(Default)]
pub(super) struct Words(BTreeMap<&'static str, (Zeroizing<String>, Origin)>);

impl Words {
    /// Takes a value, unless there is one already.
    pub(super) fn fill(&mut self, keyword: &'static str, value: Zeroizing<String>, origin: &Origin) {
        self.0.entry(keyword).or_insert_with(|| (value, origin.clone()));
    }

    /// What stands there, where it is more than nothing.
    pub(super) fn text(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Somebody said something, if only nothing: wider sources are not asked then.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.contains_key(keyword)
    }

    /// Where it came from.
    pub(super) fn origin(&self, keyword: &str) -> &Origin {
        self.0.get(keyword).map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// Takes a value away.
    pub(super) fn forget(&mut self, keyword: &str) {
        self.0.remove(keyword);
    }

    /// Refuses what asks for something that is not offered.
    pub(super) fn refuse_unoffered(&self) -> Result<(), SettingsError> {
        for keyword in KEYWORDS {
            let Use::Refused { harmless, why } = keyword.becomes else { continue };
            let asked = self.text(keyword.name).filter(|value| !harmless.contains(value));
            if asked.is_some() {
                let problem = format!("{} {why}", keyword.name);
                return Err(SettingsError::new(self.origin(keyword.name), problem, "take it out"));
            }
        }
        Ok(())
    }

    /// One of these words, or the first where nobody said anything.
    pub(super) fn choice<T: Copy>(
        &self,
        keyword: &str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, SettingsError> {
        let Some(text) = self.text(keyword) else { return Ok(default) };
        choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.refused(keyword, format!("{keyword} has no value {}", shown(text)), words.join(", "))
        })
    }

    /// A refusal of this keyword's value.
    pub(super) fn refused(
        &self,
        keyword: &str,
        problem: impl Into<String>,
        expected: impl std::fmt::Display,
    ) -> SettingsError {
        SettingsError::new(self.origin(keyword), problem, format!("write {expected}"))
    }
}

/// A value of a setting that holds no secret, cut where it is no such value at all.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(24).collect();
    if short.len() < text.len() { format!("{short:?}...") } else { format!("{short:?}") }
}

/// The static name of a keyword, or what to say about one that is not there. `quotable`: no secret is near.
pub(super) fn known(name: &str, quotable: bool, origin: &Origin) -> Result<&'static str, SettingsError> {
    if let Some(keyword) = keyword::find(name) {
        return Ok(keyword.name);
    }
    let problem = if quotable && name.len() <= 40 {
        format!("there is no connection setting {name:?}")
    } else {
        "there is a word that is no connection setting (not shown: it may be part of a password)".to_owned()
    };
    let fix = match keyword::nearest(name) {
        Some(near) => format!("did you mean {near}?"),
        None if quotable => "take it out".to_owned(),
        None => "put a value with spaces between quotes: password='two words'".to_owned(),
    };
    Err(SettingsError::new(origin, problem, fix))
}
