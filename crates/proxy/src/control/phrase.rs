//! The steward's news in words for the log. Where PgBouncer has a phrase it is repeated to the letter.

use engine::orders::{PoolKey, Scope};
use engine::steward::{Answer, CeilingOf, Command, Shutdown, StewardRemark as Remark};

use crate::observe::phrase::refused;

/// Writes one piece of news.
pub(super) fn log(remark: &Remark) {
    match remark {
        Remark::ServerFailing { server, why, pause } => {
            tracing::warn!("server {server}: {}, next try in {} ms", refused(why), pause.as_millis());
        }
        Remark::ServerBack { server } => tracing::info!("server {server} lets us in again"),
        Remark::PoolFailing { key, why, pause } => {
            tracing::warn!("{}: {}, next try in {} ms", pool(key), refused(why), pause.as_millis());
        }
        Remark::OutOfResources => {
            tracing::error!("no descriptor, port or memory left for connections to servers");
        }
        Remark::CeilingLowered { limit, connections } => {
            tracing::warn!("no room on the server: {} is taken to be {connections} for now", ceiling(limit));
        }
        Remark::ReserveUsed { key, waited } => tracing::info!(
            "{}: taking connection from reserve_pool, a client has been waiting for {} ms",
            pool(key),
            waited.as_millis()
        ),
        Remark::Commanded(command) => tracing::info!("{} command issued", words(command)),
        Remark::Paused(scope) => tracing::info!("paused{}", of(scope)),
        Remark::Draining(how) => tracing::info!("shutting down: {}", ending(*how)),
        Remark::DrainOver => tracing::warn!("drain_timeout is over: clients that are left are sent away"),
        Remark::Reloaded { stale, removed } => {
            tracing::info!("configuration in force: {stale} pools change servers, {removed} are closed");
        }
    }
}

/// An answer to a signal, which nobody reads.
pub(super) fn unasked(answer: &Answer) {
    if let Answer::Error(text) = answer {
        tracing::warn!("{text}");
    }
}

fn pool(key: &PoolKey) -> String {
    format!("{}/{}", key.database, key.user)
}

fn of(scope: &Scope) -> String {
    match scope {
        Scope::All => String::new(),
        Scope::Database(name) => format!(" '{name}'"),
    }
}

fn words(command: &Command) -> String {
    match command {
        Command::Pause(scope) => format!("PAUSE{}", of(scope)),
        Command::Resume(scope) => format!("RESUME{}", of(scope)),
        Command::Reconnect(scope) => format!("RECONNECT{}", of(scope)),
        Command::WaitClose(scope) => format!("WAIT_CLOSE{}", of(scope)),
        Command::Kill(scope) => format!("KILL{}", of(scope)),
        Command::KillClient(client) => format!("KILL_CLIENT {}", client.0),
        Command::Disable(name) => format!("DISABLE '{name}'"),
        Command::Enable(name) => format!("ENABLE '{name}'"),
        Command::Shutdown(how) => format!("SHUTDOWN ({})", ending(*how)),
        Command::Record(Some(_)) => "RECORD".into(),
        Command::Record(None) => "RECORD STOP".into(),
        Command::Page(..) => "a page of the books".into(),
        Command::Books => "the books".into(),
        Command::Number => "a number".into(),
    }
}

fn ending(how: Shutdown) -> &'static str {
    match how {
        Shutdown::Drain => "clients leave when they are idle, for drain_timeout at most",
        Shutdown::WaitForClients => "waiting for clients to leave",
        Shutdown::WaitForServers => "waiting for servers to be released",
        Shutdown::Now => "at once",
    }
}

fn ceiling(limit: &CeilingOf) -> String {
    match limit {
        CeilingOf::Pool(pool) => format!("the limit of pool {}", pool.0),
        CeilingOf::Database(name) => format!("the limit of database {name}"),
        CeilingOf::User(name) => format!("the limit of user {name}"),
        CeilingOf::Server(server) => format!("the room on server {server}"),
        CeilingOf::Walsenders(server) => format!("the room for replication on server {server}"),
        CeilingOf::Role { server, role } => format!("the connection limit of role {role} on server {server}"),
        CeilingOf::ServerDatabase { server, dbname } => {
            format!("the connection limit of database {dbname} on server {server}")
        }
    }
}
