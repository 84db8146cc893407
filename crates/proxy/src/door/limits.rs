//! How many descriptors there are, and how many clients fit.

use std::io;

use model::config::checked::Config;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors for all that is neither client nor server: listeners, loops, log, console, census, cancel requests.
const OTHERS: u64 = 64;
/// Fewer clients than this are not worth a start.
const CLIENTS_MIN: u64 = 16;

/// The limit leaves no room for clients.
#[derive(Debug, thiserror::Error)]
#[error(
    "the limit of open files is {limit}; {servers} connections to servers and {clients} clients are the least this \
     configuration needs: raise it (LimitNOFILE= in a unit, ulimit -n in a shell), or lower the pool sizes"
)]
pub struct TooFew {
    /// The limit.
    pub limit: u64,
    /// What the pools may open.
    pub servers: u64,
    /// The least number of clients.
    pub clients: u64,
}

/// Raises the soft limit of open files to the hard one and returns it.
pub fn raise() -> io::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(limit.current.unwrap_or(u64::MAX))
}

/// How many of `max_client_conn` clients fit under a limit of open files.
pub fn clients_that_fit(config: &Config, limit: u64) -> Result<u32, TooFew> {
    let servers = servers(config).min(limit / 2);
    let room = limit.saturating_sub(servers + OTHERS);
    let wanted = config.proxy.max_client_conn;
    if room < CLIENTS_MIN.min(u64::from(wanted)) {
        return Err(TooFew { limit, servers, clients: CLIENTS_MIN });
    }
    Ok(wanted.min(u32::try_from(room).unwrap_or(u32::MAX)))
}

/// Connections to servers that the known pools may open together.
fn servers(config: &Config) -> u64 {
    let users = config.users.len().max(1) as u64;
    let reserve = config.proxy.reserve_pool_size;
    config
        .databases
        .values()
        .map(|database| {
            let pools = if database.user.is_some() { 1 } else { users };
            let size = database.pool_size.over(&config.proxy.default_pool_size);
            let servers = pools * u64::from(size + database.reserve_pool_size.over(&reserve));
            let most = database.max_db_connections.over(&config.proxy.max_db_connections).max();
            most.map_or(servers, |most| servers.min(u64::from(most)))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_lowered_to_what_the_limit_leaves() {
        let config = Config::for_tests();
        assert_eq!(clients_that_fit(&config, 100_000).unwrap(), 10_000);
        assert_eq!(clients_that_fit(&config, 1_024).unwrap(), 1_024 - 20 - 64);
    }

    #[test]
    fn a_limit_without_room_is_refused() {
        let refused = clients_that_fit(&Config::for_tests(), 90).unwrap_err();
        assert!(refused.to_string().contains("LimitNOFILE"), "{refused}");
    }
}
