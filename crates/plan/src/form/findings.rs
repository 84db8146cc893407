//! Findings for people: place, rule, what, and the fix below it.

use std::fmt::Write;

use text::{Style, Tone, clean};

use super::place;
use crate::Level;
use crate::report::FindingReport;

/// One or two lines each; nothing where there is none.
pub fn text(findings: &[FindingReport], style: Style) -> String {
    let paint = style.paint();
    let mut out = String::new();
    for finding in findings {
        let tone = match finding.level {
            Level::Error => Tone::Bad,
            Level::Warning => Tone::Warn,
            Level::Note => Tone::Faint,
        };
        let at = finding.place.as_ref().map_or_else(String::new, |at| match at.column {
            Some(column) => format!("{}:{column}: ", clean(&place(at))),
            None => format!("{}: ", clean(&place(at))),
        });
        let level = paint.tone(tone, finding.level.name());
        let _ = writeln!(out, "{at}{level} {}: {}", finding.rule, clean(&finding.message));
        if !finding.fix.is_empty() {
            let _ = writeln!(out, "  = {}", clean(&finding.fix));
        }
    }
    out
}
