//! A plan, carried out: one session at a time, at a pace, and only who is still the one that was listed.
//!
//! Between the server's look at its own list and its signal a session may wake up; that gap is microseconds wide and
//! nobody outside of the server can close it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::evidence::Evidence;
use super::plan::Plan;
use super::rules::{Action, Rules};
use super::statements::{Person, TAKEN, Unchanged};
use crate::catalog::{Facts, Sample, Session, State, Wants};
use crate::connect::{Answer, Answers, AskError, one};

/// Since this version the server itself waits until a session is gone.
const WAITS_SINCE: u32 = 14;
/// So many refusals or errors one after another are enough.
const ERRORS_MAX: u32 = 3;
/// Between two looks at something that will be over soon.
const GLANCE: Duration = Duration::from_millis(20);
/// Privilege missing.
const NOT_ALLOWED: &str = "42501";
/// Our own statement ran into somebody's statement_timeout.
const TIMED_OUT: &str = "57014";

/// How fast, and how patient.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Sessions per second: each that comes back costs the server a login.
    pub per_second: f64,
    /// How long a session that was told to go, or a statement that was cancelled, is waited for.
    pub patience: Duration,
    /// `force-close`: statements are cancelled first.
    pub cancel_first: bool,
    /// `force-close`: between cancelling and closing.
    pub grace: Duration,
    /// The server can wait by itself; `None`: by its version.
    pub server_waits: Option<bool>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_second: 10.0,
            patience: Duration::from_millis(1_500),
            cancel_first: true,
            grace: Duration::from_secs(5),
            server_waits: None,
        }
    }
}

/// What became of a victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We ended it, and it is gone.
    Closed,
    /// Its statement was cancelled; the session lives.
    Cancelled,
    /// It has done something since it was listed: left alone.
    BecameBusy,
    /// It had left by itself.
    Gone,
    /// The server does not let us, in its words.
    Denied(String),
    /// Something else went wrong.
    Error(String),
}

/// Why it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everybody was seen to.
    Finished,
    /// We were told to stop.
    Interrupted,
    /// Refusals or errors one after another.
    Errors,
    /// As few slots are taken as were asked for.
    Enough,
    /// The connection is gone, and why.
    Lost(String),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// One for each victim that was reached, in the plan's order.
    pub outcomes: Vec<Outcome>,
    /// Why it ended.
    pub ended: Ended,
}

/// The execution of a plan.
pub struct Act<'a, S> {
    server: &'a mut S,
    rules: &'a Rules,
    facts: &'a Facts,
    pace: &'a Pace,
    stop: &'a dyn Fn() -> bool,
}

/// Why a victim has no outcome yet.
enum Trouble {
    Ask(AskError),
    Unseen,
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

impl<'a, S: Answers> Act<'a, S> {
    /// Over a connection to the server that the plan was made of. `stop` is asked again and again.
    pub fn new(
        server: &'a mut S,
        rules: &'a Rules,
        facts: &'a Facts,
        pace: &'a Pace,
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { server, rules, facts, pace, stop }
    }

    /// Does it. `told` hears of each victim at once.
    pub async fn run(mut self, plan: &Plan, mut told: impl FnMut(&Session, &Outcome)) -> Acted {
        let mut outcomes = Vec::new();
        let mut errors = 0;
        let between = Duration::from_secs_f64(1.0 / self.pace.per_second.clamp(0.01, 10_000.0));
        let mut next = Instant::now();
        for victim in &plan.victims {
            if !self.paused_until(next).await {
                return Acted { outcomes, ended: Ended::Interrupted };
            }
            next = Instant::now() + between;
            let taken = match self.rules.until {
                Some(until) => self.is_enough(until).await,
                None => Ok(false),
            };
            let (outcome, lost) = match taken {
                Ok(true) => return Acted { outcomes, ended: Ended::Enough },
                Ok(false) => settle(self.one(victim).await),
                Err(error) => settle(Err(error.into())),
            };
            errors = if matches!(outcome, Outcome::Denied(_) | Outcome::Error(_)) { errors + 1 } else { 0 };
            told(victim, &outcome);
            outcomes.push(outcome);
            if let Some(why) = lost {
                return Acted { outcomes, ended: Ended::Lost(why) };
            }
            if errors >= ERRORS_MAX && outcomes.len() < plan.victims.len() {
                return Acted { outcomes, ended: Ended::Errors };
            }
        }
        Acted { outcomes, ended: Ended::Finished }
    }

    async fn one(&mut self, victim: &Session) -> Result<Outcome, Trouble> {
        let person = Person::of(victim).ok_or(Trouble::Unseen)?;
        let unchanged = Unchanged::of(victim).ok_or(Trouble::Unseen)?;
        match (self.rules.action, victim.state) {
            (Action::Cancel, _) => self.cancel(&person, &unchanged).await,
            (Action::ForceClose, State::Active | State::Fastpath) => self.force(victim, &person).await,
            (Action::CloseIdle | Action::ForceClose, _) => {
                let sql = unchanged.terminate(self.wait_ms());
                self.terminate(&person, &sql).await
            }
        }
    }

    /// A working session was listed as one that loses its work: it may have gone on to its next statement, as long as
    /// it is still meant.
    async fn force(&mut self, victim: &Session, person: &Person) -> Result<Outcome, Trouble> {
        let sample = Sample::take(self.server, Wants::default()).await?;
        let same = |now: &&Session| now.pid == victim.pid && now.started == victim.started;
        let Some(now) = sample.sessions.iter().find(same) else { return Ok(Outcome::Gone) };
        if self.rules.spares(now, self.facts, &Evidence::default()).is_some() {
            return Ok(Outcome::BecameBusy);
        }
        if self.pace.cancel_first && now.state.is_running() {
            let statement = Unchanged::of(now).ok_or(Trouble::Unseen)?;
            if done(&one(self.server, &statement.cancel()).await?)?.is_some()
                && !self.has_moved_on(person, now).await?
            {
                return Ok(Outcome::Cancelled);
            }
        }
        let sql = person.terminate(self.wait_ms());
        self.terminate(person, &sql).await
    }

    /// Its statement is over, or the grace is. False: told to stop meanwhile.
    async fn has_moved_on(&mut self, person: &Person, was: &Session) -> Result<bool, Trouble> {
        let deadline = Instant::now() + self.pace.grace;
        let before = Some((was.state.name().to_owned(), was.changed.clone()));
        while Instant::now() < deadline && self.look(person).await? == before {
            if (self.stop)() {
                return Ok(false);
            }
            sleep(GLANCE).await;
        }
        Ok(true)
    }

    async fn terminate(&mut self, person: &Person, sql: &str) -> Result<Outcome, Trouble> {
        let told = match one(self.server, sql).await {
            Ok(answer) => done(&answer)?.is_some(),
            // It was told, and it was the wait for its end that took too long.
            Err(AskError::Server(error)) if error.sqlstate == TIMED_OUT => true,
            Err(error) => return Err(error.into()),
        };
        if !told {
            return Ok(self.look(person).await?.map_or(Outcome::Gone, |_| Outcome::BecameBusy));
        }
        let deadline = Instant::now() + self.pace.patience;
        loop {
            if self.look(person).await?.is_none() {
                return Ok(Outcome::Closed);
            }
            if Instant::now() >= deadline {
                return Ok(Outcome::Error(format!(
                    "told to go and still there after {:?}",
                    self.pace.patience
                )));
            }
            sleep(GLANCE).await;
        }
    }

    async fn cancel(&mut self, person: &Person, unchanged: &Unchanged) -> Result<Outcome, Trouble> {
        let before = self.look(person).await?;
        if done(&one(self.server, &unchanged.cancel()).await?)?.is_none() {
            return Ok(self.look(person).await?.map_or(Outcome::Gone, |_| Outcome::BecameBusy));
        }
        let deadline = Instant::now() + self.pace.patience;
        while self.look(person).await? == before {
            if Instant::now() >= deadline {
                return Ok(Outcome::Error(format!(
                    "cancelled and still running after {:?}",
                    self.pace.patience
                )));
            }
            sleep(GLANCE).await;
        }
        Ok(Outcome::Cancelled)
    }

    /// State and last change; `None` once it is gone.
    async fn look(&mut self, person: &Person) -> Result<Option<(String, Option<String>)>, AskError> {
        let answer = one(self.server, &person.look()).await?;
        let row = answer.rows().next();
        row.map(|row| Ok((row.owned("state")?.unwrap_or_default(), row.owned("state_change")?))).transpose()
    }

    async fn is_enough(&mut self, until: f64) -> Result<bool, AskError> {
        let taken: u32 = one(self.server, TAKEN).await?.only()?.value("taken")?;
        let usable = self.facts.usable();
        Ok(usable > 0 && f64::from(taken) * 100.0 / f64::from(usable) <= until)
    }

    fn wait_ms(&self) -> Option<u64> {
        let waits = self.pace.server_waits.unwrap_or_else(|| self.server.major() >= WAITS_SINCE);
        waits.then_some(self.pace.patience.as_millis() as u64)
    }

    /// False: told to stop.
    async fn paused_until(&self, next: Instant) -> bool {
        loop {
            if (self.stop)() {
                return false;
            }
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            sleep(left.min(Duration::from_millis(50))).await;
        }
    }
}

/// What the function returned; `None` if nobody fitted.
fn done(answer: &Answer) -> Result<Option<bool>, AskError> {
    answer.rows().next().map(|row| row.flag("done")).transpose()
}

/// An outcome, and why the connection is of no use any more.
fn settle(result: Result<Outcome, Trouble>) -> (Outcome, Option<String>) {
    match result {
        Ok(outcome) => (outcome, None),
        Err(Trouble::Unseen) => (Outcome::Error("not seen well enough to be told again".to_owned()), None),
        Err(Trouble::Ask(AskError::Server(error)))
            if error.severity == "FATAL" || error.severity == "PANIC" =>
        {
            (Outcome::Error(error.to_string()), Some(error.to_string()))
        }
        Err(Trouble::Ask(AskError::Server(error))) if error.sqlstate == NOT_ALLOWED => {
            let detail = error.detail.map(|detail| format!("; {detail}")).unwrap_or_default();
            (Outcome::Denied(format!("{}{detail}", error.message)), None)
        }
        Err(Trouble::Ask(AskError::Server(error))) => (Outcome::Error(error.to_string()), None),
        Err(Trouble::Ask(error)) => (Outcome::Error(error.to_string()), Some(error.to_string())),
    }
}
