//! In what form an answer is wanted, and what the place it goes to can show.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use inspect::form::{Marks, Style};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A screen for people
    Human,
    /// Short lines for scripts
    Plain,
    /// One JSON document
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// What is common to all commands that print.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// Form of the answer; human on a terminal, plain elsewhere
    #[arg(short, long, value_enum)]
    output: Option<Form>,
    #[command(flatten)]
    look: LookOptions,
}

/// How text for people looks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct LookOptions {
    /// Colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: When,
    /// No character beyond ASCII in what we say ourselves
    #[arg(long)]
    ascii: bool,
}

impl OutputOptions {
    /// The form that was asked for, or that suits standard output.
    pub(crate) fn form(&self) -> Form {
        let fitting = || if std::io::stdout().is_terminal() { Form::Human } else { Form::Plain };
        self.output.unwrap_or_else(fitting)
    }

    /// What standard output can show.
    pub(crate) fn style(&self) -> Style {
        self.look.style()
    }
}

impl LookOptions {
    /// What standard output can show.
    pub(crate) fn style(&self) -> Style {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto if set("NO_COLOR") => false,
            When::Auto => set("CLICOLOR_FORCE") || (terminal && !dumb),
        };
        let marks = if self.ascii || !speaks_utf8() { Marks::Ascii } else { Marks::Unicode };
        Style { colour, marks, width: if terminal { columns() } else { None } }
    }
}

/// `COLUMNS`, or what the terminal says.
fn columns() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|said| said.parse().ok());
    said.or_else(|| Some(rustix::termios::tcgetwinsize(std::io::stdout()).ok()?.ws_col.into()))
        .filter(|columns| *columns > 0)
}

/// The first of LC_ALL, LC_CTYPE and LANG that is set says UTF-8. Where none is set, as in containers and units, nobody
/// has said anything against it.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
