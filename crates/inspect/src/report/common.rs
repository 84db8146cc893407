//! Parts that several reports share.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Limit, LimitKind, Sample};

/// The server that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Target {
    /// Where it was reached: host and port, or the socket's file.
    pub place: String,
    /// `server_version_num`.
    pub version_num: u32,
    /// `server_version`, the number alone.
    pub version: String,
    /// A standby.
    pub in_recovery: bool,
    /// Seconds since its start.
    pub uptime_s: f64,
    /// The role we are logged in as.
    pub user: String,
    /// The database we are logged in to.
    pub dbname: String,
}

impl Target {
    /// The server of a sample, reached at `place`.
    pub fn of(sample: &Sample, place: &str) -> Self {
        let facts = &sample.facts;
        Self {
            place: place.to_owned(),
            version_num: facts.version_num,
            version: facts.short_version().to_owned(),
            in_recovery: facts.in_recovery,
            uptime_s: facts.uptime_s,
            user: facts.user.clone(),
            dbname: facts.dbname.clone(),
        }
    }
}

/// How much of other roles' sessions we see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everything.
    Full,
    /// Of other roles' sessions only pid, user, database and application: no state, no age, no client.
    Partial,
}

impl Visibility {
    /// Of the role that took a sample.
    pub fn of(sample: &Sample) -> Self {
        if sample.is_partial() { Self::Partial } else { Self::Full }
    }
}

/// A CONNECTION LIMIT.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LimitReport {
    /// Role or database.
    pub kind: LimitKind,
    /// Its name.
    pub name: String,
    /// The limit.
    pub limit: u32,
    /// Sessions now.
    pub used: u32,
    /// `used` of `limit`, in per cent.
    pub percent: f64,
    /// A superuser, whom the limit does not stop.
    pub exempt: bool,
}

impl From<&Limit> for LimitReport {
    fn from(limit: &Limit) -> Self {
        Self {
            kind: limit.kind,
            name: limit.name.clone(),
            limit: limit.limit,
            used: limit.used,
            percent: limit.percent(),
            exempt: limit.exempt,
        }
    }
}
