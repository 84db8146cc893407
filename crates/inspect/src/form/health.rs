//! `health` for people, and a line for each look where it goes on.

use super::{Marks, Style, Tone, clean, count, span, utc};
use crate::checks::{Check, CheckLevel, Id};
use crate::report::{HealthReport, Verdict};

/// Most pieces of evidence below a check.
const EVIDENCE_MAX: usize = 3;

/// Lines for scripts and mails: the verdict, then a line for each check.
pub fn plain(report: &HealthReport) -> String {
    let mut out = format!("{}: {}\n", headline(report), report.summary);
    for check in &report.checks {
        out.push_str(&format!("{} {}: {}\n", word(check.level), check.id, check.message));
        if let Some(hint) = &check.hint {
            out.push_str(&format!("  hint: {hint}\n"));
        }
    }
    out
}

/// The screen.
pub fn human(report: &HealthReport, style: Style) -> String {
    let paint = style.paint();
    let tone = match report.verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Warning => Tone::Warn,
        Verdict::Critical | Verdict::Unknown => Tone::Bad,
    };
    let mut out = paint.tone(Tone::Strong, "=== Connection Health ===");
    if let Some(target) = &report.target {
        out.push_str(&format!("   {}  PostgreSQL {}", clean(&target.place), clean(&target.version)));
    }
    out.push_str(&format!("   {}\n", paint.tone(tone, &headline(report))));
    out.push_str(&format!("{} {}\n\n", mark(report.verdict, style.marks), paint.tone(tone, &report.summary)));
    let names = report.checks.iter().map(|check| check.id.name().len()).max().unwrap_or(0);
    for check in &report.checks {
        let (word, name) = (word(check.level), check.id.name());
        let tone = match check.level {
            CheckLevel::Ok => Tone::Good,
            CheckLevel::Skip => Tone::Faint,
            CheckLevel::Warning => Tone::Warn,
            CheckLevel::Critical => Tone::Bad,
        };
        let threshold = threshold(check).map(|text| format!("  {}", paint.tone(Tone::Faint, &text)));
        let threshold = threshold.unwrap_or_default();
        out.push_str(&format!(
            "{}  {name:names$}  {}{threshold}\n",
            paint.tone(tone, &format!("{word:<4}")),
            check.message
        ));
        if check.level.is_bad() {
            for evidence in check.evidence.iter().take(EVIDENCE_MAX) {
                out.push_str(&format!("      - {}\n", evidence.text));
            }
            if check.evidence.len() > EVIDENCE_MAX {
                out.push_str(&format!("      - and {} more\n", check.evidence.len() - EVIDENCE_MAX));
            }
        }
        if let Some(hint) = &check.hint {
            out.push_str(&format!("      hint: {hint}\n"));
        }
    }
    // What refused a login says more than the check that met it, and stands in the hint.
    if let Some(id) = worst_id(report).filter(|id| *id != Id::Login) {
        out.push_str(&format!("next: connwarden explain {id}\n"));
    }
    out
}

/// One look in one line.
pub fn line(report: &HealthReport) -> String {
    let mut out = format!("{} {}", utc(report.ts_us), report.verdict.word());
    if let Some(status) = &report.status {
        let totals = &status.totals;
        out.push_str(&format!(
            " util={:.1} total={} active={} idle={} idle_tx={} waiting={}",
            status.utilization.of_usable_percent,
            totals.total,
            totals.active,
            totals.idle,
            totals.idle_in_transaction,
            totals.waiting_for_lock
        ));
    }
    if let Some(churn) =
        report.checks.iter().find(|check| check.id == Id::Churn).and_then(|check| check.value)
    {
        out.push_str(&format!(" churn={churn:.1}"));
    }
    if report.verdict != Verdict::Ok {
        out.push_str(&format!("  {}", report.summary));
    }
    out.push('\n');
    out
}

/// `WARNING (2 of 16 checks)`.
fn headline(report: &HealthReport) -> String {
    let all = report.checks.len() as u32;
    let word = report.verdict.word();
    match report.verdict {
        Verdict::Ok => format!("{word} ({})", count(all, "check")),
        Verdict::Warning | Verdict::Critical => {
            format!("{word} ({} of {})", report.bad(), count(all, "check"))
        }
        Verdict::Unknown => word.to_owned(),
    }
}

fn worst_id(report: &HealthReport) -> Option<Id> {
    let is_summary = |check: &&Check| check.level.is_bad() && check.message == report.summary;
    report.checks.iter().find(is_summary).map(|check| check.id)
}

fn word(level: CheckLevel) -> &'static str {
    match level {
        CheckLevel::Ok => "OK",
        CheckLevel::Skip => "SKIP",
        CheckLevel::Warning => "WARN",
        CheckLevel::Critical => "CRIT",
    }
}

fn mark(verdict: Verdict, marks: Marks) -> &'static str {
    match (marks, verdict) {
        (Marks::Ascii, _) => "=",
        (Marks::Unicode, Verdict::Ok) => "✅",
        (Marks::Unicode, Verdict::Warning) => "⚠️",
        (Marks::Unicode, Verdict::Critical) => "🚨",
        (Marks::Unicode, Verdict::Unknown) => "❔",
    }
}

/// Where warning begins, as it is compared.
fn threshold(check: &Check) -> Option<String> {
    let said = |value: f64| match check.unit {
        Some("percent") => format!("{value:.0}%"),
        Some("seconds") => span(value),
        Some("per_second") => format!("{value:.0}/s"),
        Some(_) | None => format!("{value:.0}"),
    };
    // Time until the server is full, and slots left, are bad below their thresholds.
    match (check.id, check.warn, check.crit) {
        (Id::Forecast, Some(warn), _) => Some(format!("warn below {}", said(warn))),
        (Id::Reserve, _, Some(crit)) => Some(format!("crit below {}", said(crit))),
        (_, Some(warn), Some(crit)) => Some(format!("warn {} crit {}", said(warn), said(crit))),
        (_, Some(warn), None) => Some(format!("warn {}", said(warn))),
        (_, None, _) => None,
    }
}
