//! Workflow commands: a check run of GitHub Actions shows them beside the lines they speak of.

use std::fmt::Write;

use ::text::clean;

use super::remarks;
use crate::Level;
use crate::report::{FindingReport, PlanReport};

/// A line for each remark.
pub fn budget(report: &PlanReport) -> String {
    findings(&remarks(report))
}

/// A line for each finding.
pub fn findings(findings: &[FindingReport]) -> String {
    let mut out = String::new();
    for finding in findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.extend(place.line.map(|line| format!("line={line}")));
            properties.extend(place.column.map(|column| format!("col={column}")));
        }
        properties.push(format!("title={}", property(finding.rule)));
        let fix = if finding.fix.is_empty() { String::new() } else { format!(" | {}", finding.fix) };
        let _ = writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            data(&format!("{}{fix}", finding.message))
        );
    }
    out
}

/// What ends a message is written by its code; what a terminal would obey is not written.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property, what ends one too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
