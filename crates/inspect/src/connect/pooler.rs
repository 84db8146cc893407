//! A pooler between us and the server: told by the process id that it made up, and asked at its console.

use schemars::JsonSchema;
use serde::Serialize;

use model::config::checked::RESERVED;

use super::{Answer, AskError, ConnectError, Connection, open};
use crate::settings::Settings;

/// The name under which poolers of PgBouncer's kind offer their console.
const CONSOLE: &str = "pgbouncer";

/// What a pooler says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolerView {
    /// Its name and version, as it says them: `PgBouncer 1.25.2`.
    pub version: String,
    /// Its pools, without that of the console.
    pub pools: Vec<PoolView>,
}

/// One pool of a pooler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolView {
    /// What clients ask for.
    #[serde(rename = "db")]
    pub database: String,
    /// As whom.
    pub user: String,
    /// Clients that have a server, or need none now.
    pub clients_active: u32,
    /// Clients that wait for a server.
    pub clients_waiting: u32,
    /// Servers that clients have.
    pub servers_active: u32,
    /// Servers that are free.
    pub servers_idle: u32,
    /// Seconds that the first in the queue has waited.
    pub max_wait_s: u32,
}

impl Connection {
    /// Whether somebody stands between us and the server. `backend` is what `pg_backend_pid()` says.
    pub fn is_pooled(&self, backend: i32) -> bool {
        u32::try_from(backend) != Ok(self.announced_pid())
    }
}

impl PoolerView {
    /// Asks the console of the pooler that these settings lead to, as the same role.
    ///
    /// # Errors
    /// It has no console, or does not let us in.
    pub async fn ask(settings: &Settings) -> Result<Self, ConnectError> {
        let console = Settings { dbname: CONSOLE.to_owned(), wait_slot: None, ..settings.clone() };
        let mut connection = open(&console, "connwarden").await?;
        let view = Self::read(&mut connection).await;
        let place = connection.place().to_owned();
        connection.close().await;
        view.map_err(|error| ConnectError::of_ask(&place, error))
    }

    /// One question at a time: a console takes no more.
    async fn read(connection: &mut Connection) -> Result<Self, AskError> {
        let version = first(connection.ask("SHOW VERSION").await?)?;
        let pools = first(connection.ask("SHOW POOLS").await?)?;
        let version = version.only()?.value("version")?;
        let pools = pools.rows().map(|row| {
            Ok(PoolView {
                database: row.value("database")?,
                user: row.value("user")?,
                clients_active: row.value("cl_active")?,
                clients_waiting: row.value("cl_waiting")?,
                servers_active: row.value("sv_active")?,
                servers_idle: row.value("sv_idle")?,
                max_wait_s: row.value("maxwait")?,
            })
        });
        let mut pools = pools.collect::<Result<Vec<_>, AskError>>()?;
        pools.retain(|pool| !RESERVED.contains(&pool.database.as_str()));
        Ok(Self { version, pools })
    }

    /// All pools together, in a sentence's length.
    pub fn summary(&self) -> String {
        let sum = |of: fn(&PoolView) -> u32| self.pools.iter().map(of).sum::<u32>();
        format!(
            "{}: {} clients, {} of them waiting, on {} servers",
            self.version,
            sum(|pool| pool.clients_active + pool.clients_waiting),
            sum(|pool| pool.clients_waiting),
            sum(|pool| pool.servers_active + pool.servers_idle)
        )
    }
}

fn first(answers: Vec<Answer>) -> Result<Answer, AskError> {
    answers.into_iter().next().ok_or_else(|| AskError::Shape("no answer from the console".into()))
}
