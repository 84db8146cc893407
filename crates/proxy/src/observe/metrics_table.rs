//! Where the values of the metrics come from: which counter of the engine is which metric.

use engine::tally::SliceTally;

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
    use engine::tally::WorkerTally;
    use model::catalog::metrics::{Kind, Metric, PROXY};

    use super::*;

    fn find(name: &str) -> &'static Metric {
        PROXY.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is in the table"))
    }

    #[test]
    fn every_counter_of_the_engine_has_a_metric() {
        for field in tally_fields() {
            let (name, _) = of_tally(field).unwrap_or_else(|| panic!("{field} has a metric"));
            assert_eq!(find(name).labels, ["database", "user"]);
        }
        for (field, _) in WorkerTally::default().each() {
            let name = of_worker(field).unwrap_or_else(|| panic!("{field} has a metric"));
            assert_eq!(find(name).kind, Kind::Counter);
        }
    }
}
