//! `status` for people: a screen on a terminal, the short lines of old scripts in a pipe.

use std::fmt::Write;

use super::{
    Align, Marks, NAME_CHARS_MAX, Style, Table, Tone, app, clean, clean_within, partial_view, percent, span,
};
use crate::census::{By, Level};
use crate::report::{GroupReport, LimitReport, PoolerReport, StatusReport, Visibility};

/// Most limits that are shown.
const LIMITS_MAX: usize = 5;
/// Width of the bar.
const BAR_CELLS: usize = 40;

/// The lines that scripts know, one fact each. `top`: most groups.
pub fn plain(report: &StatusReport, marks: Marks, top: usize) -> String {
    let mut out = String::new();
    let totals = &report.totals;
    line(&mut out, &format!("Max Connections: {}", report.limits.max_connections));
    line(&mut out, &format!("Total Connections: {}", totals.total));
    line(&mut out, &format!("Active Connections: {}", totals.active));
    line(&mut out, &format!("Idle Connections: {}", totals.idle));
    line(&mut out, &format!("Idle in Transaction: {}", totals.idle_in_transaction));
    line(&mut out, &format!("Utilization: {}", percent(report.utilization.of_max_percent)));
    line(&mut out, &verdict(report, marks));
    line(&mut out, "");
    line(&mut out, &heading(&report.by));
    for group in report.groups.iter().take(top) {
        let states: Vec<&str> = group.states.keys().map(|state| state.name()).collect();
        let name = names(group, &report.by).join(" ");
        let noun = if group.total == 1 { "connection" } else { "connections" };
        line(&mut out, &format!("{name}: {} {noun} ({})", group.total, states.join(", ")));
    }
    left_out(&mut out, report.groups.len(), top);
    out
}

/// The screen. `top`: most groups.
pub fn human(report: &StatusReport, style: Style, top: usize) -> String {
    let paint = style.paint();
    let mut out = String::new();
    let target = &report.target;
    line(
        &mut out,
        &format!(
            "{}   {}  PostgreSQL {}{}  up {}",
            paint.tone(Tone::Strong, "=== PostgreSQL Connections ==="),
            clean(&target.place),
            clean(&target.version),
            if target.in_recovery { "  standby" } else { "" },
            span(target.uptime_s)
        ),
    );
    counts(&mut out, report);
    let share = &report.utilization;
    line(
        &mut out,
        &format!(
            "Utilization: {}   ({} of the {} usable by applications)",
            percent(share.of_max_percent),
            percent(share.of_usable_percent),
            report.limits.usable
        ),
    );
    let tone = tone(share.level);
    line(
        &mut out,
        &format!(
            "{}  warn {:.0}%  crit {:.0}%",
            paint.tone(tone, &bar(share.of_usable_percent, style.marks)),
            share.warn,
            share.crit
        ),
    );
    line(&mut out, &paint.tone(tone, &verdict(report, style.marks)));
    if report.visibility == Visibility::Partial && report.totals.hidden > 0 {
        line(&mut out, &paint.tone(Tone::Warn, &partial_view(&report.target.user)));
    }
    line(&mut out, "");
    line(&mut out, &paint.tone(Tone::Strong, &heading(&report.by)));
    table_of_groups(&mut out, report, top);
    limits(&mut out, &report.role_and_database_limits, style);
    if let Some(pooler) = &report.pooler {
        pools(&mut out, pooler, style);
    }
    out
}

fn counts(out: &mut String, report: &StatusReport) {
    let (slots, totals) = (&report.limits, &report.totals);
    let mut kept = format!("{} superuser", slots.superuser_reserved);
    if slots.reserved > 0 {
        let _ = write!(kept, " + {} reserved", slots.reserved);
    }
    line(
        out,
        &format!(
            "Max Connections: {}   usable by applications: {} ({kept} kept back)",
            slots.max_connections, slots.usable
        ),
    );
    if slots.pending_restart.iter().any(|name| name == "max_connections") {
        line(out, "  a new max_connections waits for a restart");
    }
    line(out, &format!("Total Connections: {}", totals.total));
    line(out, &format!("Active Connections: {}", totals.active));
    let oldest = |age: Option<f64>| age.map(|age| format!("   oldest {}", span(age))).unwrap_or_default();
    line(out, &format!("Idle Connections: {}{}", totals.idle, oldest(totals.oldest_idle_s)));
    line(
        out,
        &format!(
            "Idle in Transaction: {}{}",
            totals.idle_in_transaction,
            oldest(totals.oldest_idle_in_transaction_s)
        ),
    );
    let rare = [
        ("Logging in", totals.starting),
        ("Without a state (track_activities is off)", totals.disabled),
        ("Not shown to this role", totals.hidden),
        ("Waiting for Locks", totals.waiting_for_lock),
        ("Walsenders (slots of their own)", totals.walsenders),
    ];
    for (what, number) in rare.into_iter().filter(|(_, number)| *number > 0) {
        line(out, &format!("{what}: {number}"));
    }
}

/// The verdict in the words that scripts look for.
fn verdict(report: &StatusReport, marks: Marks) -> String {
    let ascii = marks == Marks::Ascii;
    let share = &report.utilization;
    match share.level {
        Level::Ok => format!("{} Connection utilization is healthy", if ascii { "OK" } else { "✅" }),
        Level::Warning => {
            format!(
                "{} Connection utilization is above {:.0}%",
                if ascii { "WARNING" } else { "⚠️" },
                share.warn
            )
        }
        Level::Critical => {
            format!(
                "{} Connection utilization is above {:.0}%",
                if ascii { "CRITICAL" } else { "🚨" },
                share.crit
            )
        }
    }
}

fn heading(by: &[By]) -> String {
    let names: Vec<&str> = by
        .iter()
        .map(|by| match by {
            By::App => "Application",
            By::User => "User",
            By::Db => "Database",
            By::Client => "Client",
            By::State => "State",
        })
        .collect();
    format!("=== Connections by {} ===", names.join(" and "))
}

fn names(group: &GroupReport, by: &[By]) -> Vec<String> {
    let name = |by: &By| match group.key.get(by).map(String::as_str) {
        name if *by == By::App => app(name.unwrap_or_default()),
        None | Some("") => "(none)".to_owned(),
        Some(name) => clean_within(name, NAME_CHARS_MAX),
    };
    by.iter().map(name).collect()
}

fn table_of_groups(out: &mut String, report: &StatusReport, top: usize) {
    let mut columns: Vec<(&str, Align)> = report
        .by
        .iter()
        .map(|by| {
            let name = match by {
                By::App => "APPLICATION",
                By::User => "USER",
                By::Db => "DATABASE",
                By::Client => "CLIENT",
                By::State => "STATE",
            };
            (name, Align::Left)
        })
        .collect();
    let numbers = ["CONN", "ACT", "IDLE", "TX", "OLDEST IDLE", "OLDEST TX"];
    columns.extend(numbers.map(|name| (name, Align::Right)));
    columns.push(("CLIENTS", Align::Left));
    if report.has_plan {
        columns.push(("PLAN", Align::Right));
    }
    let mut table = Table::new(&columns);
    let age = |age: Option<f64>| age.map_or_else(|| "-".to_owned(), span);
    for group in report.groups.iter().take(top) {
        let in_state = |wanted: &[&str]| {
            let held = group.states.iter().filter(|(state, _)| wanted.contains(&state.name()));
            held.map(|(_, number)| number).sum::<u32>().to_string()
        };
        let mut cells = names(group, &report.by);
        cells.push(group.total.to_string());
        cells.push(in_state(&["active", "fastpath function call"]));
        cells.push(in_state(&["idle"]));
        cells.push(in_state(&["idle in transaction", "idle in transaction (aborted)"]));
        cells.push(age(group.oldest_idle_s));
        cells.push(age(group.oldest_transaction_s));
        cells.push(super::count(group.hosts, "host"));
        if report.has_plan {
            let planned = group.planned.as_ref();
            cells
                .push(planned.map_or_else(|| "unplanned".into(), |one| format!("{}/{}", one.held, one.peak)));
        }
        table.row(cells);
    }
    if table.is_empty() {
        line(out, "nobody is connected");
        return;
    }
    for text in table.lines() {
        line(out, &text);
    }
    left_out(out, report.groups.len(), top);
}

fn limits(out: &mut String, limits: &[LimitReport], style: Style) {
    let held: Vec<&LimitReport> =
        limits.iter().filter(|limit| !limit.exempt && limit.limit > 0).take(LIMITS_MAX).collect();
    if held.is_empty() {
        return;
    }
    line(out, "");
    line(out, &style.paint().tone(Tone::Strong, "=== Limits closest to full ==="));
    let mut table = Table::new(&[
        ("LIMIT", Align::Left),
        ("NAME", Align::Left),
        ("USED", Align::Right),
        ("", Align::Right),
    ]);
    for limit in held {
        let kind = match limit.kind {
            crate::catalog::LimitKind::Role => "role",
            crate::catalog::LimitKind::Database => "database",
        };
        table.row([
            kind.to_owned(),
            clean_within(&limit.name, NAME_CHARS_MAX),
            format!("{}/{}", limit.used, limit.limit),
            format!("{:.0}%", limit.percent),
        ]);
    }
    for text in table.lines() {
        line(out, &text);
    }
}

fn pools(out: &mut String, pooler: &PoolerReport, style: Style) {
    let name = pooler.version.as_deref().map_or_else(|| "a pooler".to_owned(), clean);
    line(out, "");
    line(
        out,
        &style.paint().tone(Tone::Strong, &format!("=== Pools of {name}, which stands in between ===")),
    );
    if pooler.version.is_none() {
        line(out, "its console does not let us in; addresses and ports above are the pooler's");
        return;
    }
    let mut table = Table::new(&[
        ("DATABASE", Align::Left),
        ("USER", Align::Left),
        ("CLIENTS", Align::Right),
        ("WAITING", Align::Right),
        ("SERVERS", Align::Right),
        ("IDLE", Align::Right),
        ("MAX WAIT", Align::Right),
    ]);
    for pool in &pooler.pools {
        table.row([
            clean_within(&pool.database, NAME_CHARS_MAX),
            clean_within(&pool.user, NAME_CHARS_MAX),
            (pool.clients_active + pool.clients_waiting).to_string(),
            pool.clients_waiting.to_string(),
            (pool.servers_active + pool.servers_idle).to_string(),
            pool.servers_idle.to_string(),
            if pool.clients_waiting > 0 { span(f64::from(pool.max_wait_s)) } else { "-".to_owned() },
        ]);
    }
    for text in table.lines() {
        line(out, &text);
    }
}

fn left_out(out: &mut String, all: usize, top: usize) {
    if all > top {
        line(out, &format!("... and {} more (--top {all} shows all)", all - top));
    }
}

fn bar(percent: f64, marks: Marks) -> String {
    let (full, empty) = if marks == Marks::Ascii { ("#", ".") } else { ("█", "░") };
    let cells = ((percent / 100.0 * BAR_CELLS as f64).round() as usize).min(BAR_CELLS);
    format!("[{}{}]", full.repeat(cells), empty.repeat(BAR_CELLS - cells))
}

fn tone(level: Level) -> Tone {
    match level {
        Level::Ok => Tone::Good,
        Level::Warning => Tone::Warn,
        Level::Critical => Tone::Bad,
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
