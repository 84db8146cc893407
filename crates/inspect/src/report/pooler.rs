//! A pooler that was found on the way to a server.

use schemars::JsonSchema;
use serde::Serialize;

use crate::connect::PoolerView;

/// What stands in between, and what its console says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolerReport {
    /// Its name and version; `None` where its console does not let us in.
    pub version: Option<String>,
    /// Its pools.
    pub pools: Vec<PoolReport>,
}

/// One pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolReport {
    /// The database that clients ask for.
    pub db: String,
    /// The role.
    pub user: String,
    /// Clients that have a server, or need none now.
    pub clients_active: u32,
    /// Clients in line.
    pub clients_waiting: u32,
    /// Server connections that clients have.
    pub servers_active: u32,
    /// Server connections at rest.
    pub servers_idle: u32,
    /// Seconds that the first in line has waited.
    pub max_wait_s: u32,
}

impl PoolerReport {
    /// Of what the console said, if it said anything.
    pub fn of(view: Option<&PoolerView>) -> Self {
        let pools = view.into_iter().flat_map(|view| &view.pools).map(|pool| PoolReport {
            db: pool.database.clone(),
            user: pool.user.clone(),
            clients_active: pool.clients_active,
            clients_waiting: pool.clients_waiting,
            servers_active: pool.servers_active,
            servers_idle: pool.servers_idle,
            max_wait_s: pool.max_wait_s,
        });
        Self { version: view.map(|view| view.version.clone()), pools: pools.collect() }
    }
}
