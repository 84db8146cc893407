//! The forms of `plan check` and `plan lint`.

use clap::{Args, ValueEnum};
use plan::form::{findings, github, human, junit, sarif};
use plan::report::{FindingReport, PlanReport};

use crate::output::LookOptions;
use crate::say;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    /// Tables for people
    Human,
    /// One JSON document
    Json,
    /// Workflow commands of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanners
    Sarif,
    /// JUnit's XML
    Junit,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct PlanOutput {
    /// Form of the answer
    #[arg(
        short = 'o',
        long = "format",
        alias = "output",
        value_enum,
        value_name = "FORMAT",
        default_value = "human"
    )]
    form: PlanForm,
    #[command(flatten)]
    look: LookOptions,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl PlanOutput {
    /// Words for people.
    pub(crate) fn is_for_people(&self) -> bool {
        self.form == PlanForm::Human
    }

    pub(crate) fn budget(&self, report: &PlanReport) {
        match self.form {
            PlanForm::Human => say::out(&human::budget(report, self.look.style())),
            PlanForm::Json => say::json(report),
            PlanForm::Github => say::out(&github::budget(report)),
            PlanForm::Sarif => say::json(&sarif::budget(report, &plan::rules(), VERSION)),
            PlanForm::Junit => say::out(&junit::budget(report)),
        }
    }

    pub(crate) fn findings(&self, all: &[FindingReport], document: &impl serde::Serialize) {
        match self.form {
            PlanForm::Human => say::out(&findings::text(all, self.look.style())),
            PlanForm::Json => say::json(document),
            PlanForm::Github => say::out(&github::findings(all)),
            PlanForm::Sarif => say::json(&sarif::findings(all, &plan::rules(), VERSION)),
            PlanForm::Junit => say::out(&junit::findings(all)),
        }
    }
}
