//! `close-idle`, `force-close` and `cancel` for people and for pipes: the plan, then what became of it.

use super::{
    Align, NAME_CHARS_MAX, Style, Table, Tone, app, clean, clean_within, count, percent, span, statement,
};
use crate::catalog::State;
use crate::closing::Action;
use crate::report::{ApplicationReport, CloseReport, EndReport, VictimReport, VictimResult};

/// Most characters of a name in a table.
/// Most characters of a statement.
const QUERY_CHARS: usize = 48;
/// Most sessions that are shown one by one.
const SESSIONS_MAX: usize = 20;
/// Most applications.
const APPLICATIONS_MAX: usize = 20;

/// The words of an action: to do it, done, what it is done to.
fn words(action: Action) -> (&'static str, &'static str, &'static str) {
    match action {
        Action::CloseIdle => ("close", "closed", "idle session"),
        Action::ForceClose => ("close", "closed", "session"),
        Action::Cancel => ("cancel", "cancelled", "running statement"),
    }
}

/// The plan for people.
pub fn plan(report: &CloseReport, style: Style) -> String {
    let mut lines = vec![style.paint().tone(Tone::Strong, &headline(report))];
    if report.action != Action::Cancel {
        lines.extend(applications(&report.applications));
    }
    if report.action != Action::CloseIdle {
        lines.extend(sessions(&report.victims));
        lines.extend(cost(report).map(|cost| style.paint().tone(Tone::Bad, &cost)));
    }
    lines.extend(left_alone(report));
    if report.action == Action::CloseIdle && !report.victims.is_empty() {
        let since = if report.target.version_num >= 140_000 { "" } else { " (PostgreSQL 14 and later)" };
        lines.push(style.paint().tone(
            Tone::Faint,
            &format!("Pools open again what they need. The lasting cure: smaller pools, or idle_session_timeout{since}."),
        ));
    }
    lines.extend(
        report.notes.iter().map(|note| style.paint().tone(Tone::Faint, &format!("Note: {}", clean(note)))),
    );
    ended(lines)
}

/// The plan for scripts: `name: value`, a line for each victim.
pub fn plain(report: &CloseReport) -> String {
    let mut lines = vec![headline(report)];
    lines.extend(report.victims.iter().map(|victim| {
        let result = victim.result.map(|result| format!(" {}", result.words())).unwrap_or_default();
        format!(
            "pid {}: {} {} {}{result}",
            victim.pid,
            app(&victim.app),
            victim.state.name(),
            victim.state_age_s.map_or_else(|| "-".to_owned(), |age| format!("{age:.0}s"))
        )
    }));
    if report.action != Action::CloseIdle {
        lines.extend(cost(report));
    }
    lines.extend(left_alone(report));
    ended(lines)
}

/// What it is about, in one line.
fn headline(report: &CloseReport) -> String {
    let (verb, _, noun) = words(report.action);
    let victims = report.victims.len() as u32;
    if victims == 0 {
        return nothing(report);
    }
    let mut limits = Vec::new();
    if let Some(age) = report.min_age_s {
        limits.push(format!("min age {}", span(age)));
    }
    limits.push(format!("at most {}", report.max));
    if let Some(until) = report.until_percent {
        limits.push(format!("until {until}% of usable, now {}", percent(report.of_usable_percent)));
    }
    format!("Would {verb} {victims} of {} ({})", count(report.considered, noun), limits.join(", "))
}

/// Why there is nothing to do.
fn nothing(report: &CloseReport) -> String {
    let (verb, _, noun) = words(report.action);
    match report.until_percent {
        Some(until) if report.of_usable_percent <= until => format!(
            "Nothing to {verb}: {} of the usable slots are taken, {until}% or fewer were asked for",
            percent(report.of_usable_percent)
        ),
        _ if report.considered == 0 => format!("Nothing to {verb}: no {noun} matches"),
        _ => format!("Nothing to {verb} among {}", count(report.considered, noun)),
    }
}

fn applications(all: &[ApplicationReport]) -> Vec<String> {
    let left = Align::Left;
    let mut table = Table::new(&[("", left), ("", Align::Right), ("", left), ("", left)]);
    for application in all.iter().take(APPLICATIONS_MAX) {
        table.row([
            app(&application.app),
            application.victims.to_string(),
            application.oldest_s.map(|age| format!(" oldest {}", span(age))).unwrap_or_default(),
            format!(" after: {}", application.after),
        ]);
    }
    let mut lines: Vec<String> = table.lines().into_iter().skip(1).map(|line| format!("  {line}")).collect();
    if all.len() > APPLICATIONS_MAX {
        lines.push(format!("  ... and {} more applications", all.len() - APPLICATIONS_MAX));
    }
    lines
}

fn sessions(all: &[VictimReport]) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let left = Align::Left;
    let columns = [
        ("PID", Align::Right),
        ("APPLICATION", left),
        ("USER", left),
        ("STATE", left),
        ("FOR", Align::Right),
        ("LAST STATEMENT", left),
    ];
    let mut table = Table::new(&columns);
    for victim in all.iter().take(SESSIONS_MAX) {
        table.row([
            victim.pid.to_string(),
            app(&victim.app),
            clean_within(victim.user.as_deref().unwrap_or_default(), NAME_CHARS_MAX),
            victim.state.name().to_owned(),
            victim.state_age_s.map_or_else(|| "-".to_owned(), span),
            statement(victim.query.as_deref().unwrap_or_default(), QUERY_CHARS),
        ]);
    }
    let mut lines: Vec<String> = table.lines().into_iter().map(|line| format!("  {line}")).collect();
    if all.len() > SESSIONS_MAX {
        lines.push(format!("  ... and {} more (-o json shows all)", all.len() - SESSIONS_MAX));
    }
    lines
}

/// What is lost.
fn cost(report: &CloseReport) -> Option<String> {
    let number = |is: fn(&State) -> bool| report.victims.iter().filter(|victim| is(&victim.state)).count();
    let running = number(|state| state.is_running());
    let waiting = number(|state| state.is_idle_in_transaction());
    match report.action {
        Action::ForceClose if running + waiting > 0 => {
            Some(format!("ACTIVE {running}, IN TRANSACTION {waiting} - work will be rolled back"))
        }
        Action::Cancel if running > 0 => {
            Some(format!("ACTIVE {running} - their transactions will fail; the sessions stay"))
        }
        Action::CloseIdle | Action::ForceClose | Action::Cancel => None,
    }
}

fn left_alone(report: &CloseReport) -> Option<String> {
    let total: u32 = report.left_alone.iter().map(|(_, number)| number).sum();
    let each = report.left_alone.iter().map(|(reason, number)| {
        let switch = reason.switch().map(|switch| format!(" ({switch})"));
        format!("{} {number}{}", reason.words(), switch.unwrap_or_default())
    });
    (total > 0).then(|| format!("Left alone: {total}   {}", each.collect::<Vec<_>>().join(" | ")))
}

/// What became of it, in a line or two.
pub fn done(report: &CloseReport, recheck_s: f64) -> String {
    let (verb, past, _) = words(report.action);
    let number = |result| report.count(result);
    let good = if report.action == Action::Cancel { VictimResult::Cancelled } else { VictimResult::Closed };
    let mut said = vec![format!("{past} {}", number(good))];
    let others = [
        VictimResult::Cancelled,
        VictimResult::Gone,
        VictimResult::BecameBusy,
        VictimResult::Denied,
        VictimResult::Error,
    ];
    for result in others.into_iter().filter(|result| *result != good && number(*result) > 0) {
        said.push(format!("{} {}", result.words(), number(result)));
    }
    let mut line = said.join(", ");
    let left = report.victims.iter().filter(|victim| victim.result.is_none()).count();
    if let Some(why) = report.ended.and_then(why) {
        line.push_str(&format!("; {why}, {left} not seen to"));
    }
    if let Some(reconnected) = report.reconnected.as_ref().filter(|_| recheck_s > 0.0) {
        let total: u32 = reconnected.values().sum();
        let each: Vec<String> =
            reconnected.iter().map(|(name, number)| format!("{} {number}", app(name))).collect();
        let who = if each.is_empty() { String::new() } else { format!(": {}", each.join(", ")) };
        line.push_str(&format!("   ({total} reconnected within {}{who})", span(recheck_s)));
    }
    let mut lines = vec![line];
    let reasons = report.victims.iter().filter_map(|victim| victim.detail.as_deref());
    let mut reasons: Vec<String> = reasons.map(clean).collect();
    reasons.sort();
    reasons.dedup();
    lines.extend(reasons.into_iter().map(|reason| format!("  could not {verb}: {reason}")));
    if number(VictimResult::BecameBusy) > 0 {
        lines.push("  became busy: has done something since it was listed, and was left alone".to_owned());
    }
    ended(lines)
}

fn why(end: EndReport) -> Option<&'static str> {
    match end {
        EndReport::Finished => None,
        EndReport::Interrupted => Some("interrupted"),
        EndReport::Errors => Some("stopped after errors one after another"),
        EndReport::Enough => Some("enough slots are free"),
        EndReport::Lost => Some("the connection was lost"),
    }
}

fn ended(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}
