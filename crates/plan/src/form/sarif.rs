//! SARIF 2.1.0, which code scanners and editors read.

use serde_json::{Value, json};

use super::remarks;
use crate::Rule;
use crate::report::{FindingReport, PlanReport};

/// The budget's remarks as one run. `rules`: all that could have spoken.
pub fn budget(report: &PlanReport, rules: &[&Rule], version: &str) -> Value {
    findings(&remarks(report), rules, version)
}

/// Findings as one run.
pub fn findings(findings: &[FindingReport], rules: &[&Rule], version: &str) -> Value {
    let described: Vec<Value> = rules
        .iter()
        .map(|rule| json!({ "id": rule.id, "shortDescription": { "text": rule.summary } }))
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "connwarden", "version": version, "rules": described } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &FindingReport) -> Value {
    let text = match finding.fix.as_str() {
        "" => finding.message.clone(),
        fix => format!("{}. {fix}", finding.message),
    };
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.level.name(),
        "message": { "text": text },
    });
    if let Some(place) = &finding.place {
        let mut physical = json!({ "artifactLocation": { "uri": uri(&place.file) } });
        if let (Some(line), Some(column)) = (place.line, place.column) {
            physical["region"] = json!({ "startLine": line, "startColumn": column });
        }
        result["locations"] = json!([{ "physicalLocation": physical }]);
    }
    result
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
