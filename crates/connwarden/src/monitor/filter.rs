//! What the `/` line lets through. This file is the one place that knows how a filter is written.

use inspect::catalog::Session;

/// A condition on sessions; the empty one lets all through.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    wanted: String,
}

impl Filter {
    /// Reads a line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { wanted: text.trim().to_lowercase() })
    }

    /// Whether a session is let through.
    pub(crate) fn matches(&self, session: &Session) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.wanted);
        self.wanted.is_empty()
            || has(&session.application)
            || session.user.as_deref().is_some_and(has)
            || session.database.as_deref().is_some_and(has)
            || has(session.state.name())
            || has(&session.client.host())
            || session.query.as_deref().is_some_and(has)
    }
}
