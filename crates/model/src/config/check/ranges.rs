//! Numbers that must lie between two others.

use std::time::Duration;

use super::{PROXY, database_head, server_head, user_head};
use crate::config::load::Build;
use crate::config::raw::Head;
use crate::limits;

/// One number and where it may lie.
struct Range {
    head: Head,
    key: &'static str,
    value: u64,
    least: u64,
    most: u64,
}

/// Every number of every section.
pub(super) fn all(build: &mut Build) {
    let mut ranges = proxy(build);
    ranges.extend(servers(build));
    ranges.extend(databases(build));
    ranges.extend(users(build));
    for range in ranges {
        judge(build, &range);
    }
    sizes(build);
}

fn judge(build: &mut Build, range: &Range) {
    let Range { head, key, value, least, most } = range;
    if (*least..=*most).contains(value) {
        return;
    }
    let fix = match (*value < *least, *most) {
        (true, u64::MAX) => format!("write {least} or more"),
        _ => format!("write a number from {least} to {most}"),
    };
    build.refuse(head, key, format!("{key}: {value} is out of range"), fix);
}

fn proxy(build: &Build) -> Vec<Range> {
    let proxy = &build.config.proxy;
    let range = |key, value: u32, least, most| Range { head: PROXY, key, value: value.into(), least, most };
    vec![
        range("workers", proxy.workers, 1, limits::WORKERS_MAX.into()),
        range("listen_backlog", proxy.listen_backlog, 1, 65_535),
        range("default_pool_size", proxy.default_pool_size, 1, u64::MAX),
        range("max_client_conn", proxy.max_client_conn, 1, u64::MAX),
        range("login_max", proxy.login_max, 1, u64::MAX),
        range("scram_iterations", proxy.scram_iterations, 1, limits::SCRAM_ITERATIONS_MAX.into()),
        range("verbose", proxy.verbose.into(), 0, 3),
    ]
}

fn servers(build: &Build) -> Vec<Range> {
    let mut ranges = Vec::new();
    for (name, server) in &build.config.servers {
        let range = |key, value: u32, most| Range {
            head: server_head(name),
            key,
            value: value.into(),
            least: 1,
            most,
        };
        ranges.push(range("port", server.port.into(), 65_535));
        ranges.push(range("dial_rate", server.dial_rate, u64::MAX));
        ranges.push(range("dial_burst", server.dial_burst, u64::MAX));
        ranges.push(range("dials_max", server.dials_max, u64::MAX));
    }
    ranges
}

fn databases(build: &Build) -> Vec<Range> {
    let mut ranges = Vec::new();
    for (name, database) in &build.config.databases {
        let range = |key, value: u32, most| Range {
            head: database_head(name),
            key,
            value: value.into(),
            least: 1,
            most,
        };
        ranges.extend(database.pool_size.0.map(|size| range("pool_size", size, u64::MAX)));
        ranges.push(range("weight", database.weight, 10_000));
    }
    ranges
}

fn users(build: &Build) -> Vec<Range> {
    let sizes = build.config.users.iter().filter_map(|(name, user)| Some((name, user.pool_size.0?)));
    let range = |(name, size): (_, u32)| Range {
        head: user_head(name),
        key: "pool_size",
        value: size.into(),
        least: 1,
        most: u64::MAX,
    };
    sizes.map(range).collect()
}

/// Sizes and durations, whose bounds have units.
fn sizes(build: &mut Build) {
    let proxy = &build.config.proxy;
    let (min, size) = (proxy.min_pool_size, proxy.default_pool_size);
    let (packet, text, kept) = (proxy.max_packet_size, proxy.statement_bytes_max, proxy.buffer_bytes_max);
    let (period, socket) = (proxy.stats_period, proxy.tcp_socket_buffer);
    if min > size {
        let problem = format!("min_pool_size is {min}, more than default_pool_size {size}");
        let fix = format!("write min_pool_size = {size} or less, or a larger default_pool_size");
        build.refuse(&PROXY, "min_pool_size", problem, fix);
    }
    if !(16 * 1024..=i32::MAX as u64).contains(&packet) {
        let fix = "write a size from \"16KiB\" to \"2147483647B\"";
        build.refuse(&PROXY, "max_packet_size", "max_packet_size: out of range", fix);
    }
    if text < 1024 || text > packet {
        let fix = "write at least \"1KiB\", and no more than max_packet_size";
        build.refuse(&PROXY, "statement_bytes_max", "statement_bytes_max: out of range", fix);
    }
    if kept < 1024 * 1024 {
        build.refuse(
            &PROXY,
            "buffer_bytes_max",
            "buffer_bytes_max: too small to work with",
            "write at least \"1MiB\"",
        );
    }
    if socket > 1 << 30 {
        build.refuse(&PROXY, "tcp_socket_buffer", "tcp_socket_buffer: too large", "write at most \"1GiB\"");
    }
    if period < Duration::from_secs(1) {
        build.refuse(&PROXY, "stats_period", "stats_period: too short", "write at least \"1s\"");
    }
}
