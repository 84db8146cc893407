//! `cargo xtask gen [--check]` writes what is generated; `cargo xtask tidy` checks what the compiler doesn't;
//! `cargo xtask sim` runs the engine's simulator for longer than the tests do.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

mod generated;
mod sim;
mod tidy;

const USAGE: &str = "\
cargo xtask gen               write the generated documents
cargo xtask gen --check       fail where one is stale
cargo xtask sim [--seeds N]   run N seeds of each kind of simulated world (default 20000)
cargo xtask sim --planted     hunt for every planted fault
cargo xtask tidy              check sizes, imports, licences, settings and words";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["gen"] => generated::write(&root()),
        ["gen", "--check"] => generated::check(&root()),
        ["sim"] => sim::soak(&root(), sim::SEEDS),
        ["sim", "--seeds", seeds] => match seeds.parse() {
            Ok(seeds) => sim::soak(&root(), seeds),
            Err(_) => Err(anyhow::anyhow!("--seeds takes a number, not {seeds:?}")),
        },
        ["sim", "--planted"] => sim::hunt(&root()),
        ["tidy"] => tidy::run(&root()),
        [] | ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's directory.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Files below a directory whose names end so, in order. A directory that is not there has none.
fn files(dir: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        if !dir.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Prints the offences and fails if there are any.
fn judge(what: &str, offences: &[String]) -> anyhow::Result<()> {
    if offences.is_empty() {
        return Ok(());
    }
    for offence in offences {
        eprintln!("{offence}");
    }
    bail!("{what}: {}", offences.len())
}
