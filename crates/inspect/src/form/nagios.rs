//! `health` for Nagios and its kin: one line, a bar, performance data.

use crate::checks::{CheckLevel, Id};
use crate::report::{HealthReport, StatusReport};

/// The line.
pub fn line(report: &HealthReport) -> String {
    let mut said = Vec::new();
    if let Some(status) = &report.status {
        said.push(format!("{:.1}% used", status.utilization.of_usable_percent));
    }
    let mut bad: Vec<_> =
        report.checks.iter().filter(|check| check.level.is_bad() && check.id != Id::Utilization).collect();
    bad.sort_by_key(|check| std::cmp::Reverse(check.level));
    if !bad.is_empty() {
        let bad: Vec<&str> = bad.iter().map(|check| check.message.as_str()).collect();
        said.push(bad.join("; "));
    }
    let skipped =
        |id: Id| report.checks.iter().find(|check| check.id == id && check.level == CheckLevel::Skip);
    if said.is_empty() {
        said.extend(skipped(Id::Login).map(|check| check.message.clone()));
    }
    // A bar begins the performance data.
    let text = said.join(", ").replace('|', "/");
    let data = report.status.as_ref().map(data).map(|data| format!(" | {data}")).unwrap_or_default();
    format!("CONN {} - {text}{data}\n", report.verdict.word())
}

fn data(status: &StatusReport) -> String {
    let (totals, usable) = (&status.totals, status.limits.usable);
    let at = |percent: f64| (percent * f64::from(usable) / 100.0).floor();
    let used = format!(
        "used={};{};{};0;{usable}",
        totals.total,
        at(status.utilization.warn),
        at(status.utilization.crit)
    );
    format!(
        "{used} active={} idle={} idle_tx={} waiting={}",
        totals.active, totals.idle, totals.idle_in_transaction, totals.waiting_for_lock
    )
}
