//! What one pool needs, merged: the user's value, else the database's, else the proxy's.

use std::sync::Arc;
use std::time::Duration;

use super::{
    CheckQuery, Config, Database, FALLBACK, Limit, Percent, PoolMode, RESERVED, SecretText, Server,
    ServerClean, User,
};

/// Why there is no pool for a (database, user).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuch {
    /// No section of this name, and no fallback.
    #[error("no such database")]
    Database,
    /// The name leads to the console.
    #[error("the name is reserved for the console")]
    Console,
    /// Neither `[user.NAME]` nor the user list knows the name.
    #[error("no such user")]
    User,
    /// The database names a server that no section describes; a checked file never does.
    #[error("no such server")]
    Server,
}

/// How a pool's servers are logged in to.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// Role.
    pub user: Arc<str>,
    /// Its password or what stands for it. `None`: none is known (trust, or the client's own proof is passed on).
    pub secret: Option<SecretText>,
    /// True where the database forces the role, so that all its clients share one login.
    pub forced: bool,
}

/// Everything a pool needs to know. Equal settings mean that a reload changed nothing for the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSettings {
    /// The database as clients name it.
    pub database: Arc<str>,
    /// The user as clients name it.
    pub user: Arc<str>,
    /// When a client gives its server back.
    pub mode: PoolMode,
    /// Where servers are dialled.
    pub server: Arc<Server>,
    /// The database's name on the server.
    pub dbname: Arc<str>,
    /// Who logs in there.
    pub login: Login,
    /// Servers.
    pub pool_size: u32,
    /// Servers kept open.
    pub min_pool_size: u32,
    /// Servers beyond `pool_size`.
    pub reserve_pool_size: u32,
    /// How long the oldest waiter waits before the reserve is used; `None`: it never is.
    pub reserve_pool_timeout: Option<Duration>,
    /// Servers of the database, over all users.
    pub max_db_connections: Limit,
    /// Clients of the database.
    pub max_db_client_connections: Limit,
    /// Servers of the user, over all databases.
    pub max_user_connections: Limit,
    /// Clients of the user.
    pub max_user_client_connections: Limit,
    /// Clients in line.
    pub max_waiting_clients: Limit,
    /// Newest or oldest idle server first.
    pub server_round_robin: bool,
    /// Refuses a waiter.
    pub query_wait_timeout: Option<Duration>,
    /// Tells a waiter.
    pub query_wait_notify: Option<Duration>,
    /// Cancels a query.
    pub query_timeout: Option<Duration>,
    /// Closes a client idle in a transaction.
    pub idle_transaction_timeout: Option<Duration>,
    /// Closes a client whose transaction takes too long.
    pub transaction_timeout: Option<Duration>,
    /// Closes an idle client.
    pub client_idle_timeout: Option<Duration>,
    /// Closes a client that holds a server and accepts nothing.
    pub client_write_timeout: Option<Duration>,
    /// Bounds a cancel's wait.
    pub cancel_wait_timeout: Option<Duration>,
    /// Bounds a dial and login.
    pub server_connect_timeout: Option<Duration>,
    /// Pause after a failed one.
    pub server_login_retry: Duration,
    /// Age at which a free server is closed; zero: after one use.
    pub server_lifetime: Duration,
    /// Share cut off the lifetime by chance.
    pub server_lifetime_jitter: Percent,
    /// Rest after which a free server is closed.
    pub server_idle_timeout: Option<Duration>,
    /// Rest after which a server is checked.
    pub server_check_delay: Duration,
    /// How it is checked.
    pub server_check_query: CheckQuery,
    /// Sent when a session ends; empty: nothing.
    pub server_reset_query: Arc<str>,
    /// Sent at each check-in.
    pub server_reset_query_always: bool,
    /// Cleans what a transaction left behind.
    pub server_clean: ServerClean,
    /// Sent to each new server.
    pub connect_query: Option<Arc<str>>,
    /// Startup parameters asked from the server: client_encoding, datestyle, timezone, application_name.
    pub startup: Vec<(&'static str, Arc<str>)>,
    /// Named statements kept per server; 0: no tracking.
    pub max_prepared_statements: u32,
    /// Largest kept text.
    pub statement_bytes_max: u64,
    /// Largest message.
    pub max_packet_size: u64,
    /// Parameters kept per client beside the usual.
    pub track_extra_parameters: Vec<Arc<str>>,
    /// Startup parameters to forget.
    pub ignore_startup_parameters: Vec<Arc<str>>,
    /// Appends the client's address to its application_name.
    pub application_name_add_host: bool,
    /// Refuses the simple protocol.
    pub disable_pqexec: bool,
    /// Share when pools compete.
    pub weight: u32,
    /// The worker it must live on.
    pub worker: Option<u16>,
}

impl Config {
    /// The section that answers for this name: its own, else the fallback.
    pub fn database(&self, name: &str) -> Result<&Arc<Database>, NoSuch> {
        if RESERVED.contains(&name) {
            return Err(NoSuch::Console);
        }
        self.databases.get(name).or_else(|| self.databases.get(FALLBACK)).ok_or(NoSuch::Database)
    }

    /// The settings of the pool of this (database, user).
    pub fn pool(&self, database: &str, user: &str) -> Result<PoolSettings, NoSuch> {
        let section = self.database(database)?;
        let who = self.users.get(user).ok_or(NoSuch::User)?;
        let server = self.servers.get(&section.server).ok_or(NoSuch::Server)?;
        Ok(merge(self, database, section, who, server))
    }

    fn login(&self, database: &Database, user: &User) -> Login {
        match &database.user {
            Some(forced) => {
                let listed = || self.users.get(forced).and_then(|user| user.password.clone());
                Login {
                    user: forced.clone(),
                    secret: database.password.clone().or_else(listed),
                    forced: true,
                }
            }
            None => {
                let secret = database.password.clone().or_else(|| user.password.clone());
                Login { user: user.name.clone(), secret, forced: false }
            }
        }
    }
}

fn merge(config: &Config, asked: &str, db: &Database, user: &User, server: &Arc<Server>) -> PoolSettings {
    let proxy = &config.proxy;
    let name: Arc<str> = if &*db.name == FALLBACK { asked.into() } else { db.name.clone() };
    PoolSettings {
        dbname: db.dbname.clone().unwrap_or_else(|| name.clone()),
        database: name,
        user: user.name.clone(),
        mode: user.pool_mode.or(&db.pool_mode).over(&proxy.pool_mode),
        server: server.clone(),
        login: config.login(db, user),
        pool_size: user.pool_size.or(&db.pool_size).over(&proxy.default_pool_size),
        min_pool_size: db.min_pool_size.over(&proxy.min_pool_size),
        reserve_pool_size: user.reserve_pool_size.or(&db.reserve_pool_size).over(&proxy.reserve_pool_size),
        reserve_pool_timeout: proxy.reserve_pool_timeout,
        max_db_connections: db.max_db_connections.over(&proxy.max_db_connections),
        max_db_client_connections: db.max_db_client_connections.over(&proxy.max_db_client_connections),
        max_user_connections: user.max_user_connections.over(&proxy.max_user_connections),
        max_user_client_connections: user
            .max_user_client_connections
            .over(&proxy.max_user_client_connections),
        max_waiting_clients: proxy.max_waiting_clients,
        server_round_robin: proxy.server_round_robin,
        query_wait_timeout: user
            .query_wait_timeout
            .or(&db.query_wait_timeout)
            .over(&proxy.query_wait_timeout),
        query_wait_notify: proxy.query_wait_notify,
        query_timeout: user.query_timeout.over(&proxy.query_timeout),
        idle_transaction_timeout: user.idle_transaction_timeout.over(&proxy.idle_transaction_timeout),
        transaction_timeout: user.transaction_timeout.over(&proxy.transaction_timeout),
        client_idle_timeout: user.client_idle_timeout.over(&proxy.client_idle_timeout),
        client_write_timeout: proxy.client_write_timeout,
        cancel_wait_timeout: proxy.cancel_wait_timeout,
        server_connect_timeout: proxy.server_connect_timeout,
        server_login_retry: proxy.server_login_retry,
        server_lifetime: db.server_lifetime.over(&proxy.server_lifetime),
        server_lifetime_jitter: proxy.server_lifetime_jitter,
        server_idle_timeout: proxy.server_idle_timeout,
        server_check_delay: proxy.server_check_delay,
        server_check_query: proxy.server_check_query.clone(),
        server_reset_query: proxy.server_reset_query.clone(),
        server_reset_query_always: proxy.server_reset_query_always,
        server_clean: db.server_clean.over(&proxy.server_clean),
        connect_query: db.connect_query.clone(),
        startup: startup(db),
        max_prepared_statements: proxy.max_prepared_statements,
        statement_bytes_max: proxy.statement_bytes_max,
        max_packet_size: proxy.max_packet_size,
        track_extra_parameters: proxy.track_extra_parameters.clone(),
        ignore_startup_parameters: proxy.ignore_startup_parameters.clone(),
        application_name_add_host: proxy.application_name_add_host,
        disable_pqexec: proxy.disable_pqexec,
        weight: db.weight,
        worker: db.worker.0,
    }
}

fn startup(db: &Database) -> Vec<(&'static str, Arc<str>)> {
    let asked = [
        ("client_encoding", &db.client_encoding),
        ("datestyle", &db.datestyle),
        ("timezone", &db.timezone),
        ("application_name", &db.application_name),
    ];
    asked.into_iter().filter_map(|(key, value)| value.clone().map(|value| (key, value))).collect()
}
