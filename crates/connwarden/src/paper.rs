//! `connwarden completions` and `connwarden man`: what is generated from the command line's own declaration.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, HelpOption};
use crate::exit::Exit;
use crate::say;

const COMPLETIONS: &str = "\
Examples:
  connwarden completions bash > /etc/bash_completion.d/connwarden
  source <(connwarden completions bash)
  connwarden completions fish > ~/.config/fish/completions/connwarden.fish";

const MAN: &str = "\
Examples:
  connwarden man | man -l -
  connwarden man -o /usr/local/share/man/man1      a page for each command";

#[derive(Args, Clone, Debug)]
#[command(after_help = COMPLETIONS, disable_help_flag = true)]
pub(crate) struct CompletionsOptions {
    #[command(flatten)]
    help: HelpOption,
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = MAN, disable_help_flag = true)]
pub(crate) struct ManOptions {
    #[command(flatten)]
    help: HelpOption,
    /// Write a page for each command into this directory; without it the main page is printed
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// `completions`.
pub(crate) fn completions(options: &CompletionsOptions) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "connwarden", &mut text);
    say::out(&String::from_utf8_lossy(&text));
    Exit::Done
}

/// `man`.
pub(crate) fn man(options: &ManOptions) -> Exit {
    let done = match &options.output {
        Some(dir) => pages(dir),
        None => page(Cli::command()).map(|text| say::out(&text)),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            say::err(&format!("error: {error}"));
            Exit::Nothing
        }
    }
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut text = Vec::new();
    let source = format!("connwarden {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).manual("connwarden").render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `connwarden.1`, `connwarden-config-check.1` and so on.
fn pages(dir: &Path) -> io::Result<()> {
    let mut main = Cli::command();
    // Tells the commands their full names.
    main.build();
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    let mut left = vec![&main];
    while let Some(command) = left.pop() {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = dir.join(format!("{name}.1"));
        std::fs::write(&path, page(command.clone())?).map_err(|error| at(&path, &error))?;
        left.extend(command.get_subcommands().filter(|command| !command.is_hide_set()));
    }
    Ok(())
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
