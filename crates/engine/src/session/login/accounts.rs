//! What the configuration says about who may log in.

use std::sync::Arc;

use model::config::checked::{AuthType, Config, RESERVED};
use wire::auth::scram::ITERATIONS_MAX;

use crate::contract::Peer;
use crate::session::keys::Stored;

/// How clients prove who they are.
pub(super) fn auth_type(config: &Config) -> AuthType {
    config.proxy.auth_type
}

/// The rounds for verifiers made from plain passwords.
pub(super) fn scram_iterations(config: &Config) -> u32 {
    config.proxy.scram_iterations.clamp(1, ITERATIONS_MAX)
}

/// Whether the name is in the configuration or the user list. With `trust` that is all that is asked, as in PgBouncer;
/// a database with a role of its own makes no exception, because a pool is that of a known user.
pub(super) fn knows(config: &Config, user: &str) -> bool {
    config.users.contains_key(user)
}

/// What this user's password is compared with. `None`: nobody can log in by this name with a password.
pub(super) fn stored(config: &Config, user: &str) -> Option<Stored> {
    Stored::read(config.users.get(user)?.password.as_ref()?)
}

/// What the first user that has a secret has: under `md5`, strangers are asked as this user would be.
pub(super) fn example(config: &Config) -> Option<Stored> {
    config.users.values().find_map(|user| Stored::read(user.password.as_ref()?))
}

/// Some user and its secret, the same for a number as long as nobody comes or goes: whom a stranger is treated like.
/// `None` where it has no secret that can be used.
pub(super) fn alike(config: &Config, pick: u64) -> Option<(Arc<str>, Stored)> {
    let among = (config.users.len() as u64).max(1);
    let (name, user) = config.users.iter().nth((pick % among) as usize)?;
    Some((name.clone(), Stored::read(user.password.as_ref()?)?))
}

/// Whether a startup parameter is to be forgotten. `name` is in lower case.
pub(super) fn ignores(config: &Config, name: &str) -> bool {
    config.proxy.ignore_startup_parameters.iter().any(|ignored| ignored.eq_ignore_ascii_case(name))
}

/// Whether clients' values of this setting are kept apart beyond the usual ones.
pub(super) fn tracks(config: &Config, name: &str) -> bool {
    config.proxy.track_extra_parameters.iter().any(|tracked| tracked.eq_ignore_ascii_case(name))
}

/// Whether there is such a database, or one that answers for every name.
pub(super) fn serves(config: &Config, database: &str) -> bool {
    config.database(database).is_ok()
}

/// Whether the name leads to the console.
pub(super) fn is_console(database: &str) -> bool {
    RESERVED.contains(&database)
}

/// Whether this user may use the console, and then whether it may command.
pub(super) fn console_right(config: &Config, user: &str) -> Option<bool> {
    let among = |list: &[Arc<str>]| list.iter().any(|name| **name == *user);
    if among(&config.admin.admin_users) {
        return Some(true);
    }
    among(&config.admin.stats_users).then_some(false)
}

/// Whoever runs this process can end it anyway: over the unix socket, under the console's own names, no password is
/// asked.
pub(super) fn is_ourselves(peer: &Peer, user: &str, own_uid: u32) -> bool {
    match peer {
        // The highest number stands for "unknown".
        Peer::Unix { uid, .. } => *uid == own_uid && *uid != u32::MAX && is_console(user),
        Peer::Ip(..) => false,
    }
}
