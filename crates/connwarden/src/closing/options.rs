//! Options that the three commands share.

use std::path::PathBuf;

use clap::Args;
use inspect::closing::{Action, MAX_AT_ONCE, Pace, Rules};
use inspect::filter::{Filter, Glob, Span};

use crate::filter::{FilterOptions, span};
use crate::output::OutputOptions;
use crate::server::ServerOptions;

#[derive(Args, Clone, Debug)]
pub(crate) struct ActOptions {
    /// Show the plan and do nothing
    #[arg(long, conflicts_with = "apply")]
    pub(super) dry_run: bool,
    /// Do it
    #[arg(long)]
    pub(super) apply: bool,
    /// With --apply: do not ask
    #[arg(long, requires = "apply")]
    pub(super) yes: bool,
    /// The name of a protected target, to say that it is meant
    #[arg(long, value_name = "NAME")]
    pub(super) confirm: Option<String>,
    /// Why; goes into the audit lines
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Most sessions of one run, up to 100
    #[arg(long, value_name = "N", default_value_t = MAX_AT_ONCE)]
    max: u32,
    /// Stop once so many per cent of the usable slots are taken, or fewer
    #[arg(long, value_name = "PERCENT")]
    until: Option<f64>,
    /// Sessions per second
    #[arg(long, value_name = "N/s", default_value = "10/s", value_parser = rate)]
    rate: f64,
    /// Look after so long who came back; 0 does not look
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = span)]
    pub(super) recheck: Span,
    /// Leave these applications alone, besides the known ones; repeatable
    #[arg(long, value_name = "GLOB")]
    protect: Vec<String>,
    /// Also sessions of poolers (pgbouncer, odyssey, ...)
    #[arg(long)]
    include_poolers: bool,
    /// Also sessions of superusers other than the role that logs in
    #[arg(long)]
    include_superusers: bool,
    /// Append the audit lines to this file; standard error without it
    #[arg(long, value_name = "FILE")]
    pub(super) audit_log: Option<PathBuf>,
    #[command(flatten)]
    pub(super) filter: FilterOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

impl ActOptions {
    /// The shared part of the rules.
    pub(super) fn rules(&self, action: Action, filter: Filter) -> Rules {
        Rules {
            filter,
            max: self.max,
            until: self.until,
            protect: self.protect.iter().map(Glob::new).collect(),
            include_poolers: self.include_poolers,
            include_superusers: self.include_superusers,
            ..Rules::new(action)
        }
    }

    /// The shared part of the pace.
    pub(super) fn pace(&self) -> Pace {
        Pace { per_second: self.rate, ..Pace::default() }
    }
}

/// `10/s`, or `10`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse::<f64>();
    number
        .ok()
        .filter(|rate| (0.01..=1_000.0).contains(rate))
        .ok_or_else(|| "write 10/s, from 0.01/s to 1000/s".into())
}
