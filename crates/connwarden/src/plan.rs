//! `connwarden plan`: what deployed services may open, and whether it fits.

use clap::Subcommand;

mod check;
mod form;
mod gather;
mod held;
mod load;
mod measure;
mod paint;
mod simulate;

pub(crate) use check::CheckOptions;
pub(crate) use held::PlanFile;
pub(crate) use measure::MeasureOptions;
pub(crate) use simulate::SimulateOptions;

use crate::cli::HelpOption;
use crate::exit::Exit;

/// What `plan` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Add up what services may open, and judge it
    Check(Box<CheckOptions>),
    /// Play a load against pools of several sizes
    Simulate(Box<SimulateOptions>),
    /// Measure pools of several sizes on a real server
    Measure(Box<MeasureOptions>),
}

/// `plan`, with its own help.
#[derive(clap::Args, Debug)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    help: HelpOption,
    #[command(subcommand)]
    pub(crate) command: Option<PlanCommand>,
}

/// `plan ...`.
pub(crate) async fn run(command: PlanCommand) -> Exit {
    match command {
        PlanCommand::Check(options) => check::run(*options).await,
        PlanCommand::Simulate(options) => simulate::run(&options),
        PlanCommand::Measure(options) => measure::run(*options).await,
    }
}
