//! `connwarden plan lint`: what is known to go wrong, with the line.

use clap::{Args, ValueEnum};
use plan::report::{FindingReport, LintReport};
use plan::{Level, lint};

use super::check::LimitOptions;
use super::form::PlanOutput;
use super::gather::{FilesOptions, Judged};
use crate::cli::HelpOption;
use crate::exit::Exit;
use crate::say;

const EXAMPLES: &str = "\
Rules are listed in docs/rules.md. A comment beside a line keeps a rule
silent there:  # connwarden: ignore COMPOSE001  (and, if you like, why)

Examples:
  connwarden plan lint
  connwarden plan lint -f compose.yaml -f k8s/ --max-connections 200
  connwarden plan lint -f rendered.yaml --ignore K8S003 --format sarif > plan.sarif
  connwarden plan lint --fail-on error

Exit codes: 0 nothing to warn of, 1 warnings, 2 errors, 64 usage.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct LintOptions {
    #[command(flatten)]
    files: FilesOptions,
    #[command(flatten)]
    limits: LimitOptions,
    /// A rule that is not to speak; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule)]
    ignore: Vec<String>,
    /// From which level on the exit code is not 0
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "warning")]
    fail_on: FailOn,
    #[command(flatten)]
    output: PlanOutput,
    #[command(flatten)]
    help: HelpOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Warning,
    Error,
}

fn rule(name: &str) -> Result<String, String> {
    let known = plan::rules().iter().any(|rule| rule.id.eq_ignore_ascii_case(name));
    if known {
        Ok(name.to_owned())
    } else {
        Err("no rule has this name: docs/rules.md lists them, and --format sarif".into())
    }
}

/// `plan lint`.
pub(super) fn run(options: &LintOptions) -> Exit {
    let judged = match Judged::of(&options.files, &options.limits) {
        Ok(judged) => judged,
        Err(exit) => return exit,
    };
    let scene = judged.scene();
    let mut findings = lint::lint(&scene);
    findings.extend(judged.findings.iter().cloned());
    findings.sort_by(|a, b| a.place.cmp(&b.place).then_with(|| a.rule.id.cmp(b.rule.id)));
    findings.dedup();
    let (findings, ignored) = lint::unignored(findings, &options.ignore, scene.texts);
    let worst = findings.iter().map(|finding| finding.level).max();
    let report = LintReport {
        schema: LintReport::SCHEMA,
        findings: findings.iter().map(FindingReport::of).collect(),
        ignored_by_name: ignored.named,
        ignored_by_comment: ignored.commented,
    };
    options.output.findings(&report.findings, &report);
    if options.output.is_for_people() {
        say::err(&summary(&report));
    }
    match worst {
        Some(Level::Error) => Exit::Critical,
        Some(Level::Warning) if options.fail_on == FailOn::Warning => Exit::Warning,
        Some(Level::Warning | Level::Note) | None => Exit::Done,
    }
}

/// How many of each, and how many were left out.
fn summary(report: &LintReport) -> String {
    let of = |level: Level| report.findings.iter().filter(|finding| finding.level == level).count();
    let ignored = match report.ignored_by_name + report.ignored_by_comment {
        0 => String::new(),
        number => format!(", {number} ignored"),
    };
    format!(
        "{} errors, {} warnings, {} notes{ignored}",
        of(Level::Error),
        of(Level::Warning),
        of(Level::Note)
    )
}
