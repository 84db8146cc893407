//! What holds for the whole server and for the role we are: limits, timeouts, rights. Runs on PostgreSQL 12 to 18.

use crate::connect::{Answer, AskError};

/// Settings that a version lacks are NULL: one text serves all. Not from `pg_settings`, each reading of which makes all its
/// rows: a time is shown with a unit (`5min`) that an interval understands.
pub(super) const SQL: &str = "\
SELECT current_setting('server_version_num')::int AS version_num,
       current_setting('server_version') AS version,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int AS superuser_reserved,
       coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       current_setting('max_wal_senders')::int AS max_wal_senders,
       (extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval) * 1000)::bigint AS idle_in_transaction_timeout_ms,
       (extract(epoch FROM current_setting('idle_session_timeout', true)::interval) * 1000)::bigint AS idle_session_timeout_ms,
       (extract(epoch FROM current_setting('transaction_timeout', true)::interval) * 1000)::bigint AS transaction_timeout_ms,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       extract(epoch FROM clock_timestamp() - pg_catalog.pg_postmaster_start_time()) AS uptime_s,
       pg_catalog.pg_backend_pid() AS pid,
       current_user AS username,
       pg_catalog.current_database() AS dbname,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS is_superuser,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
       pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') AS can_signal,
       CASE WHEN pg_catalog.to_regrole('pg_use_reserved_connections') IS NULL THEN false
            ELSE pg_catalog.pg_has_role(pg_catalog.to_regrole('pg_use_reserved_connections')::oid, 'USAGE') END AS can_use_reserved";

/// Settings whose new value waits for a restart. What the command line says wins over the files at the next start as well,
/// so nothing waits there.
pub(super) const WAITING: &str = "\
SELECT string_agg(name, ',' ORDER BY name) AS pending_restart
  FROM pg_catalog.pg_settings WHERE pending_restart AND source <> 'command line'";

/// The server and our rights on it, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// As `server_version_num`: 150013.
    pub version_num: u32,
    /// As `server_version`: `15.13 (Debian 15.13-0+deb12u1)`.
    pub version: String,
    /// The server's clock: microseconds since 1970, UTC.
    pub now_us: i64,
    /// All slots.
    pub max_connections: u32,
    /// Slots that only superusers get.
    pub superuser_reserved: u32,
    /// Slots for members of `pg_use_reserved_connections`; 0 before version 16.
    pub reserved: u32,
    /// Slots of walsenders, which are apart from `max_connections` since version 12.
    pub max_wal_senders: u32,
    /// `idle_in_transaction_session_timeout`, 0 for none.
    pub idle_in_transaction_timeout_ms: i64,
    /// `idle_session_timeout`, 0 for none; `None` before version 14.
    pub idle_session_timeout_ms: Option<i64>,
    /// `transaction_timeout`, 0 for none; `None` before version 17.
    pub transaction_timeout_ms: Option<i64>,
    /// A standby, or not yet recovered.
    pub in_recovery: bool,
    /// Seconds since the postmaster started.
    pub uptime_s: f64,
    /// Our own backend, which no count includes and no plan touches.
    pub pid: i32,
    /// Whom we are logged in as.
    pub user: String,
    /// Where we are logged in.
    pub dbname: String,
    /// We are a superuser.
    pub is_superuser: bool,
    /// We see the whole of other roles' sessions (pg_monitor, pg_read_all_stats, superuser).
    pub sees_all: bool,
    /// We may end sessions of other roles, except superusers'.
    pub can_signal: bool,
    /// We may use the slots of `reserved_connections`.
    pub can_use_reserved: bool,
    /// Settings whose new value waits for a restart; empty if not asked for.
    pub pending_restart: Vec<String>,
}

impl Facts {
    /// Slots that ordinary roles can fill.
    pub fn usable(&self) -> u32 {
        self.max_connections.saturating_sub(self.superuser_reserved).saturating_sub(self.reserved)
    }

    /// 15 of 150013.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// The number alone: `15.13`.
    pub fn short_version(&self) -> &str {
        self.version.split_whitespace().next().unwrap_or_default()
    }

    pub(super) fn read(answer: &Answer) -> Result<Self, AskError> {
        let row = answer.only()?;
        Ok(Self {
            version_num: row.value("version_num")?,
            version: row.value("version")?,
            now_us: row.value("now_us")?,
            max_connections: row.value("max_connections")?,
            superuser_reserved: row.value("superuser_reserved")?,
            reserved: row.value("reserved")?,
            max_wal_senders: row.value("max_wal_senders")?,
            idle_in_transaction_timeout_ms: row.value("idle_in_transaction_timeout_ms")?,
            idle_session_timeout_ms: row.maybe("idle_session_timeout_ms")?,
            transaction_timeout_ms: row.maybe("transaction_timeout_ms")?,
            in_recovery: row.flag("in_recovery")?,
            uptime_s: row.value("uptime_s")?,
            pid: row.value("pid")?,
            user: row.value("username")?,
            dbname: row.owned("dbname")?.unwrap_or_default(),
            is_superuser: row.flag("is_superuser")?,
            sees_all: row.flag("sees_all")?,
            can_signal: row.flag("can_signal")?,
            can_use_reserved: row.flag("can_use_reserved")?,
            pending_restart: Vec::new(),
        })
    }

    pub(super) fn read_waiting(answer: &Answer) -> Result<Vec<String>, AskError> {
        let names = answer.only()?.owned("pending_restart")?.unwrap_or_default();
        Ok(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }
}
