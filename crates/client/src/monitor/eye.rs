//! The one connection, and a look over it.
//!
//! Whoever has the eye looks; nobody else does meanwhile. A look that finds the held connection dead dials anew at once: a
//! server that was restarted is not unknown for that.

use std::time::{Instant, SystemTime};

use inspect::catalog::{Blocking, Sample, Wants};
use inspect::census::Plan;
use inspect::checks::{self, Id, Limits, Look, Memory};
use inspect::connect::{self, AskError, Connection};
use inspect::report::{Failure, FailureReport, HealthReport};
use inspect::settings::Settings;

use super::backoff::Backoff;

/// What others see of us where nobody says otherwise.
pub(super) const APPLICATION: &str = "connwarden client";

/// What a look is for.
#[derive(Debug)]
pub(super) struct Aim {
    /// Which server; or why nobody knows.
    pub(super) settings: Result<Settings, FailureReport>,
    /// Where warning and critical begin.
    pub(super) limits: Limits,
    /// The checks that are run.
    pub(super) wanted: Vec<Id>,
    /// What services may hold.
    pub(super) plan: Option<Plan>,
}

/// The held connection.
#[derive(Debug, Default)]
pub(super) struct Eye {
    connection: Option<Connection>,
    backoff: Backoff,
    /// Why the last login failed, for those who ask before it is tried again.
    refused: Option<FailureReport>,
    memory: Memory,
}

impl Eye {
    /// Looks. The connection is out of the eye meanwhile: a look that is torn off leaves none behind that owes an answer.
    pub(super) async fn look(&mut self, aim: &Aim) -> HealthReport {
        match self.seen(aim).await {
            Ok(report) => report,
            Err(failure) => HealthReport::failed(failure, now_us()),
        }
    }

    async fn seen(&mut self, aim: &Aim) -> Result<HealthReport, FailureReport> {
        let settings = aim.settings.as_ref().map_err(FailureReport::clone)?;
        if let Some(mut held) = self.connection.take() {
            match self.ask(&mut held, aim).await {
                Ok(report) => {
                    self.connection = Some(held);
                    return Ok(report);
                }
                Err(error) if is_over(&error) => tracing::info!(%error, "held connection lost"),
                Err(error) => {
                    if let AskError::Server(_) = &error {
                        self.connection = Some(held);
                    }
                    return Err(plain(FailureReport::from(&error)));
                }
            }
        }
        let mut fresh = self.dial(settings).await?;
        let report = self.ask(&mut fresh, aim).await.map_err(|error| plain(FailureReport::from(&error)))?;
        self.connection = Some(fresh);
        Ok(report)
    }

    async fn dial(&mut self, settings: &Settings) -> Result<Connection, FailureReport> {
        if let Some(refused) = self.refused.as_ref().filter(|_| !self.backoff.is_over(Instant::now())) {
            return Err(refused.clone());
        }
        match connect::open(settings, APPLICATION).await {
            Ok(connection) => {
                self.backoff.succeeded();
                self.refused = None;
                match connection.way().sentence() {
                    Some(way) => tracing::warn!(place = connection.place(), way, "monitor logged in"),
                    None => tracing::debug!(place = connection.place(), "monitor logged in"),
                }
                Ok(connection)
            }
            Err(error) => {
                self.backoff.failed(Instant::now(), getrandom::u32().unwrap_or_default());
                let failure = plain(FailureReport::from(&error));
                self.refused = Some(failure.clone());
                Err(failure)
            }
        }
    }

    async fn ask(&mut self, connection: &mut Connection, aim: &Aim) -> Result<HealthReport, AskError> {
        let waiting = aim.wanted.contains(&Id::PendingRestart);
        let now = Sample::take(connection, Wants { limits: true, counters: true, waiting }).await?;
        let blocking = Blocking::of(&now, connection).await?;
        let place = connection.place();
        self.memory.turn_to(place);
        let before = self.memory.before(&now).cloned();
        let look = Look {
            now: &now,
            before: before.as_ref(),
            history: self.memory.points(),
            blocking: Some(&blocking),
            plan: aim.plan.as_ref(),
            limits: &aim.limits,
        };
        let report = HealthReport::of(&look, checks::run(&look, &aim.wanted), place, false);
        self.memory.keep(now);
        Ok(report)
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }
}

/// The connection is gone, and another one may be had. One that is too slow is given up, too, but not replaced in the same
/// look: the next would be as slow.
fn is_over(error: &AskError) -> bool {
    match error {
        AskError::Lost(_) | AskError::Shape(_) => true,
        AskError::Server(server) => server.severity != "ERROR",
        AskError::TimedOut(_) => false,
    }
}

/// Hints are for the command line.
fn plain(failure: FailureReport) -> FailureReport {
    FailureReport { hint: None, ..failure }
}

/// A failure that is not the server's.
pub(super) fn failed(code: Failure, message: String) -> HealthReport {
    HealthReport::failed(FailureReport::new(code, message, None), now_us())
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
