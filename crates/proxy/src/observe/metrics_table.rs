//! Every metric, once: name, kind, labels, meaning, and where its value comes from.

use engine::tally::SliceTally;

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

/// Named once more where a value is given to it: the table's test finds a name without a value, and a value without a
/// name.
pub const TABLE: &[Metric] = &[
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

/// The metric of a slice's counter, and by how much its unit is to be divided.
pub fn of_tally(field: &str) -> Option<(&'static str, u64)> {
    const MICROS: u64 = 1_000_000;
    Some(match field {
        "assignments" => ("connwarden_pool_assignments_total", 1),
        "transactions" => ("connwarden_pool_transactions_total", 1),
        "queries" => ("connwarden_pool_queries_total", 1),
        "received" => ("connwarden_pool_received_bytes_total", 1),
        "sent" => ("connwarden_pool_sent_bytes_total", 1),
        "transaction_us" => ("connwarden_pool_transaction_seconds_total", MICROS),
        "query_us" => ("connwarden_pool_query_seconds_total", MICROS),
        "wait_us" => ("connwarden_pool_wait_seconds_total", MICROS),
        "waits" => ("connwarden_pool_waits_total", 1),
        "gave_up" => ("connwarden_pool_gave_up_total", 1),
        "client_parses" => ("connwarden_pool_client_parses_total", 1),
        "server_parses" => ("connwarden_pool_server_parses_total", 1),
        "binds" => ("connwarden_pool_binds_total", 1),
        "logins" => ("connwarden_pool_logins_total", 1),
        "servers_opened" => ("connwarden_pool_servers_opened_total", 1),
        "servers_closed" => ("connwarden_pool_servers_closed_total", 1),
        "dials_refused" => ("connwarden_pool_dials_refused_total", 1),
        "cancels_sent" => ("connwarden_pool_cancels_sent_total", 1),
        "cancels_in_line" => ("connwarden_pool_cancels_in_line_total", 1),
        "cleaned" => ("connwarden_pool_cleaned_total", 1),
        "notifications_dropped" => ("connwarden_pool_notifications_dropped_total", 1),
        "turnstiles" => ("connwarden_pool_turnstiles_total", 1),
        "settings_sent" => ("connwarden_pool_settings_sent_total", 1),
        "statements_healed" => ("connwarden_pool_statements_healed_total", 1),
        _ => return None,
    })
}

/// The metric of a worker's counter.
pub fn of_worker(field: &str) -> Option<&'static str> {
    Some(match field {
        "accepted" => "connwarden_accepted_total",
        "logins_refused" => "connwarden_logins_refused_total",
        "cancels_received" => "connwarden_cancels_received_total",
        "cancels_unknown" => "connwarden_cancels_unknown_total",
        "out_of_step" => "connwarden_out_of_step_total",
        "derivations" => "connwarden_derivations_total",
        "doomed_logins" => "connwarden_doomed_logins_total",
        _ => return None,
    })
}

/// The states of a pool's clients and servers, as labels say them, are the columns of SHOW POOLS without their prefix.
pub const CLIENT_STATES: [&str; 3] = ["active", "idle", "waiting"];
/// See [`CLIENT_STATES`].
pub const SERVER_STATES: [&str; 7] =
    ["active", "idle", "used", "tested", "login", "being_canceled", "closing"];

/// Counters of a slice, by name.
pub fn tally_fields() -> impl Iterator<Item = &'static str> {
    SliceTally::default().each().map(|(field, _)| field).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::tally::WorkerTally;

    fn find(name: &str) -> &'static Metric {
        TABLE.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is in the table"))
    }

    #[test]
    fn every_counter_of_the_engine_has_a_metric() {
        for field in tally_fields() {
            let (name, _) = of_tally(field).unwrap_or_else(|| panic!("{field} has a metric"));
            assert_eq!(find(name).labels, POOL);
        }
        for (field, _) in WorkerTally::default().each() {
            let name = of_worker(field).unwrap_or_else(|| panic!("{field} has a metric"));
            assert_eq!(find(name).kind, Kind::Counter);
        }
    }

    #[test]
    fn names_follow_the_rules() {
        for (index, metric) in TABLE.iter().enumerate() {
            let name = metric.name;
            assert!(name.starts_with("connwarden_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert!(!metric.help.contains('\n') && metric.help.ends_with('.'), "{name}");
            assert!(TABLE[..index].iter().all(|other| other.name != name), "{name} stands once");
        }
    }
}
