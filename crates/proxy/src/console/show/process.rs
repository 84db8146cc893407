//! SHOW MEM, SHOW DNS_HOSTS and SHOW RECORD: what the process holds beside its books.

use std::fs;

use model::config::value::print_duration;

use crate::console::table::{Row, number, text};
use crate::control::record::{Ended, Status};
use crate::resolve::Known;

/// Names that servers were looked up by. Seconds left are rounded down; an answer that is believed no longer has none.
pub(super) fn dns_hosts(names: &[Known]) -> Vec<Row> {
    let row = |known: &Known| {
        let addresses: Vec<_> = known.addresses.iter().map(ToString::to_string).collect();
        vec![text(&*known.name), number(known.left.as_secs()), text(addresses.join(","))]
    };
    names.iter().map(row).collect()
}

/// The recording under way, or how the last one ended.
pub(super) fn record(status: &Status) -> Row {
    vec![
        text(status.file.display().to_string()),
        text(status.ended.map_or("running", Ended::word)),
        text(print_duration(status.span)),
        number(status.left.as_secs()),
        number(status.checkouts),
        number(status.dropped),
    ]
}

/// What is counted: bytes kept for connections, one by one, and what of the process stands in memory, in pages. Nothing
/// of either is kept in reserve, so nothing is free. There are no caches of objects to tell of.
pub(super) fn mem(kept_bytes: usize) -> Vec<Row> {
    let row = |name: &str, size: u64, used: u64| {
        vec![text(name), number(size), number(used), number(0u64), number(size.saturating_mul(used))]
    };
    let mut rows = vec![row("kept_bytes", 1, kept_bytes as u64)];
    let page = rustix::param::page_size() as u64;
    let statm = fs::read_to_string("/proc/self/statm").ok();
    rows.extend(statm.as_deref().and_then(resident).map(|pages| row("resident_pages", page, pages)));
    rows
}

/// The second number of /proc/self/statm (proc(5)).
fn resident(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_shows_what_is_believed_of_it_and_for_how_long() {
        let known = |left, addresses: &[[u8; 4]]| Known {
            name: "db".into(),
            left,
            addresses: addresses.iter().map(|ip| std::net::IpAddr::from(*ip)).collect(),
            pending: false,
        };
        let names = [
            known(Duration::from_millis(14_900), &[[10, 0, 0, 1], [10, 0, 0, 2]]),
            known(Duration::ZERO, &[]),
        ];
        let cells = |texts: [&str; 3]| texts.map(text).to_vec();
        assert_eq!(dns_hosts(&names), [cells(["db", "14", "10.0.0.1,10.0.0.2"]), cells(["db", "0", ""])]);
    }

    #[test]
    fn memory_is_what_the_kernel_and_the_hoard_say() {
        let rows = mem(4_711);
        assert_eq!(rows[0], ["kept_bytes", "1", "4711", "0", "4711"].map(text));
        let cell = |at: usize| rows[1][at].as_deref().unwrap_or_default().parse::<u64>().unwrap_or_default();
        assert!(cell(2) > 0 && cell(1) * cell(2) == cell(4), "{rows:?}");
        assert_eq!(resident("4096 512 100 1 0 9 0"), Some(512));
    }
}
