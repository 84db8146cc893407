//! CONNECTION LIMITs of roles and databases, with what is used of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connect::{Answer, AskError};

/// A role's limit holds over all databases, a database's over all roles. Superusers pass both. -2 on a database marks a
/// half-dropped one; -1 is none.
pub(super) const SQL: &str = "\
SELECT 'role' AS kind, r.rolname::text AS name, r.rolconnlimit AS lim, r.rolsuper AS exempt,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a
         WHERE a.usesysid = r.oid AND coalesce(a.backend_type, 'client backend') = 'client backend') AS used
  FROM pg_catalog.pg_roles r WHERE r.rolconnlimit >= 0 AND r.rolcanlogin
UNION ALL
SELECT 'database', d.datname, d.datconnlimit, false,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a
         WHERE a.datid = d.oid AND coalesce(a.backend_type, 'client backend') = 'client backend')
  FROM pg_catalog.pg_database d WHERE d.datconnlimit >= 0";

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
    /// Sessions now.
    pub used: u32,
}

impl Limit {
    /// What is used, in per cent; 100 for a limit of 0.
    pub fn percent(&self) -> f64 {
        if self.limit == 0 { 100.0 } else { f64::from(self.used) * 100.0 / f64::from(self.limit) }
    }

    pub(super) fn read_all(answer: &Answer) -> Result<Vec<Self>, AskError> {
        let read = |row: crate::connect::Row<'_>| {
            Ok(Self {
                kind: if row.text("kind")? == Some("role") { LimitKind::Role } else { LimitKind::Database },
                name: row.value("name")?,
                limit: row.value("lim")?,
                exempt: row.flag("exempt")?,
                used: row.value("used")?,
            })
        };
        let mut limits = answer.rows().map(read).collect::<Result<Vec<_>, AskError>>()?;
        limits.sort_by(|a, b| b.percent().total_cmp(&a.percent()).then_with(|| a.name.cmp(&b.name)));
        Ok(limits)
    }
}
