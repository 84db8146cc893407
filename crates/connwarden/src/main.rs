//! The program: commands, and nothing that decides. What the configuration means is `model`'s business, what a
//! connection does is the proxy's.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

mod cli;
mod closing;
mod config;
mod doctor;
mod exit;
mod explain;
mod filter;
mod grants;
mod health;
mod history;
mod monitor;
mod output;
mod paper;
mod plan;
mod proxy;
mod say;
mod server;
mod status;
mod thresholds;
mod value;

use cli::{Cli, Command, ConfigCommand};
use exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    let exit = match cli.command {
        None => help(&mut Cli::command()),
        Some(Command::Status(options)) => block_on(status::run(*options)),
        Some(Command::Health(options)) => block_on(health::run(*options)),
        Some(Command::Explain(options)) => block_on(explain::run(*options)),
        Some(Command::CloseIdle(options)) => block_on(closing::close_idle::run(*options)),
        Some(Command::ForceClose(options)) => block_on(closing::force_close::run(*options)),
        Some(Command::Cancel(options)) => block_on(closing::cancel::run(*options)),
        Some(Command::Doctor(options)) => block_on(doctor::run(*options)),
        Some(Command::Grants(options)) => block_on(grants::run(*options)),
        Some(Command::Completions(options)) => paper::completions(&options),
        Some(Command::Man(options)) => paper::man(&options),
        Some(Command::Monitor(options)) => block_on(monitor::run(*options)),
        Some(Command::Replay(options)) => block_on(monitor::replay(*options)),
        Some(Command::Plan(options)) => match options.command {
            Some(command) => block_on(plan::run(command)),
            None => help(subcommand(&mut Cli::command(), "plan")),
        },
        Some(Command::Proxy(options)) => proxy::run(*options),
        Some(Command::Config { command: None, .. }) => help(subcommand(&mut Cli::command(), "config")),
        Some(Command::Config { command: Some(ConfigCommand::Check(options)), .. }) => config::check(&options),
        Some(Command::Config { command: Some(ConfigCommand::Show(options)), .. }) => config::show(&options),
        Some(Command::Config { command: Some(ConfigCommand::Init(options)), .. }) => {
            block_on(config::init(&options))
        }
    };
    exit.into()
}

/// The commands that log in wait for one server: one thread does.
fn block_on(command: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => {
            say::err(&format!("error: {error}"));
            Exit::Nothing
        }
    }
}

/// Help and version go to standard output and are no mistake; everything else is.
fn usage(error: &clap::Error) -> Exit {
    // A closed pipe is the reader's decision.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

fn help(command: &mut clap::Command) -> Exit {
    // A closed pipe is the reader's decision.
    let _ = command.print_help();
    Exit::Done
}

fn subcommand<'a>(command: &'a mut clap::Command, name: &str) -> &'a mut clap::Command {
    command.build();
    match command.find_subcommand_mut(name) {
        Some(found) => found,
        None => unreachable!("the command {name} is declared in cli"),
    }
}
