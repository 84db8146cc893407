//! JUnit's XML, which most builders show as a list of tests.

use std::fmt::Write;

use super::{place, remedies, sentence, server_name};
use crate::Level;
use crate::report::{FindingReport, PlanReport};

/// A test for each sum of each server, and one for each finding.
pub fn budget(report: &PlanReport) -> String {
    let mut cases = Vec::new();
    for server in &report.servers {
        let name = server_name(server);
        let Some(limits) = &server.limits else {
            cases.push(case(
                name,
                "limit",
                Some(("error", "nothing says how many connections the server takes", "")),
            ));
            continue;
        };
        for verdict in &server.verdicts {
            let said = sentence(verdict, limits.usable);
            let help = remedies(server).join("\n");
            let failed = verdict.above.is_some().then_some(("failure", said.as_str(), help.as_str()));
            cases.push(case(name, verdict.phase, failed));
        }
    }
    cases.extend(report.findings.iter().map(found));
    suite(&cases)
}

/// A failed test for each finding that is more than a note.
pub fn findings(findings: &[FindingReport]) -> String {
    suite(&findings.iter().map(found).collect::<Vec<_>>())
}

struct Case {
    text: String,
    kind: Option<&'static str>,
}

fn found(finding: &FindingReport) -> Case {
    let at = finding.place.as_ref().map_or_else(|| "files".to_owned(), place);
    let failed = match finding.level {
        Level::Note => None,
        Level::Warning | Level::Error => Some(("failure", finding.message.as_str(), finding.fix.as_str())),
    };
    case(&at, finding.rule, failed)
}

fn case(class: &str, name: &str, failed: Option<(&'static str, &str, &str)>) -> Case {
    let mut text = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
    match failed {
        None => text.push_str("/>\n"),
        Some((kind, message, detail)) => {
            let (message, detail) = (escaped(message), escaped(detail));
            let _ =
                writeln!(text, ">\n      <{kind} message=\"{message}\">{detail}</{kind}>\n    </testcase>");
        }
    }
    Case { text, kind: failed.map(|(kind, _, _)| kind) }
}

fn suite(cases: &[Case]) -> String {
    let of = |kind: &str| cases.iter().filter(|case| case.kind == Some(kind)).count();
    let numbers =
        format!("tests=\"{}\" failures=\"{}\" errors=\"{}\"", cases.len(), of("failure"), of("error"));
    let body: String = cases.iter().map(|case| case.text.as_str()).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {numbers}>\n  <testsuite name=\"connwarden plan\" {numbers}>\n{body}  </testsuite>\n</testsuites>\n"
    )
}

/// Text in XML; what XML cannot hold becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
