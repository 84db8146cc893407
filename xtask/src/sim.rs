//! The engine's simulator, by its tests and the variables they read; which is described in `crates/engine/tests/it/sim`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Seeds of each kind of world that a release has passed.
pub(crate) const SEEDS: u64 = 20_000;

/// Runs so many seeds of each kind of world.
pub(crate) fn soak(root: &Path, seeds: u64) -> anyhow::Result<()> {
    run(tests(root).args(["sim::", "--", "--skip", "sim::hunt"]).env("SIM_SEEDS", seeds.to_string()))
}

/// Hunts for every planted fault.
pub(crate) fn hunt(root: &Path) -> anyhow::Result<()> {
    run(tests(root).args(["--features", "planted", "sim::hunt", "--", "--nocapture"]))
}

fn tests(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo.args(["test", "--profile", "fast", "--package", "connwarden-engine", "--test", "it"]);
    cargo
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().context("cargo")?;
    if !status.success() {
        bail!("the simulator: {status}");
    }
    Ok(())
}
