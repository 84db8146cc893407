//! What the planner itself costs: a budget of 1,000 services, and ten simulated minutes at 1,000 requests per second.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::proc::Machine;
use crate::report::{self, Table};

/// Services of the budget.
const SERVICES: usize = 1_000;

/// Time of the planner's commands, from start to end of the process.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program.
    #[arg(long, default_value = "target/release/connwarden")]
    connwarden: PathBuf,
    /// Runs of each.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Where the results go as JSON; default target/bench/plan.json.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

/// Runs the commands by turns.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(args.rounds > 0, "at least one round");
    let folder = tempfile::Builder::new().prefix("connwarden-bench-").tempdir()?;
    let written = |name: &str, text: String| -> anyhow::Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let manifests = written("manifests.yaml", manifests())?;
    let compose = written("compose.yaml", compose())?;
    let played = [
        "plan",
        "simulate",
        "--rate",
        "1000",
        "--hold",
        "20ms",
        "--compare",
        "25",
        "--duration",
        "10m",
        "-o",
        "json",
    ];
    let commands: [(&str, Vec<&str>); 3] = [
        ("1,000 Deployments", vec!["plan", "check", "-f", &manifests, "--max-connections", "100000"]),
        ("1,000 compose services", vec!["plan", "check", "-f", &compose, "--max-connections", "100000"]),
        ("10 minutes at 1,000 per second", played.to_vec()),
    ];
    let mut times = vec![Vec::new(); commands.len()];
    for _ in 0..args.rounds {
        for ((_, command), times) in commands.iter().zip(&mut times) {
            times.push(timed(&args.connwarden, command)?);
        }
    }
    let mut table = Table::new(&["", "median", "least", "most"]);
    for ((name, _), times) in commands.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let ms = |at: usize| format!("{:.0} ms", times[at]);
        table.row(vec![(*name).to_owned(), ms(times.len() / 2), ms(0), ms(times.len() - 1)]);
    }
    let results: Vec<_> =
        commands.iter().zip(&times).map(|((name, _), times)| json!({ "what": name, "ms": times })).collect();
    report::publish(
        "plan",
        args.json.as_deref(),
        &table,
        &json!({ "machine": Machine::look(), "services": SERVICES }),
        &json!(results),
    )
}

/// Milliseconds from start to end. What it says of the sums is not asked for, only that it says something.
fn timed(program: &Path, arguments: &[&str]) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let ran =
        Command::new(program).args(arguments).output().with_context(|| program.display().to_string())?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let told = String::from_utf8_lossy(&ran.stderr);
    ensure!(
        !ran.stdout.is_empty() && ran.status.code().is_some_and(|code| code < 3),
        "{arguments:?}: {told}"
    );
    Ok(ms)
}

fn manifests() -> String {
    let mut text = String::new();
    for number in 0..SERVICES {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: svc-{number}}}\nspec:\n  replicas: 3\n  template:\n    spec:\n      \
             containers:\n        - name: app\n          image: example/app:{number}\n          command: [gunicorn, -w, \"4\", shop.wsgi]\n          env:\n            \
             - {{name: DATABASE_URL, value: \"postgres://app@db:5432/shop\"}}\n            - {{name: DB_MAX_CONNS, value: \"10\"}}\n"
        );
    }
    text
}

fn compose() -> String {
    let mut text = String::from("services:\n");
    for number in 0..SERVICES {
        let _ = write!(
            text,
            "  svc-{number}:\n    image: example/app:{number}\n    command: gunicorn -w 4 shop.wsgi\n    deploy: {{replicas: 3}}\n    environment:\n      \
             DATABASE_URL: postgres://app@db:5432/shop\n      DB_MAX_CONNS: 10\n"
        );
    }
    text
}
