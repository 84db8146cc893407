//! `connwarden plan suggest`: sizes and settings that fit, as changes to review.

use clap::Args;
use inspect::form::clean;
use plan::suggest::{Wanted, suggest, text};

use super::check::LimitOptions;
use super::gather::{FilesOptions, Judged};
use crate::cli::HelpOption;
use crate::doctor::Environment;
use crate::exit::Exit;
use crate::{say, value};

const EXAMPLES: &str = "\
Nothing is written: the changes are printed, each number with its reason, as patches against the
files that are there. Of several servers the first is sized, or the one of --server-host.

Examples:
  connwarden plan suggest --preset production
  connwarden plan suggest -f compose.yaml --preset staging --memory 8GB --cores 4
  connwarden plan suggest --preset high-load --patch | git apply --unidiff-zero

Exit codes: 0 what is suggested fits, 1 it does not (what cannot be made smaller is too much by
itself) or nothing promises it (errors in files, no server, nothing that opens connections),
64 usage.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct SuggestOptions {
    #[command(flatten)]
    files: FilesOptions,
    #[command(flatten)]
    limits: LimitOptions,
    /// For which environment
    #[arg(long, value_enum, value_name = "PRESET", default_value = "production")]
    preset: Environment,
    /// Memory of the server, where its container has no limit: 8GB
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory: Option<u64>,
    /// Cores of the server, and of containers without a limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cores: Option<u32>,
    /// The patches alone
    #[arg(long)]
    patch: bool,
    #[command(flatten)]
    help: HelpOption,
}

/// `plan suggest`.
pub(super) fn run(options: &SuggestOptions) -> Exit {
    let judged = match Judged::of(&options.files, &options.limits) {
        Ok(judged) => judged,
        Err(exit) => return exit,
    };
    for finding in judged.findings.iter().filter(|finding| finding.level == plan::Level::Error) {
        let place = finding.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        say::err(&clean(&format!("warning: {place}{}", finding.message)));
    }
    let wanted = Wanted { preset: options.preset.into(), memory_bytes: options.memory, cores: options.cores };
    let suggestion = suggest(&judged.scene(), &wanted);
    if options.patch {
        let patches: String = suggestion.files.iter().map(|file| file.patch.as_str()).collect();
        say::out(&patches);
    } else {
        // What stands in files is a stranger's, too; patches keep their tabs.
        let lines: String =
            text(&suggestion).lines().map(|line| clean(&line.replace('\t', "        ")) + "\n").collect();
        say::out(&lines);
    }
    for doubt in &suggestion.doubts {
        say::err(&clean(&format!("warning: that it fits is not promised: {doubt}")));
    }
    if suggestion.fits && suggestion.doubts.is_empty() { Exit::Done } else { Exit::Warning }
}
