//! The steward's own books, for SHOW and metrics: what only the control thread knows.

use std::sync::Arc;
use std::time::Duration;

use model::config::checked::FALLBACK;
use model::id::{SliceId, WorkerId};

use super::Steward;
use super::ceiling::{CeilingOf, CeilingRow};
use super::shutdown::Stage;
use super::slices::Slice;
use crate::orders::PoolKey;
use crate::tally::SliceTally;
use crate::time::Now;

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Books {
    /// How far the process is on its way to its end.
    pub stage: Stage,
    /// Fit for traffic.
    pub ready: bool,
    /// PAUSE of everything.
    pub paused: bool,
    /// Clients with a place.
    pub clients: u32,
    /// Clients ever let in.
    pub admitted: u64,
    /// Clients the steward refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Databases that somebody uses, or that an operator stopped.
    pub databases: Vec<DatabaseRow>,
    /// Users that are here.
    pub users: Vec<UserRow>,
    /// Pools.
    pub pools: Vec<PoolRow>,
    /// Doors to servers.
    pub servers: Vec<ServerDoorRow>,
    /// Ceilings.
    pub ceilings: Vec<CeilingRow>,
    /// Counts of pools that are gone.
    pub retired: Vec<RetiredRow>,
}

/// What pools of one database and user had done that are gone now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetiredRow {
    /// As clients named it; `*` for the many.
    pub database: Arc<str>,
    /// As clients name it.
    pub user: Arc<str>,
    /// Their counts.
    pub tally: SliceTally,
}

/// One database of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseRow {
    /// As clients name it.
    pub name: Arc<str>,
    /// Clients with a place.
    pub clients: u32,
    /// Credits out: connections that are open, on their way up or down.
    pub connections: u32,
    /// PAUSE or KILL of it.
    pub paused: bool,
    /// DISABLE of it.
    pub disabled: bool,
}

/// One user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRow {
    /// As clients name it.
    pub name: Arc<str>,
    /// Clients with a place.
    pub clients: u32,
    /// Credits out.
    pub connections: u32,
}

/// One pool, as far as credits go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRow {
    /// What it serves.
    pub key: PoolKey,
    /// Its slice.
    pub slice: SliceId,
    /// Where that lives.
    pub home: WorkerId,
    /// Clients with a place.
    pub clients: u32,
    /// Credits out.
    pub granted: u32,
    /// Of those, asked back.
    pub revoking: u32,
    /// Of those, dials under way.
    pub dialling: u32,
    /// Connections it could use now and has not.
    pub wanted: u32,
    /// The most it may hold without the reserve, and with it.
    pub size: (u32, u32),
    /// Microseconds its head of the line has been waiting.
    pub oldest_us: u64,
}

/// The door to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDoorRow {
    /// The server's name in the configuration.
    pub name: Arc<str>,
    /// Credits out for ordinary connections.
    pub connections: u32,
    /// What its refusals say it has room for.
    pub learned: Option<u32>,
    /// Dials under way.
    pub dialling: u32,
    /// Failures since the last login.
    pub failures: u32,
}

impl Steward {
    /// A copy of everything that operators may see.
    pub(super) fn books(&self, now: Now) -> Books {
        Books {
            stage: self.stage,
            ready: self.is_ready(now),
            paused: self.errands.is_all_paused(),
            clients: self.places.all(),
            admitted: self.places.admitted(),
            refused: self.places.refused().collect(),
            databases: self.database_rows(),
            users: self.user_rows(),
            pools: self.slices.iter().map(|(id, slice)| pool_row(*id, slice, now)).collect(),
            servers: self.server_rows(),
            ceilings: self.ceilings.rows().collect(),
            retired: self.retired_rows(),
        }
    }

    fn retired_rows(&self) -> Vec<RetiredRow> {
        let row = |((database, user), tally): (&(Arc<str>, Arc<str>), &SliceTally)| RetiredRow {
            database: database.clone(),
            user: user.clone(),
            tally: tally.clone(),
        };
        self.retired.iter().map(row).collect()
    }

    fn database_rows(&self) -> Vec<DatabaseRow> {
        let mut names: Vec<Arc<str>> = self.config.databases.keys().cloned().collect();
        names.extend(self.places.databases().map(|(name, _)| name.clone()));
        names.extend(self.slices.values().map(|slice| slice.key.database.clone()));
        names.extend(self.errands.stopped().cloned());
        names.retain(|name| **name != *FALLBACK);
        names.sort();
        names.dedup();
        let row = |name: Arc<str>| DatabaseRow {
            clients: self.places.of_database(&name),
            connections: self.ceilings.used(&CeilingOf::Database(name.clone())),
            paused: self.errands.is_paused_itself(&name),
            disabled: self.errands.is_disabled(&name),
            name,
        };
        names.into_iter().map(row).collect()
    }

    fn user_rows(&self) -> Vec<UserRow> {
        let mut names: Vec<Arc<str>> = self.config.users.keys().cloned().collect();
        names.extend(self.places.users().map(|(name, _)| name.clone()));
        names.extend(self.slices.values().map(|slice| slice.key.user.clone()));
        names.sort();
        names.dedup();
        let row = |name: Arc<str>| UserRow {
            clients: self.places.of_user(&name),
            connections: self.ceilings.used(&CeilingOf::User(name.clone())),
            name,
        };
        names.into_iter().map(row).collect()
    }

    fn server_rows(&self) -> Vec<ServerDoorRow> {
        let row = |(name, gate): (&Arc<str>, &super::Gate)| {
            let limit = CeilingOf::Server(name.clone());
            ServerDoorRow {
                name: name.clone(),
                connections: self.ceilings.used(&limit),
                learned: self.ceilings.learned(&limit),
                dialling: gate.dialling,
                failures: gate.patience.failures(),
            }
        };
        self.gates.iter().map(row).collect()
    }
}

fn pool_row(id: SliceId, slice: &Slice, now: Now) -> PoolRow {
    let waited = slice.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    PoolRow {
        key: slice.key.clone(),
        slice: id,
        home: slice.home,
        clients: slice.clients,
        granted: slice.granted(),
        revoking: slice.revoking(),
        dialling: slice.dials.len() as u32,
        wanted: slice.want,
        size: (slice.settings.pool_size, slice.size_max()),
        oldest_us: u64::try_from(waited.as_micros()).unwrap_or(u64::MAX),
    }
}
