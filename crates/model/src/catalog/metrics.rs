//! Every metric, once: name, kind, labels, meaning. The exposition and docs/metrics.md are written from here.

/// What a metric may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grow.
    Counter,
    /// Go up and down.
    Gauge,
}

impl Kind {
    /// The word of the TYPE line.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it may do.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// The HELP line.
    pub help: &'static str,
}

const POOL: &[&str] = &["database", "user"];
const POOL_STATE: &[&str] = &["database", "user", "state"];
const POOL_REASON: &[&str] = &["database", "user", "reason"];
const DATABASE: &[&str] = &["database"];
const SERVER: &[&str] = &["server"];
const REASON: &[&str] = &["reason"];
const NONE: &[&str] = &[];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}
const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

/// Of the proxy. Each is named once more where a value is given to it; a test finds a name without a value, and a value
/// without a name.
pub const PROXY: &[Metric] = &[
    gauge("connwarden_up", NONE, "1: the process answers."),
    gauge("connwarden_ready", NONE, "1: fit for traffic (not draining, and servers let us in)."),
    gauge("connwarden_uptime_seconds", NONE, "Since the process started."),
    counter(
        "connwarden_out_of_step_total",
        NONE,
        "Messages that did not fit the ledger and were not delivered. Must stay 0.",
    ),
    gauge("connwarden_clients_max", NONE, "max_client_conn in force."),
    counter("connwarden_clients_admitted_total", NONE, "Clients that got a place."),
    counter("connwarden_clients_refused_total", REASON, "Clients that got no place."),
    counter("connwarden_accepted_total", NONE, "Connections accepted."),
    counter("connwarden_logins_refused_total", NONE, "Logins that failed."),
    counter(
        "connwarden_doomed_logins_total",
        NONE,
        "Logins that went the whole way for a user who does not exist.",
    ),
    counter("connwarden_derivations_total", NONE, "PBKDF2 derivations."),
    counter("connwarden_cancels_received_total", NONE, "Cancel requests received."),
    counter("connwarden_cancels_unknown_total", NONE, "Cancel requests with a key nobody holds."),
    gauge("connwarden_console_clients", NONE, "Guests of the console."),
    gauge("connwarden_database_clients", DATABASE, "Clients with a place."),
    gauge(
        "connwarden_database_connections",
        DATABASE,
        "Connections to servers, from the dial to the server's end.",
    ),
    gauge("connwarden_database_paused", DATABASE, "1: stopped by PAUSE or KILL."),
    gauge("connwarden_database_disabled", DATABASE, "1: DISABLE is in force."),
    gauge(
        "connwarden_server_connections",
        SERVER,
        "Connections to a server, from the dial to the server's end.",
    ),
    gauge(
        "connwarden_server_connections_learned_max",
        SERVER,
        "What a server's refusals say it has room for.",
    ),
    gauge("connwarden_server_dials", SERVER, "Dials under way."),
    gauge("connwarden_server_failures", SERVER, "Failed logins in a row."),
    gauge("connwarden_pool_clients", POOL_STATE, "Clients of a pool by what they do."),
    gauge("connwarden_pool_servers", POOL_STATE, "Connections to servers of a pool by what they do."),
    gauge("connwarden_pool_size", POOL, "Connections a pool may hold without its reserve."),
    gauge("connwarden_pool_granted", POOL, "Connections a pool has the right to."),
    gauge("connwarden_pool_wanted", POOL, "Connections a pool could use now and has not."),
    gauge("connwarden_pool_wait_seconds", POOL, "How long the head of the line has been waiting."),
    counter("connwarden_pool_assignments_total", POOL, "Times a server was lent."),
    counter("connwarden_pool_transactions_total", POOL, "Transactions finished."),
    counter("connwarden_pool_queries_total", POOL, "Queries finished."),
    counter("connwarden_pool_received_bytes_total", POOL, "Bytes from clients."),
    counter("connwarden_pool_sent_bytes_total", POOL, "Bytes to clients."),
    counter("connwarden_pool_transaction_seconds_total", POOL, "Time servers were lent."),
    counter("connwarden_pool_query_seconds_total", POOL, "Time from the first byte of a query to its end."),
    counter("connwarden_pool_wait_seconds_total", POOL, "Time clients stood in line."),
    counter("connwarden_pool_waits_total", POOL, "Clients that stood in line."),
    counter("connwarden_pool_gave_up_total", POOL, "Clients that left the line without a server."),
    counter("connwarden_pool_client_parses_total", POOL, "Named Parse messages of clients."),
    counter("connwarden_pool_server_parses_total", POOL, "Named Parse messages sent to servers."),
    counter("connwarden_pool_binds_total", POOL, "Bind messages."),
    counter("connwarden_pool_logins_total", POOL, "Clients admitted."),
    counter("connwarden_pool_servers_opened_total", POOL, "Servers logged in to."),
    counter("connwarden_pool_servers_closed_total", POOL, "Servers ended."),
    counter("connwarden_pool_dials_refused_total", POOL, "Dials that came to nothing."),
    counter("connwarden_pool_cancels_sent_total", POOL, "Cancel requests sent on to a server."),
    counter("connwarden_pool_cancels_in_line_total", POOL, "Cancel requests of clients that stood in line."),
    counter(
        "connwarden_pool_cleaned_total",
        POOL,
        "Servers cleaned because of what a client had left behind.",
    ),
    counter(
        "connwarden_pool_notifications_dropped_total",
        POOL,
        "Notifications that were for nobody in particular.",
    ),
    counter("connwarden_pool_turnstiles_total", POOL, "Turns taken from a pipelining client."),
    counter("connwarden_pool_settings_sent_total", POOL, "Settings batches sent to servers."),
    counter(
        "connwarden_pool_statements_healed_total",
        POOL,
        "Statements healed after a changed result type.",
    ),
    counter("connwarden_server_closings_total", POOL_REASON, "Servers ended, by reason."),
    counter("connwarden_server_taints_total", POOL_REASON, "Servers cleaned, by what was left behind."),
];

/// Of `health`: what one look at a server says. A family without a sample is left out.
pub mod health {
    use super::{Metric, NONE, counter, gauge};

    /// Whether the server could be looked at.
    pub const UP: Metric = gauge("connwarden_pg_up", NONE, "Whether the server could be looked at.");
    /// 0 ok, 1 warning, 2 critical, 3 unknown.
    pub const VERDICT: Metric =
        gauge("connwarden_pg_verdict", NONE, "0 ok, 1 warning, 2 critical, 3 unknown.");
    /// Of each check: 0 ok, 1 warning, 2 critical.
    pub const CHECK_LEVEL: Metric =
        gauge("connwarden_pg_check_level", &["check"], "Of each check: 0 ok, 1 warning, 2 critical.");
    /// Why this look failed.
    pub const LOGIN_REFUSED: Metric =
        gauge("connwarden_pg_login_refused", &["reason"], "Why this look failed.");
    /// max_connections.
    pub const CONNECTIONS_MAX: Metric = gauge("connwarden_pg_connections_max", NONE, "max_connections.");
    /// Slots that ordinary roles can get.
    pub const CONNECTIONS_USABLE: Metric =
        gauge("connwarden_pg_connections_usable", NONE, "Slots that ordinary roles can get.");
    /// Slots kept back.
    pub const CONNECTIONS_RESERVED: Metric =
        gauge("connwarden_pg_connections_reserved", &["kind"], "Slots kept back.");
    /// Sessions by state.
    pub const CONNECTIONS: Metric =
        gauge("connwarden_pg_connections", &["state", "backend_type"], "Sessions by state.");
    /// Sessions by application, the 20 largest.
    pub const APP_CONNECTIONS: Metric = gauge(
        "connwarden_pg_app_connections",
        &["application", "state"],
        "Sessions by application, the 20 largest.",
    );
    /// Sessions of those that have a CONNECTION LIMIT.
    pub const ROLE_CONNECTIONS: Metric =
        gauge("connwarden_pg_role_connections", &["role"], "Sessions of those that have a CONNECTION LIMIT.");
    /// CONNECTION LIMIT.
    pub const ROLE_CONNECTION_LIMIT: Metric =
        gauge("connwarden_pg_role_connection_limit", &["role"], "CONNECTION LIMIT.");
    /// Sessions of those that have a CONNECTION LIMIT.
    pub const DATABASE_CONNECTIONS: Metric = gauge(
        "connwarden_pg_database_connections",
        &["database"],
        "Sessions of those that have a CONNECTION LIMIT.",
    );
    /// CONNECTION LIMIT.
    pub const DATABASE_CONNECTION_LIMIT: Metric =
        gauge("connwarden_pg_database_connection_limit", &["database"], "CONNECTION LIMIT.");
    /// Sessions idle for longer.
    pub const SESSIONS_IDLE_OLDER_THAN: Metric =
        gauge("connwarden_pg_sessions_idle_older_than", &["seconds"], "Sessions idle for longer.");
    /// Age of the oldest transaction.
    pub const OLDEST_TRANSACTION_SECONDS: Metric =
        gauge("connwarden_pg_oldest_transaction_seconds", NONE, "Age of the oldest transaction.");
    /// Longest idle in a transaction.
    pub const OLDEST_IDLE_IN_TRANSACTION_SECONDS: Metric =
        gauge("connwarden_pg_oldest_idle_in_transaction_seconds", NONE, "Longest idle in a transaction.");
    /// Sessions that wait for a lock.
    pub const BLOCKED_SESSIONS: Metric =
        gauge("connwarden_pg_blocked_sessions", NONE, "Sessions that wait for a lock.");
    /// Logins not finished.
    pub const HALF_OPEN_LOGINS: Metric =
        gauge("connwarden_pg_half_open_logins", NONE, "Logins not finished.");
    /// Sessions begun.
    pub const SESSIONS_BEGUN_TOTAL: Metric =
        counter("connwarden_pg_sessions_begun_total", NONE, "Sessions begun.");
    /// Sessions that did not end in order.
    pub const SESSIONS_TOTAL: Metric =
        counter("connwarden_pg_sessions_total", &["end"], "Sessions that did not end in order.");
    /// Between the last two samples.
    pub const NEW_SESSIONS_PER_SECOND: Metric =
        gauge("connwarden_pg_new_sessions_per_second", NONE, "Between the last two samples.");
    /// At the present slope.
    pub const TIME_TO_FULL_SECONDS: Metric =
        gauge("connwarden_pg_time_to_full_seconds", NONE, "At the present slope.");

    /// All of them, in the order of the exposition.
    pub const ALL: &[Metric] = &[
        UP,
        VERDICT,
        CHECK_LEVEL,
        LOGIN_REFUSED,
        CONNECTIONS_MAX,
        CONNECTIONS_USABLE,
        CONNECTIONS_RESERVED,
        CONNECTIONS,
        APP_CONNECTIONS,
        ROLE_CONNECTIONS,
        ROLE_CONNECTION_LIMIT,
        DATABASE_CONNECTIONS,
        DATABASE_CONNECTION_LIMIT,
        SESSIONS_IDLE_OLDER_THAN,
        OLDEST_TRANSACTION_SECONDS,
        OLDEST_IDLE_IN_TRANSACTION_SECONDS,
        BLOCKED_SESSIONS,
        HALF_OPEN_LOGINS,
        SESSIONS_BEGUN_TOTAL,
        SESSIONS_TOTAL,
        NEW_SESSIONS_PER_SECOND,
        TIME_TO_FULL_SECONDS,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let all: Vec<&Metric> = PROXY.iter().chain(health::ALL).collect();
        for (index, metric) in all.iter().enumerate() {
            let name = metric.name;
            assert!(name.starts_with("connwarden_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert!(!metric.help.contains('\n') && metric.help.ends_with('.'), "{name}");
            assert!(all[..index].iter().all(|other| other.name != name), "{name} stands once");
            for label in metric.labels {
                assert!(
                    !["client", "sql", "address", "pid"].contains(label),
                    "{name} has a label without a bound"
                );
            }
        }
    }
}
