//! Which sessions are meant, as a command line says it. The language itself is `inspect::filter`.

use clap::Args;
use inspect::filter::{Filter, FilterError, Flags, Span};

/// Each flag may be given several times: one of its values has to fit, and all flags together.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which sessions (repeatable; ! in front excludes)")]
pub(crate) struct FilterOptions {
    /// Application name; * and ? stand for any text and any letter
    #[arg(long, value_name = "GLOB")]
    app: Vec<String>,
    /// Role of the session
    #[arg(long, value_name = "GLOB")]
    user: Vec<String>,
    /// Database of the session
    #[arg(long, value_name = "GLOB")]
    db: Vec<String>,
    /// Address or network of the client, or local
    #[arg(long, value_name = "CIDR")]
    client: Vec<String>,
    /// active, idle, idle_in_transaction, ...
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
    /// Process ids, apart by commas
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pid: Vec<String>,
    /// Regular expression that the last statement fits
    #[arg(long, value_name = "RE")]
    query_match: Vec<String>,
    /// At least so long in the present state: 90s, 5m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = span)]
    min_age: Option<Span>,
    /// A condition such as 'app~"api*" and (idle>5m or not user=etl)'
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
}

impl FilterOptions {
    /// All flags together.
    ///
    /// # Errors
    /// What was not understood.
    pub(crate) fn filter(&self) -> Result<Filter, FilterError> {
        self.filter_with(self.min_age)
    }

    /// All flags but `--min-age`, which a command has a use of its own for.
    ///
    /// # Errors
    /// What was not understood.
    pub(crate) fn filter_without_age(&self) -> Result<Filter, FilterError> {
        self.filter_with(None)
    }

    /// `--min-age`.
    pub(crate) fn min_age(&self) -> Option<Span> {
        self.min_age
    }

    fn filter_with(&self, min_age: Option<Span>) -> Result<Filter, FilterError> {
        Filter::of_flags(&Flags {
            app: self.app.clone(),
            user: self.user.clone(),
            db: self.db.clone(),
            client: self.client.clone(),
            state: self.state.clone(),
            pid: self.pid.clone(),
            query_match: self.query_match.clone(),
            min_age,
            conditions: self.conditions.clone(),
        })
    }
}

/// A duration with its unit.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    text.parse()
}
