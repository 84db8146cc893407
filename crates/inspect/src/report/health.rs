//! `connwarden.health/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Failure, FailureReport, StatusReport, Target};
use crate::catalog::Sample;
use crate::census::By;
use crate::checks::{Check, CheckLevel, Look, leading, refused, worst};
use crate::explain::{Found, find};

/// What all checks come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing to do.
    Ok,
    /// Look at it.
    Warning,
    /// Act.
    Critical,
    /// It could not be looked at.
    Unknown,
}

impl Verdict {
    /// As monitoring systems count them: 0 to 3.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// As monitoring systems write them.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What is right and wrong with a server's connections.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HealthReport {
    /// `connwarden.health/1`.
    pub schema: &'static str,
    /// When: microseconds since 1970, UTC; the server's clock where it was reached.
    pub ts_us: i64,
    /// Which server, where it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The worst of the checks.
    pub verdict: Verdict,
    /// What the program leaves behind.
    pub exit_code: u8,
    /// The verdict in one sentence, fit for a terminal.
    pub summary: String,
    /// Every check that was wanted.
    pub checks: Vec<Check>,
    /// What the server looks like, by application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusReport>,
    /// Why nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureReport>,
}

impl HealthReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.health/1";

    /// Says what was found. `warnings_pass`: a warning leaves 0 behind.
    pub fn of(look: &Look<'_>, checks: Vec<Check>, place: &str, warnings_pass: bool) -> Self {
        let verdict = match worst(&checks) {
            CheckLevel::Ok | CheckLevel::Skip => Verdict::Ok,
            CheckLevel::Warning => Verdict::Warning,
            CheckLevel::Critical => Verdict::Critical,
        };
        let sample: &Sample = look.now;
        let status = StatusReport::of(sample, place, look.limits.utilization, &[By::App], false, |_| true);
        Self {
            schema: Self::SCHEMA,
            ts_us: sample.facts.now_us,
            target: Some(Target::of(sample, place)),
            verdict,
            exit_code: if warnings_pass && verdict == Verdict::Warning { 0 } else { verdict.code() },
            summary: leading(&checks).map(|check| check.message.clone()).unwrap_or_default(),
            checks,
            status: Some(status),
            error: None,
        }
    }

    /// Nobody let us in, or nobody was there. A full server is critical, everything else unknown.
    pub fn failed(error: FailureReport, ts_us: i64) -> Self {
        let is_full = error.code == Failure::ServerFull;
        let verdict = if is_full { Verdict::Critical } else { Verdict::Unknown };
        let page = match find(&error.message) {
            Found::Page(page) => page.id,
            Found::Nearest(_) => "53300",
        };
        let own = is_full.then(|| format!("connwarden explain {page} tells what it means, and what to do"));
        let check =
            refused(is_full, &error.message, error.hint.as_ref().or(own.as_ref()).map(String::as_str));
        Self {
            schema: Self::SCHEMA,
            ts_us,
            target: None,
            verdict,
            exit_code: verdict.code(),
            summary: check.message.clone(),
            checks: vec![check],
            status: None,
            error: Some(error),
        }
    }

    /// How many checks are bad.
    pub fn bad(&self) -> usize {
        self.checks.iter().filter(|check| check.level.is_bad()).count()
    }
}
