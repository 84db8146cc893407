//! Values of PostgreSQL's settings, as its files and arguments write them.

/// The unit of `shared_buffers` and `effective_cache_size` where none is written, in bytes.
pub(crate) const BLOCK: u64 = 8 << 10;
/// The unit of `work_mem` where none is written, in bytes.
pub(crate) const KILOBYTE: u64 = 1 << 10;
/// The unit of timeouts where none is written, in milliseconds.
pub(crate) const MILLISECOND: u64 = 1;

const SIZES: [(&str, u64); 5] =
    [("B", 1), ("kB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)];
const SPANS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A size in bytes. `unit`: what a bare number counts.
pub(crate) fn bytes(text: &str, unit: u64) -> Option<u64> {
    read(text, &SIZES, unit)
}

/// A time in milliseconds. `unit`: what a bare number counts.
pub(crate) fn millis(text: &str, unit: u64) -> Option<u64> {
    read(text, &SPANS, unit)
}

fn read(text: &str, units: &[(&str, u64)], unit: u64) -> Option<u64> {
    let text = text.trim().trim_matches('\'').trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, name) = text.split_at_checked(end)?;
    let factor = match name.trim() {
        "" => unit,
        name => units.iter().find(|(known, _)| *known == name)?.1,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        // `1.5GB` is a size like any other.
        Err(_) => {
            let value = number.parse::<f64>().ok()? * factor as f64;
            (0.0..1e18).contains(&value).then_some(value as u64)
        }
    }
}

/// Settings that are numbers, sizes, times or switches, whatever their server is for.
const PLAIN: [&str; 71] = [
    "archive_mode",
    "authentication_timeout",
    "autovacuum",
    "autovacuum_max_workers",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_work_mem",
    "bgwriter_delay",
    "checkpoint_completion_target",
    "checkpoint_timeout",
    "client_connection_check_interval",
    "commit_delay",
    "cpu_tuple_cost",
    "deadlock_timeout",
    "default_statistics_target",
    "effective_cache_size",
    "effective_io_concurrency",
    "fsync",
    "full_page_writes",
    "hash_mem_multiplier",
    "hot_standby",
    "huge_pages",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "jit",
    "lock_timeout",
    "log_autovacuum_min_duration",
    "log_checkpoints",
    "log_connections",
    "log_disconnections",
    "log_lock_waits",
    "log_min_duration_statement",
    "log_temp_files",
    "logging_collector",
    "maintenance_work_mem",
    "max_connections",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "max_stack_depth",
    "max_wal_senders",
    "max_wal_size",
    "max_worker_processes",
    "min_wal_size",
    "port",
    "random_page_cost",
    "reserved_connections",
    "seq_page_cost",
    "shared_buffers",
    "ssl",
    "statement_timeout",
    "superuser_reserved_connections",
    "synchronous_commit",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "temp_buffers",
    "track_activity_query_size",
    "transaction_timeout",
    "wal_buffers",
    "wal_keep_size",
    "work_mem",
];

/// Whether a setting's value may be told: it is known to be a number, a size, a time or a switch, and is written as one.
pub(crate) fn is_plain(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let bare = value.trim().trim_matches('\'').trim();
    let switch = ["on", "off", "true", "false", "yes", "no", "try", "local", "always"]
        .iter()
        .any(|word| bare.eq_ignore_ascii_case(word));
    let number = bare.strip_prefix('-').unwrap_or(bare).parse::<f64>().is_ok_and(f64::is_finite);
    let measure = switch || number || bytes(value, 1).is_some() || millis(value, 1).is_some();
    PLAIN.contains(&name.as_str()) && measure
}

/// Two spellings of one value: `1GB` and `1024MB`, `on` and `true`.
pub(crate) fn same(left: &str, right: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().trim_matches('\'').to_ascii_lowercase();
        match text.as_str() {
            "on" | "yes" | "true" | "1" => "true".to_owned(),
            "off" | "no" | "false" | "0" => "false".to_owned(),
            _ => text,
        }
    };
    let sizes = bytes(left, 1).zip(bytes(right, 1)).is_some_and(|(left, right)| left == right);
    let spans = millis(left, 1).zip(millis(right, 1)).is_some_and(|(left, right)| left == right);
    plain(left) == plain(right) || sizes || spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_counts_the_settings_own_unit() {
        assert_eq!(bytes("16384", BLOCK), Some(128 << 20));
        assert_eq!(bytes("'1.5GB'", BLOCK), Some(3 << 29));
        assert_eq!(bytes("4096", KILOBYTE), bytes("4MB", KILOBYTE));
        assert_eq!(millis("5min", MILLISECOND), Some(300_000));
        assert_eq!(millis("300000", MILLISECOND), Some(300_000));
    }

    #[test]
    fn only_a_measure_of_a_known_setting_is_plain() {
        for (name, value) in [
            ("work_mem", "4MB"),
            ("Statement_Timeout", "30s"),
            ("jit", "off"),
            ("random_page_cost", "1.1"),
            ("log_min_duration_statement", "-1"),
        ] {
            assert!(is_plain(name, value), "{name}");
        }
        for (name, value) in [
            ("primary_conninfo", "host=db password=hunter2"),
            ("myext.code", "12345"),
            ("work_mem", "hunter2"),
            ("archive_command", "true"),
        ] {
            assert!(!is_plain(name, value), "{name}");
        }
        assert!(PLAIN.is_sorted());
    }

    #[test]
    fn what_is_no_value_is_none() {
        for text in ["", "MB", "12 parsecs", "1GBx", "${SHARED}", "99999999999999999999TB", "1.2.3MB"] {
            assert_eq!(bytes(text, 1), None, "{text}");
        }
        assert_eq!(millis("5m", 1), None, "PostgreSQL's minute is min");
    }

    #[test]
    fn spellings_of_one_value_are_the_same() {
        assert!(same("1GB", "1024MB") && same("on", "true") && same("5min", "300s") && same("25", "25"));
        assert!(!same("256MB", "128MB") && !same("on", "off") && !same("replica", "logical"));
    }
}
