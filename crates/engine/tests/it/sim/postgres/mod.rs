//! A model PostgreSQL with PostgreSQL's truth: a postmaster that hands out slots, and backends that hold them.
//!
//! A slot is taken when the startup packet is read and freed when the backend exits, which is after its running query.
//! Nothing here knows what a pooler believes.

mod backend;
mod message;
mod run;
pub(crate) use run::How;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod sql;

use std::collections::BTreeMap;

pub(crate) use backend::Backend;
use backend::Life;
use session::{Shared, SqlError};

use crate::rng::Rng;

/// How a role logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Trust,
    Password,
    Scram,
}

/// A role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) password: String,
    pub(crate) superuser: bool,
    pub(crate) limit: Option<u32>,
}

/// What the administrator chose.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) max_connections: u32,
    pub(crate) superuser_reserved: u32,
    pub(crate) method: Method,
    pub(crate) roles: BTreeMap<String, Role>,
    /// Databases and their limits.
    pub(crate) databases: BTreeMap<String, Option<u32>>,
    /// Settings are reported only before ReadyForQuery, as since version 14.
    pub(crate) report_late: bool,
}

/// Is it there?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Running,
    /// Accepts and answers 57P03 until then.
    Starting {
        until: u64,
    },
    /// Nobody listens until then.
    Down {
        until: u64,
    },
}

/// Names one connection to the server, cancel requests included.
pub(crate) type BackendId = u32;

/// What a backend's turn came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Not before that moment will it go on by itself.
    pub(crate) wake: Option<u64>,
    /// It is gone: FIN after its output.
    pub(crate) gone: bool,
}

/// One postmaster and its backends.
pub(crate) struct Postgres {
    pub(crate) setup: Setup,
    pub(crate) condition: Condition,
    pub(crate) shared: Shared,
    pub(crate) backends: BTreeMap<BackendId, Backend>,
    next: BackendId,
    next_pid: u32,
    rng: Rng,
    /// Most slots that were ever taken at once.
    pub(crate) slots_peak: u32,
    /// Logins refused because no slot was left, by routine.
    pub(crate) refused_full: BTreeMap<&'static str, u32>,
    /// Cancel requests that hit a backend: when, and its pid.
    pub(crate) cancels: Vec<(u64, u32)>,
    /// Signals on their way: when, and to whom.
    signals: Vec<(u64, u32)>,
}

impl Postgres {
    pub(crate) fn new(setup: Setup, rng: Rng) -> Self {
        Self {
            setup,
            condition: Condition::Running,
            shared: Shared::default(),
            backends: BTreeMap::new(),
            next: 0,
            next_pid: 1000,
            rng,
            slots_peak: 0,
            refused_full: BTreeMap::new(),
            cancels: Vec::new(),
            signals: Vec::new(),
        }
    }

    /// Somebody connects; `None`: nobody listens.
    pub(crate) fn accept(&mut self, now: u64) -> Option<BackendId> {
        self.refresh(now);
        if let Condition::Down { .. } = self.condition {
            return None;
        }
        self.next += 1;
        self.next_pid += 1 + self.rng.below(3) as u32;
        let secret = (self.rng.u64() as u32).to_be_bytes();
        self.backends.insert(self.next, Backend::new(self.next_pid, secret));
        Some(self.next)
    }

    fn refresh(&mut self, now: u64) {
        match self.condition {
            Condition::Down { until } if now >= until => {
                self.condition = Condition::Starting { until: until + 50_000 };
                self.refresh(now);
            }
            Condition::Starting { until } if now >= until => self.condition = Condition::Running,
            Condition::Running | Condition::Starting { .. } | Condition::Down { .. } => {}
        }
    }

    pub(crate) fn slots(&self) -> u32 {
        self.backends.values().filter(|backend| backend.slot).count() as u32
    }

    /// Bytes have come for a backend.
    pub(crate) fn offer(&mut self, id: BackendId, bytes: &[u8]) {
        if let Some(backend) = self.backends.get_mut(&id) {
            backend.input.extend_from_slice(bytes);
        }
    }

    /// The other end has closed.
    pub(crate) fn closed(&mut self, id: BackendId) {
        if let Some(backend) = self.backends.get_mut(&id) {
            backend.eof = true;
        }
    }

    /// Lets a backend work until it waits.
    pub(crate) fn turn(&mut self, now: u64, id: BackendId) -> Turn {
        self.refresh(now);
        let Some(mut backend) = self.backends.remove(&id) else { return Turn { wake: None, gone: true } };
        let wake = backend.turn(now, self);
        let gone = matches!(backend.life, Life::Gone) && backend.output.is_empty();
        if matches!(backend.life, Life::Gone) {
            backend.slot = false;
        }
        if !gone {
            self.backends.insert(id, backend);
        }
        self.slots_peak = self.slots_peak.max(self.slots());
        self.deliver_news();
        Turn { wake, gone }
    }

    /// Who runs a statement that needs a database alone, by process id, and which.
    pub(crate) fn alone(&self) -> impl Iterator<Item = (u32, String)> {
        self.backends.values().filter_map(|backend| {
            let database = backend.session()?.running.as_ref()?.alone.clone()?;
            Some((backend.pid, database))
        })
    }

    /// Who else is in this database.
    pub(crate) fn others_in(&self, database: &str, own: u32) -> Vec<u32> {
        let inside = |backend: &&Backend| {
            backend.pid != own && backend.slot && backend.counted && backend.database == database
        };
        self.backends.values().filter(inside).map(|backend| backend.pid).collect()
    }

    /// Hands committed notifications to whoever listens; the backends that got some.
    fn deliver_news(&mut self) {
        for (channel, payload, from) in std::mem::take(&mut self.shared.notifications) {
            for backend in self.backends.values_mut() {
                if let Life::Session(session) = &mut backend.life
                    && session.listens.contains(&channel)
                {
                    session.news.push_back((channel.clone(), payload.clone(), from));
                    backend.stirred = true;
                }
            }
        }
    }

    /// Backends that something happened to from outside since the last call.
    pub(crate) fn stirred(&mut self) -> Vec<BackendId> {
        let stirred =
            self.backends.iter_mut().filter_map(|(id, b)| std::mem::take(&mut b.stirred).then_some(*id));
        stirred.collect()
    }

    /// May this login go on? Called when the startup packet is read.
    fn admit_slot(&mut self) -> Result<(), SqlError> {
        match self.condition {
            Condition::Running => {}
            Condition::Starting { .. } | Condition::Down { .. } => {
                let text = "the database system is starting up";
                return Err(SqlError::new("57P03", text, "ProcessStartupPacket"));
            }
        }
        if self.slots() >= self.setup.max_connections {
            return Err(self.full("sorry, too many clients already", "InitProcess"));
        }
        Ok(())
    }

    fn full(&mut self, text: &str, routine: &'static str) -> SqlError {
        *self.refused_full.entry(routine).or_default() += 1;
        SqlError::new("53300", text, routine)
    }

    /// May this user have this database? Called when it has proven who it is; its own slot is taken already.
    fn admit_session(&mut self, user: &str, database: &str) -> Result<(), SqlError> {
        let Some(role) = self.setup.roles.get(user).cloned() else {
            let text = format!("role \"{user}\" does not exist");
            return Err(SqlError::new("28000", text, "InitializeSessionUserId"));
        };
        let of = |backends: &BTreeMap<BackendId, Backend>, pick: &dyn Fn(&Backend) -> bool| {
            backends.values().filter(|backend| backend.slot && pick(backend)).count() as u32
        };
        if role.limit.is_some_and(|limit| of(&self.backends, &|b| b.user == user && b.counted) >= limit) {
            return Err(
                self.full(&format!("too many connections for role \"{user}\""), "InitializeSessionUserId")
            );
        }
        // The one who asks is taken out of the table while it works.
        let free = self.setup.max_connections.saturating_sub(self.slots() + 1);
        if !role.superuser && free < self.setup.superuser_reserved {
            let text = "remaining connection slots are reserved for non-replication superuser connections";
            return Err(self.full(text, "InitPostgres"));
        }
        let Some(limit) = self.setup.databases.get(database).copied() else {
            let text = format!("database \"{database}\" does not exist");
            return Err(SqlError::new("3D000", text, "InitPostgres"));
        };
        if limit.is_some_and(|limit| of(&self.backends, &|b| b.database == database && b.counted) >= limit) {
            return Err(
                self.full(&format!("too many connections for database \"{database}\""), "CheckMyDatabase")
            );
        }
        Ok(())
    }

    /// A cancel request: the signal goes out before the request's connection ends, but not sooner.
    fn cancel(&mut self, now: u64, pid: u32, secret: &[u8]) {
        let hit = self.backends.values().any(|b| b.pid == pid && b.secret[..] == *secret);
        if hit {
            self.signals.push((now, pid));
        }
    }

    /// Delivers signals that are due: called by the backend of the cancel request right before it exits.
    fn signal(&mut self, now: u64) {
        let (due, rest) = std::mem::take(&mut self.signals).into_iter().partition(|(at, _)| *at <= now);
        self.signals = rest;
        let due: Vec<(u64, u32)> = due;
        for (_, pid) in due {
            self.cancels.push((now, pid));
            for backend in self.backends.values_mut().filter(|backend| backend.pid == pid) {
                if let Life::Session(session) = &mut backend.life {
                    session.cancelled = true;
                    backend.stirred = true;
                }
            }
        }
    }

    /// `pg_terminate_backend`.
    pub(crate) fn kill(&mut self, id: BackendId) {
        if let Some(backend) = self.backends.get_mut(&id) {
            backend.terminate("57P01", "terminating connection due to administrator command");
        }
    }

    /// A fast restart: every session ends, nobody listens for a while.
    pub(crate) fn restart(&mut self, until: u64) {
        self.condition = Condition::Down { until };
        for backend in self.backends.values_mut() {
            backend.terminate("57P01", "terminating connection due to administrator command");
        }
    }

    /// The backend of this process id.
    pub(crate) fn by_pid(&self, pid: u32) -> Option<&Backend> {
        self.backends.values().find(|backend| backend.pid == pid)
    }
}
