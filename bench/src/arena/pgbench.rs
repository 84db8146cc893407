//! pgbench as the load: select-only, at its own protocols.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::arena::backend::Tools;
use crate::arena::{DBNAME, USER};
use crate::load::script::Protocol;

/// How long pgbench works.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Seconds(Duration),
    /// Of each client.
    Transactions(u64),
}

/// Runs `pgbench -S` against a port; the transactions it counted.
pub(crate) fn select_only(
    tools: &Tools,
    port: u16,
    protocol: Protocol,
    clients: usize,
    work: Work,
) -> anyhow::Result<u64> {
    let (port, clients) = (port.to_string(), clients.to_string());
    let (switch, amount) = match work {
        Work::Seconds(span) => ("-T", span.as_secs().max(1).to_string()),
        Work::Transactions(count) => ("-t", count.to_string()),
    };
    let fixed = ["-n", "-S", "-h", "127.0.0.1", "-U", USER, "-j", "1"];
    let asked = ["-p", &port, "-M", protocol.name(), "-c", &clients, switch, &amount, DBNAME];
    let report = tools.run_once("pgbench", &[&fixed[..], &asked[..]].concat())?;
    let failed = number_after(&report, "number of failed transactions: ");
    ensure!(failed.is_none_or(|count| count == 0), "pgbench had failed transactions:\n{report}");
    number_after(&report, "number of transactions actually processed: ")
        .with_context(|| format!("pgbench tells no number of transactions:\n{report}"))
}

fn number_after(report: &str, label: &str) -> Option<u64> {
    let rest = report.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_pgbenchs_report() {
        let report = "number of transactions actually processed: 6400/6400\n\
                      number of failed transactions: 0 (0.000%)\n";
        assert_eq!(number_after(report, "number of transactions actually processed: "), Some(6400));
        assert_eq!(number_after(report, "number of failed transactions: "), Some(0));
    }
}
