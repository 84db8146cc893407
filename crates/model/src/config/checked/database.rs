//! `[database.NAME]`, `[user.NAME]` and `[admin]`: what clients ask for, and who they are.

use std::time::Duration;

use super::*;

section! {
    /// `[database.NAME]`: a name that clients ask for. What is absent here is decided by `[proxy]`.
    Database Database(name: Arc<str> = "NAME; `*` answers for every name without a section.") {
        server: Arc<str> = "", Reload, OURS,
            "The [server.NAME] it is on; may be left out where there is only one.";
        dbname: Option<Arc<str>> = "", Reload, SAME,
            "The database's name on the server; the section's name, or for \"*\" the one asked for, if absent.";
        user: Option<Arc<str>> = "", Reload, SAME,
            "Role that logs in to the server for every client; the client's own if absent.";
        password: Option<SecretText> = "", Reload, SAME,
            "Password of that role; the one of [user.NAME] or the user list if absent.";
        pool_mode: Own<PoolMode> = "", Reload, SAME,
            "When a client gives its server back.";
        pool_size: Own<u32> = "", Reload, SAME,
            "Servers per pool; default_pool_size if absent.";
        min_pool_size: Own<u32> = "", Reload, SAME,
            "Servers a pool keeps open.";
        reserve_pool_size: Own<u32> = "", Reload, SAME,
            "Servers a pool may open beyond its size.";
        max_db_connections: Own<Limit> = "", Reload, SAME,
            "Servers of this database, over all its users.";
        max_db_client_connections: Own<Limit> = "", Reload, SAME,
            "Clients of this database.";
        server_lifetime: Own<Duration> = "", Reload, SAME,
            "A server older than this is closed when it is free.";
        query_wait_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "A client that waits longer for a server is refused.";
        server_clean: Own<ServerClean> = "", Reload, OURS,
            "When a server is cleaned of what a transaction's client left behind.";
        connect_query: Option<Arc<str>> = "", Reload, SAME,
            "Sent to each new server before its first use, and again behind a cleaning of `server_clean`; an error is only logged.";
        client_encoding: Option<Arc<str>> = "", Reload, SAME,
            "Asked from the server at connect.";
        datestyle: Option<Arc<str>> = "", Reload, SAME,
            "Asked from the server at connect.";
        timezone: Option<Arc<str>> = "", Reload, SAME,
            "Asked from the server at connect.";
        application_name: Option<Arc<str>> = "", Reload, SAME,
            "Asked from the server at connect.";
        weight: u32 = "100", Reload, OURS,
            "Share of the server's connections when pools compete for them.";
        worker: Own<u16> = "", Boot, OURS,
            "The worker its pools live on, from 0; placed by load if absent.";
    }
}

section! {
    /// `[user.NAME]`: a role that may log in. What is set here wins over the database's and `[proxy]`'s.
    User User(name: Arc<str> = "NAME.") {
        password: Option<SecretText> = "", Reload, OURS,
            "Its password, or what stands for it (md5..., SCRAM-SHA-256$...); the user list's if absent.";
        pool_mode: Own<PoolMode> = "", Reload, SAME,
            "When a client gives its server back.";
        pool_size: Own<u32> = "", Reload, SAME,
            "Servers per pool of this user.";
        reserve_pool_size: Own<u32> = "", Reload, SAME,
            "Servers a pool of this user may open beyond its size.";
        max_user_connections: Own<Limit> = "", Reload, SAME,
            "Servers of this user, over all databases.";
        max_user_client_connections: Own<Limit> = "", Reload, SAME,
            "Clients of this user.";
        query_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "Cancels a query that runs or waits longer and closes its client.";
        query_wait_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "A client that waits longer for a server is refused.";
        idle_transaction_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "Closes a client that is idle within a transaction for so long.";
        transaction_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "Closes a client whose transaction takes longer.";
        client_idle_timeout: Own<Option<Duration>> = "", Reload, SAME,
            "Closes a client that asks for nothing for so long.";
    }
}

section! {
    /// `[admin]`: who may use the console.
    Admin Admin() {
        admin_users: Vec<Arc<str>> = "", Reload, SAME,
            "Users of the console with every command.";
        stats_users: Vec<Arc<str>> = "", Reload, SAME,
            "Users of the console with SHOW only.";
    }
}
