//! Rules of thumb, and what connections cost.

use super::Load;

/// Memory of an idle backend that has done some work, in bytes: 7 MiB.
///
/// Measured as proportional set size on PostgreSQL 12 to 18 with 128 MB of shared buffers: 3.0 to 3.6 MB when fresh,
/// 6.3 to 7.1 MB after some 300 small queries, up to 68 MB after 2,000 tables were touched. A pool's connections are
/// used ones, so the middle figure is taken.
pub const BACKEND_BYTES: u64 = 7 << 20;

/// Connections that can be at work at once before they only hinder each other: `cores * 2 + spindles`, PostgreSQL's
/// wiki's rule. It bounds what is active, not what is connected. Spindles that a cache stands in front of count as 0.
pub const fn active_for_cores(cores: u32, spindles: u32) -> u32 {
    cores.saturating_mul(2).saturating_add(spindles)
}

/// The smallest pool in which threads that need several connections at once cannot all wait for each other:
/// `threads * (connections_each - 1) + 1`.
pub const fn deadlock_floor(threads: u32, connections_each: u32) -> u32 {
    threads.saturating_mul(connections_each.saturating_sub(1)).saturating_add(1)
}

/// The pool of one replica where replicas share a cap: the cap divided by the replicas there are at most, those of a
/// rollout included, rounded down. 0 means that there is not one for each.
pub const fn per_replica(cap: u32, replicas_max: u32, surge: u32) -> u32 {
    match cap.checked_div(replicas_max.saturating_add(surge)) {
        Some(each) => each,
        None => cap,
    }
}

/// Servers for a load by the square-root rule: the busy ones and `beta` times the root of them. A `beta` of 1 lets about
/// one request in five wait, 2 about one in forty.
pub fn square_root_staffing(load: Load, beta: f64) -> u32 {
    let busy = load.busy();
    let servers = busy + beta.max(0.0) * busy.sqrt();
    // The cast saturates, and takes a NaN for 0.
    (servers.ceil() as u32).max(1)
}

/// The `work_mem` that a machine can give each of its connections, in bytes: what shared buffers leave, divided by three
/// times the connections and the parallel workers. More connections make it smaller.
pub fn work_mem_bytes(
    ram_bytes: u64,
    shared_buffers_bytes: u64,
    max_connections: u32,
    parallel_workers: u32,
) -> u64 {
    let takers = u64::from(max_connections).saturating_add(u64::from(parallel_workers)).saturating_mul(3);
    ram_bytes.saturating_sub(shared_buffers_bytes) / takers.max(1)
}

/// What so many connections take when they do nothing, in bytes.
pub const fn connections_memory_bytes(connections: u32, backend_bytes: u64) -> u64 {
    (connections as u64).saturating_mul(backend_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::line;
    use super::*;

    #[test]
    fn twice_the_cores_and_the_spindles() {
        assert_eq!(active_for_cores(4, 1), 9);
        assert_eq!(active_for_cores(u32::MAX, 1), u32::MAX);
    }

    #[test]
    fn one_beyond_what_all_threads_hold_while_they_want_their_last() {
        assert_eq!(deadlock_floor(3, 4), 10);
        assert_eq!(deadlock_floor(8, 1), 1);
        assert_eq!(deadlock_floor(8, 0), 1);
        assert_eq!(deadlock_floor(u32::MAX, u32::MAX), u32::MAX);
    }

    #[test]
    fn replicas_share_a_cap_with_those_of_a_rollout() {
        assert_eq!(per_replica(60, 2, 0), 30);
        assert_eq!(per_replica(100, 4, 1), 20);
        assert_eq!(per_replica(100, 7, 2), 11);
        assert_eq!(per_replica(3, 4, 0), 0);
        assert_eq!(per_replica(9, 0, 0), 9);
    }

    #[test]
    fn the_root_rule_keeps_the_same_share_waiting_at_any_size() {
        for rate in [100.0, 1_000.0, 9_000.0] {
            let load = Load::new(rate, 1.0).unwrap();
            let at = |beta| line(load, square_root_staffing(load, beta)).steady().unwrap().probability();
            assert!((0.15..0.25).contains(&at(1.0)), "{}", at(1.0));
            assert!((0.015..0.035).contains(&at(2.0)), "{}", at(2.0));
        }
        assert_eq!(square_root_staffing(Load::new(0.0, 1.0).unwrap(), 1.0), 1);
        assert_eq!(square_root_staffing(Load::new(4.0, 1.0).unwrap(), f64::NAN), 4);
    }

    #[test]
    fn more_connections_leave_less_for_each() {
        let gib = 1 << 30;
        assert_eq!(work_mem_bytes(4 * gib, gib, 200, 8), 3 * gib / 624);
        assert!(work_mem_bytes(4 * gib, gib, 400, 8) < work_mem_bytes(4 * gib, gib, 200, 8));
        assert_eq!(work_mem_bytes(gib, 2 * gib, 200, 8), 0);
        assert_eq!(work_mem_bytes(gib, 0, 0, 0), gib);
        assert_eq!(connections_memory_bytes(100, BACKEND_BYTES), 734_003_200);
    }
}
