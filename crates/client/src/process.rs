//! The process's own monitor, for those who don't want to carry one around.
//!
//! It is the one static of this crate: a health function without arguments needs something to hold its connection, and a
//! second connection for each call would be the very thing that is watched for.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::{Health, Monitor, Scope};

static MONITOR: OnceLock<Monitor> = OnceLock::new();

/// Makes this monitor the process's own, which [`health`] and [`monitor_scope`] ask. Once, and before they are first called.
///
/// # Errors
/// There is one already: the monitor comes back.
pub fn install(monitor: Monitor) -> Result<(), Monitor> {
    MONITOR.set(monitor)
}

/// The health of the server that `PG*` variables and `$DATABASE_URL` name, or of the one that was [`install`]ed. As
/// [`Monitor::health`]; settings that make no sense are a status, too: unknown, with the code `config`.
pub async fn health() -> Health {
    monitor().health().await
}

/// A scope beside the pools of the monitor that was [`install`]ed; without one it measures time alone. As
/// [`Monitor::scope`].
pub fn monitor_scope(name: impl Into<Cow<'static, str>>) -> Scope {
    monitor().scope(name)
}

fn monitor() -> &'static Monitor {
    MONITOR.get_or_init(Monitor::of_environment)
}
