//! Whether the simulation says what a real server does: the same loads and pool sizes, measured and simulated.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::arena::backend::{Backend, Tools};
use crate::arena::{self, DBNAME, USER};
use crate::proc::Machine;
use crate::report::{self, Table};

/// Waits shorter than this are no waits: timers and schedulers are not finer.
const NO_WAIT_S: f64 = 0.001;

/// A load: what is asked, and how often.
struct Load {
    name: &'static str,
    script: &'static str,
    how: [&'static str; 2],
}

/// Holds of sleep, of work on the server, of the application's own time, alike and various; by rate and by clients.
const LOADS: [Load; 6] = [
    Load {
        name: "10 ms of sleep, 40 clients",
        script: "select pg_sleep(0.010);\n",
        how: ["--clients", "40"],
    },
    Load {
        name: "2 to 40 ms of sleep, 250 per s",
        script: "\\set ms random(2, 40)\nselect pg_sleep(:ms / 1000.0);\n",
        how: ["--rate", "250"],
    },
    Load {
        name: "some 4 ms of work, 150 per s",
        script: "select count(*) from generate_series(1, 40000);\n",
        how: ["--rate", "150"],
    },
    Load {
        name: "some 4 ms of work, 40 clients",
        script: "select count(*) from generate_series(1, 40000);\n",
        how: ["--clients", "40"],
    },
    Load {
        name: "work and 15 ms of the application, 150 per s",
        script: "begin;\nselect count(*) from generate_series(1, 20000);\n\\sleep 15 ms\nselect count(*) from generate_series(1, 20000);\ncommit;\n",
        how: ["--rate", "150"],
    },
    Load {
        name: "work of various length, 100 per s",
        script: "\\set n random(5000, 150000)\nselect count(*) from generate_series(1, :n);\n",
        how: ["--rate", "100"],
    },
];

/// The simulation beside a real server.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program.
    #[arg(long, default_value = "target/release/connwarden")]
    connwarden: PathBuf,
    /// Pool sizes.
    #[arg(long, default_value = "2,4,8,16")]
    sizes: String,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// When started as root: the user to run the server as.
    #[arg(long, default_value = "postgres")]
    run_as: String,
    /// The folder of PostgreSQL's programs.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    pg_bin: PathBuf,
    /// A folder for a picture of each load.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Where the results go as JSON; default target/bench/agreement.json.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

/// One size of one load.
struct Row {
    cells: Vec<String>,
    throughput_off: f64,
    wait_off: f64,
}

/// Plays every load with every size.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (folder, terms) = arena::ground(&args.run_as)?;
    let tools = Tools { folder: args.pg_bin.clone() };
    let backend = Backend::postgres_for(&terms, &tools, folder.path(), 100)?;
    let mut rows = Vec::new();
    let mut results = Vec::new();
    for (number, load) in LOADS.iter().enumerate() {
        eprintln!("{}", load.name);
        let script =
            std::env::temp_dir().join(format!("connwarden-agreement-{}-{number}.sql", std::process::id()));
        std::fs::write(&script, load.script)?;
        let document = measured(args, &backend, load, &script, number);
        std::fs::remove_file(&script)?;
        let document = document?;
        for row in document["rows"].as_array().context("rows")? {
            rows.push(compared(load, row)?);
        }
        results.push(json!({ "load": load.name, "script": load.script, "document": document }));
    }
    let mut table = Table::new(&["load", "pool", "per s", "simulated", "wait p99", "simulated"]);
    let mut throughput: Vec<f64> = rows.iter().map(|row| row.throughput_off).collect();
    let mut wait: Vec<f64> = rows.iter().map(|row| row.wait_off).collect();
    for row in rows {
        table.row(row.cells);
    }
    let circumstances =
        json!({ "machine": Machine::look(), "server": backend.version, "seconds": args.seconds });
    report::publish("agreement", args.json.as_deref(), &table, &circumstances, &json!(results))?;
    println!(
        "median error: {:.1} % in throughput, {:.1} % in the p99 of the wait (waits below 1 ms count as none), {} rows",
        100.0 * crate::stats::median(&mut throughput),
        100.0 * crate::stats::median(&mut wait),
        wait.len()
    );
    Ok(())
}

fn measured(
    args: &Args,
    backend: &Backend,
    load: &Load,
    script: &std::path::Path,
    number: usize,
) -> anyhow::Result<Value> {
    let mut command = Command::new(&args.connwarden);
    command.args(["plan", "measure", "-h", "127.0.0.1", "-p", &backend.port.to_string(), "-U", USER]);
    command.args(["--dbname", DBNAME, "--compare", &args.sizes, "--duration", &format!("{}s", args.seconds)]);
    command.args(load.how).arg("--script").arg(script).args(["-o", "json", "--timeout", "60s"]);
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder)?;
        command.arg("--svg").arg(folder.join(format!("load-{}.svg", number + 1)));
    }
    let ran = command.output().with_context(|| args.connwarden.display().to_string())?;
    ensure!(ran.status.success(), "{}: {}", load.name, String::from_utf8_lossy(&ran.stderr));
    Ok(serde_json::from_slice(&ran.stdout)?)
}

fn compared(load: &Load, row: &Value) -> anyhow::Result<Row> {
    let of = |side: &str, what: &str| row[side][what].as_f64().with_context(|| format!("{side}.{what}"));
    let done = (of("measured", "throughput_per_s")?, of("simulated", "throughput_per_s")?);
    let wait = (of("measured", "wait_p99_s")?, of("simulated", "wait_p99_s")?);
    let off = |(measured, simulated): (f64, f64)| (simulated / measured.max(1e-9) - 1.0).abs();
    let ms = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
    let none = wait.0 < NO_WAIT_S && wait.1 < NO_WAIT_S;
    Ok(Row {
        cells: vec![
            load.name.to_owned(),
            row["pool_size"].to_string(),
            format!("{:.0}", done.0),
            format!("{:.0}", done.1),
            ms(wait.0),
            ms(wait.1),
        ],
        throughput_off: off(done),
        wait_off: if none { 0.0 } else { off(wait) },
    })
}
