//! Measures connwarden side by side with other poolers: CPU, latency, memory, system calls, instructions.
//!
//! It loads only what it starts itself, on 127.0.0.1, and stops it by its process id.

mod arena;
mod child;
mod cmd;
mod dice;
mod line;
mod load;
mod messages;
mod null;
mod pairs;
mod proc;
mod report;
mod stats;

use std::process::ExitCode;

use clap::Parser;

/// Measure connwarden side by side with other poolers.
///
/// Progress goes to standard error, a table to standard output, everything to a JSON file.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
enum Command {
    Null(null::Args),
    Load(load::Args),
    Cpu(cmd::cpu::Args),
    Latency(cmd::latency::Args),
    Tail(cmd::tail::Args),
    Idle(cmd::idle::Args),
    Syscalls(cmd::syscalls::Args),
    Callgrind(cmd::callgrind::Args),
    Watch(cmd::watch::Args),
    Plan(cmd::plan::Args),
    Agreement(cmd::agreement::Args),
}

fn main() -> ExitCode {
    let passed = match Command::parse() {
        Command::Null(args) => null::run(&args).map(|()| true),
        Command::Load(args) => load::run(&args).map(|()| true),
        Command::Cpu(args) => cmd::cpu::run(&args).map(|()| true),
        Command::Latency(args) => cmd::latency::run(&args).map(|()| true),
        Command::Tail(args) => cmd::tail::run(&args).map(|()| true),
        Command::Idle(args) => cmd::idle::run(&args).map(|()| true),
        Command::Watch(args) => cmd::watch::run(&args).map(|()| true),
        Command::Plan(args) => cmd::plan::run(&args).map(|()| true),
        Command::Agreement(args) => cmd::agreement::run(&args).map(|()| true),
        Command::Syscalls(args) => cmd::syscalls::run(&args),
        Command::Callgrind(args) => cmd::callgrind::run(&args),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
