//! One look at a server.

use super::{Counters, Facts, Limit, Session, counters, facts, limits, session};
use crate::connect::{Answers, AskError};

/// What a look shall bring besides facts and sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// CONNECTION LIMITs.
    pub limits: bool,
    /// Session counters, where the server has them.
    pub counters: bool,
    /// Settings that wait for a restart: dear, for the server makes a row of each of its settings.
    pub waiting: bool,
}

impl Wants {
    /// Everything.
    pub const ALL: Self = Self { limits: true, counters: true, waiting: true };
}

/// Everything that one look brought: one round trip, one snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The server and our rights.
    pub facts: Facts,
    /// Every backend but our own, walsenders included.
    pub sessions: Vec<Session>,
    /// Limits of roles and databases, the fullest first; empty if not asked for.
    pub limits: Vec<Limit>,
    /// Session counters; `None` before version 14, or if not asked for.
    pub counters: Option<Counters>,
}

impl Sample {
    /// Looks.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn take(server: &mut impl Answers, wants: Wants) -> Result<Self, AskError> {
        let counts = wants.counters && server.major() >= counters::SINCE;
        let mut questions = vec![facts::SQL, session::SQL];
        let more = [(wants.limits, limits::SQL), (counts, counters::SQL), (wants.waiting, facts::WAITING)];
        questions.extend(more.into_iter().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
        let mut answers = server.answers(&questions).await?.into_iter();
        let mut next =
            || answers.next().ok_or_else(|| AskError::Shape("fewer answers than questions".into()));
        let mut facts = Facts::read(&next()?)?;
        let mut sessions = Session::read_all(&next()?)?;
        sessions.retain(|session| session.pid != facts.pid);
        let limits = if wants.limits { Limit::read_all(&next()?, &sessions)? } else { Vec::new() };
        let counters = counts.then(|| Counters::read(&next()?)).transpose()?;
        if wants.waiting {
            facts.pending_restart = Facts::read_waiting(&next()?)?;
        }
        Ok(Self { facts, sessions, limits, counters })
    }

    /// Sessions that hold a slot of `max_connections`.
    pub fn slot_holders(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| !session.is_walsender)
    }

    /// Some sessions are seen only in part.
    pub fn is_partial(&self) -> bool {
        !self.facts.sees_all
    }
}
