//! CONNECTION LIMITs of roles and databases, with what is used of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Session;
use crate::connect::{Answer, AskError, Row};

/// A role's limit holds over all databases, a database's over all roles. Superusers pass both. -2 on a database marks a
/// half-dropped one; -1 is none.
pub(super) const SQL: &str = "\
SELECT 'role' AS kind, rolname::text AS name, rolconnlimit AS lim, rolsuper AS exempt
  FROM pg_catalog.pg_roles WHERE rolconnlimit >= 0 AND rolcanlogin
UNION ALL
SELECT 'database', datname, datconnlimit, false FROM pg_catalog.pg_database WHERE datconnlimit >= 0";

/// Whose limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitKind {
    /// `ALTER ROLE ... CONNECTION LIMIT`.
    Role,
    /// `ALTER DATABASE ... CONNECTION LIMIT`.
    Database,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Whose.
    pub kind: LimitKind,
    /// The role's or the database's name.
    pub name: String,
    /// The limit; 0 lets nobody in.
    pub limit: u32,
    /// The role is a superuser: the limit is not applied.
    pub exempt: bool,
    /// Sessions now, without our own.
    pub used: u32,
}

impl Limit {
    /// It can become full: it holds somebody back, and is not a door that was closed.
    pub fn can_fill(&self) -> bool {
        !self.exempt && self.limit > 0
    }

    /// What is used, in per cent; 100 for a limit of 0.
    pub fn percent(&self) -> f64 {
        if self.limit == 0 { 100.0 } else { f64::from(self.used) * 100.0 / f64::from(self.limit) }
    }

    /// What is used is counted among the sessions of the same look.
    pub(super) fn read_all(answer: &Answer, sessions: &[Session]) -> Result<Vec<Self>, AskError> {
        let read = |row: Row<'_>| {
            let kind = if row.text("kind")? == Some("role") { LimitKind::Role } else { LimitKind::Database };
            let name: String = row.value("name")?;
            let holds = |session: &&Session| {
                let of = match kind {
                    LimitKind::Role => &session.user,
                    LimitKind::Database => &session.database,
                };
                !session.is_walsender && of.as_deref() == Some(&*name)
            };
            let used = sessions.iter().filter(holds).count() as u32;
            Ok(Self { kind, limit: row.value("lim")?, exempt: row.flag("exempt")?, used, name })
        };
        let mut limits = answer.rows().map(read).collect::<Result<Vec<_>, AskError>>()?;
        limits.sort_by(|a, b| b.percent().total_cmp(&a.percent()).then_with(|| a.name.cmp(&b.name)));
        Ok(limits)
    }
}
