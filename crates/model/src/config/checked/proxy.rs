//! `[proxy]`: the process, and what holds for every pool where nobody says otherwise.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::*;

section! {
    /// `[proxy]`: one field per setting, by its name in the file.
    Proxy Proxy() {
        listen_addr: Vec<ListenAddr> = "127.0.0.1", Boot, was(""),
            "Addresses to listen on; \"*\" for all; empty for the unix socket only.";
        listen_port: u16 = "6432", Boot, SAME,
            "Port of every listen_addr and of the unix socket; 0 lets the system choose.";
        listen_backlog: u32 = "128", Boot, SAME,
            "Connections the kernel keeps for us before they are accepted.";
        so_reuseport: bool = "false", Boot, SAME,
            "Lets several processes listen on one port.";
        unix_socket_dir: Option<PathBuf> = "/tmp", Boot, SAME,
            "Directory of the unix socket; \"@name\" for the abstract name space; empty for none. Under systemd the default is $RUNTIME_DIRECTORY.";
        unix_socket_mode: Octal = "0777", Boot, SAME,
            "Permissions of the unix socket.";
        unix_socket_group: Option<Arc<str>> = "", Boot, SAME,
            "Group of the unix socket.";
        user: Option<Arc<str>> = "", Boot, SAME,
            "User to become when started as root.";
        pidfile: Option<PathBuf> = "", Boot, SAME,
            "File for the process number; a second process that finds it locked does not start.";
        workers: u32 = "1", Boot, OURS,
            "Threads that relay; a pool lives on one of them.";

        auth_type: AuthType = "scram-sha-256", Reload, was("md5"),
            "How clients prove who they are.";
        auth_file: Option<PathBuf> = "", Reload, SAME,
            "User list: lines of \"name\" \"secret\"; only its owner may read it.";
        scram_iterations: u32 = "4096", Reload, SAME,
            "Hash rounds for SCRAM secrets made from passwords in clear text.";
        allow_trust_from_network: bool = "false", Reload, OURS,
            "Allows auth_type = \"trust\" on a listener that other machines can reach.";

        pool_mode: PoolMode = "transaction", Reload, was("session"),
            "When a client gives its server back.";
        default_pool_size: u32 = "20", Reload, SAME,
            "Servers per pool, a pool being one database and user.";
        min_pool_size: u32 = "0", Reload, SAME,
            "Servers a pool keeps open while it is in use.";
        reserve_pool_size: u32 = "0", Reload, SAME,
            "Servers a pool may open beyond its size when a client waited for reserve_pool_timeout.";
        reserve_pool_timeout: Option<Duration> = "5s", Reload, SAME,
            "How long a client waits before the reserve is used.";
        max_client_conn: u32 = "10000", Reload, was("100"),
            "Clients that may be connected; lowered at start to what the descriptor limit allows.";
        max_db_connections: Limit = "0", Reload, SAME,
            "Servers per database, over all its users.";
        max_db_client_connections: Limit = "0", Reload, SAME,
            "Clients per database.";
        max_user_connections: Limit = "0", Reload, SAME,
            "Servers per user, over all databases.";
        max_user_client_connections: Limit = "0", Reload, SAME,
            "Clients per user.";
        max_waiting_clients: Limit = "0", Reload, OURS,
            "Clients that may wait in a pool's line; one more is refused at once.";
        server_round_robin: bool = "false", Reload, SAME,
            "Lends the server that rested longest, instead of the one used last.";

        max_packet_size: u64 = "2147483647B", Reload, SAME,
            "A larger message closes its connection.";
        max_prepared_statements: u32 = "200", Reload, SAME,
            "Named statements kept on a server in transaction and statement mode; 0 turns their tracking off.";
        statement_bytes_max: u64 = "1MiB", Reload, OURS,
            "Largest text of a prepared statement that is kept to be repeated on another server.";
        buffer_bytes_max: u64 = "256MiB", Reload, OURS,
            "What all kept bytes together may take; above it clients without a server are not read.";
        ignore_startup_parameters: Vec<Arc<str>> = "", Reload, SAME,
            "Startup parameters to take and forget; \"options\" does so for unknown ones inside it.";
        track_extra_parameters: Vec<Arc<str>> = "IntervalStyle", Boot, SAME,
            "Settings kept per client beside client_encoding, DateStyle, TimeZone, standard_conforming_strings and application_name; only what the server reports can be kept.";
        application_name_add_host: bool = "false", Reload, SAME,
            "Appends the client's address and port to its application_name; each checkout then pays for a SET.";
        disable_pqexec: bool = "false", Boot, SAME,
            "Refuses the simple query protocol.";

        client_login_timeout: Option<Duration> = "1m", Reload, SAME,
            "A client must be logged in by then.";
        client_idle_timeout: Option<Duration> = "off", Reload, SAME,
            "Closes a client that asks for nothing for so long.";
        client_write_timeout: Option<Duration> = "1m", Reload, OURS,
            "Closes a client that holds a server and accepts no byte for so long; its query is cancelled.";
        query_timeout: Option<Duration> = "off", Reload, SAME,
            "Cancels a query that runs or waits longer and closes its client.";
        query_wait_timeout: Option<Duration> = "2m", Reload, SAME,
            "A client that waits longer for a server is refused.";
        query_wait_notify: Option<Duration> = "5s", Reload, SAME,
            "A client that waits so long is told by a NOTICE.";
        idle_transaction_timeout: Option<Duration> = "off", Reload, SAME,
            "Closes a client that is idle within a transaction for so long.";
        transaction_timeout: Option<Duration> = "off", Reload, SAME,
            "Closes a client whose transaction takes longer.";
        cancel_wait_timeout: Option<Duration> = "10s", Reload, SAME,
            "How long a cancel request may wait for its turn.";
        drain_timeout: Option<Duration> = "25s", Reload, OURS,
            "How long a stop waits for work in progress.";
        login_max: u32 = "1000", Reload, OURS,
            "Logins that may be half done at a time; administrators have some places of their own.";
        wrong_cancel_keys_max: Limit = "100", Reload, OURS,
            "Wrong cancel keys an address may send in a minute before its cancels are ignored.";

        server_connect_timeout: Option<Duration> = "15s", Reload, SAME,
            "A new server must be connected and logged in by then.";
        server_login_retry: Duration = "15s", Reload, SAME,
            "Longest pause after failed logins to a server; the first ones are shorter, and jitter is added.";
        server_lifetime: Duration = "1h", Reload, SAME,
            "A server older than this is closed when it is free; \"0s\" uses each one once.";
        server_lifetime_jitter: Percent = "10%", Reload, OURS,
            "Up to this share is cut off each server's lifetime by chance, so that they don't all end together.";
        server_idle_timeout: Option<Duration> = "10m", Reload, SAME,
            "Closes a server nobody asked for so long.";
        server_check_delay: Duration = "30s", Reload, SAME,
            "A server that rested longer is checked before it is lent; \"0s\" checks always.";
        server_check_query: CheckQuery = "<empty>", Reload, SAME,
            "How a server is checked: \"`<empty>`\" is the empty query, an empty text is no check.";
        server_reset_query: Arc<str> = "DISCARD ALL", Reload, SAME,
            "Sent to a server when its client of session mode left; empty for none.";
        server_reset_query_always: bool = "false", Reload, SAME,
            "Sends server_reset_query in every pool mode.";
        server_clean: ServerClean = "tainted", Reload, OURS,
            "When a server is cleaned of what a transaction's client left behind, before another gets it.";
        dns_max_ttl: Duration = "15s", Reload, SAME,
            "How long a resolved host name is believed.";

        tcp_socket_buffer: u64 = "0B", Reload, SAME,
            "Size of the kernel's socket buffers; \"0B\" leaves it to the system.";
        tcp_keepalive: bool = "true", Reload, SAME,
            "Asks the kernel to find dead peers.";
        tcp_keepcnt: u32 = "0", Reload, SAME,
            "Probes without an answer before a peer counts as dead; 0 leaves it to the system.";
        tcp_keepidle: Option<Duration> = "off", Reload, SAME,
            "Silence before the first probe; \"off\" leaves it to the system.";
        tcp_keepintvl: Option<Duration> = "off", Reload, SAME,
            "Time between probes; \"off\" leaves it to the system.";
        tcp_user_timeout: Option<Duration> = "off", Reload, SAME,
            "Gives a client up when sent bytes stay unacknowledged for so long; it also ends clients that only pause, hence off.";
        server_tcp_user_timeout: Option<Duration> = "30s", Reload, OURS,
            "Gives a server up when sent bytes stay unacknowledged for so long.";

        log_connections: bool = "true", Reload, SAME,
            "Logs each login.";
        log_disconnections: bool = "true", Reload, SAME,
            "Logs each close with its reason.";
        log_pooler_errors: bool = "true", Reload, SAME,
            "Logs each error we send to a client.";
        log_stats: bool = "true", Reload, SAME,
            "Logs a line of totals each stats_period.";
        log_format: LogFormat = "human", Boot, OURS,
            "Shape of a log line.";
        stats_period: Duration = "1m", Reload, SAME,
            "Time over which averages are taken.";
        verbose: u8 = "0", Reload, SAME,
            "More log: 1 adds what log_connections and its like have switched off, 2 and 3 each order to a worker.";
        metrics_listen: Option<SocketAddr> = "off", Boot, OURS,
            "Address for /metrics, /livez and /readyz.";
    }
}
