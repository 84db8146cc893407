//! Instructions of the proxy for one transaction: the figure that no busy machine can blur.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::{self, Arena};
use crate::load::fleet::Until;
use crate::load::outcome::Outcome;
use crate::load::script::Protocol;
use crate::report::{self, Table};

/// Instructions of the proxy per transaction and per message, counted by callgrind before the null server.
///
/// Each figure is the difference of a long and a short run, so that start, logins and end cancel out.
/// The kernel's share is not in it: see syscalls.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arena: arena::Args,
    /// One protocol instead of all three.
    #[arg(short = 'M', long, value_enum)]
    protocol: Option<Protocol>,
    /// With one client every wake-up brings one event, and counts repeat.
    #[arg(short, long, default_value_t = 1)]
    clients: usize,
    /// Transactions of the short run.
    #[arg(long, default_value_t = 1_000)]
    short: u64,
    /// Transactions of the long run.
    #[arg(long, default_value_t = 6_000)]
    long: u64,
    /// Compare --proxy with the figures in this file; exit with 1 when one is off.
    #[arg(long, value_name = "PATH")]
    figures: Option<PathBuf>,
    /// How far off a figure may be, in percent, up or down.
    #[arg(long, default_value_t = 2.0)]
    tolerance: f64,
    /// Write the figures of --proxy into the file of --figures instead of comparing.
    #[arg(long, requires = "figures")]
    update: bool,
}

/// What one transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cost {
    instructions_per_transaction: f64,
    instructions_per_message: f64,
    messages_per_transaction: f64,
}

/// The committed file: costs by protocol.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    protocols: BTreeMap<String, Cost>,
}

/// Counts for each contestant and protocol; `false` when a figure is off.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    ensure!(args.short < args.long, "--long must be more than --short");
    let arena = Arena::open(&args.arena, Kind::Null, args.clients)?;
    let mut table = Table::new(&["protocol", "proxy", "instructions per transaction", "per message"]);
    let mut results = Vec::new();
    let mut ours = Figures::default();
    for protocol in Protocol::ALL.into_iter().filter(|&one| args.protocol.is_none_or(|wanted| wanted == one))
    {
        for (at, contestant) in arena.contestants().iter().enumerate() {
            let cost = measure(&arena, at, protocol, args)?;
            table.row(vec![
                protocol.name().to_owned(),
                contestant.name.clone(),
                format!("{:.0}", cost.instructions_per_transaction),
                format!("{:.0}", cost.instructions_per_message),
            ]);
            results.push(json!({ "protocol": protocol, "proxy": contestant.name, "cost": cost }));
            if at == 0 {
                ours.protocols.insert(protocol.name().to_owned(), cost);
            }
        }
    }
    report::publish(
        "callgrind",
        args.arena.json.as_deref(),
        &table,
        &arena.circumstances(),
        &json!(results),
    )?;
    match &args.figures {
        None => Ok(true),
        Some(file) if args.update => update(file, ours).map(|()| true),
        Some(file) => compare(file, &ours, args.tolerance),
    }
}

fn measure(arena: &Arena, at: usize, protocol: Protocol, args: &Args) -> anyhow::Result<Cost> {
    let (short, _) = count(arena, at, protocol, args.clients, args.short)?;
    let (long, outcome) = count(arena, at, protocol, args.clients, args.long)?;
    let transactions = (args.long - args.short) as f64;
    let instructions_per_transaction = (long as f64 - short as f64) / transactions;
    let messages_per_transaction = outcome.messages as f64 / outcome.count() as f64;
    Ok(Cost {
        instructions_per_transaction,
        instructions_per_message: instructions_per_transaction / messages_per_transaction,
        messages_per_transaction,
    })
}

/// Instructions of a whole life with this many transactions in it.
fn count(
    arena: &Arena,
    at: usize,
    protocol: Protocol,
    clients: usize,
    transactions: u64,
) -> anyhow::Result<(u64, Outcome)> {
    let name = &arena.contestants()[at].name;
    eprintln!("{} {name}: {transactions} transactions under callgrind", protocol.name());
    // In the contestant's own folder: the program runs as another user than this one.
    let file = arena.folder().join(name).join("callgrind.out");
    let _ = fs::remove_file(&file);
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(&file);
    let wrapper = vec!["valgrind".into(), "--tool=callgrind".into(), "--quiet".into(), out];
    let proxy = arena.start_one(at, wrapper)?;
    let outcome = super::fleet(&proxy, clients, protocol)?.run(Until::Transactions(transactions))?;
    let tail = proxy.log_tail();
    proxy.stop()?;
    let text = fs::read_to_string(&file)
        .with_context(|| format!("callgrind wrote nothing; the log ends:\n{tail}"))?;
    let total = total_in(&text).context("callgrind's file has no totals")?;
    Ok((total, outcome))
}

/// `totals:` closes the file and counts all threads.
fn total_in(text: &str) -> Option<u64> {
    text.lines().rev().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

fn update(file: &Path, ours: Figures) -> anyhow::Result<()> {
    // Protocols that were not measured keep their figures.
    let mut figures = if file.exists() { load(file)? } else { Figures::default() };
    figures.protocols.extend(ours.protocols);
    fs::write(file, format!("{}\n", serde_json::to_string_pretty(&figures)?))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

fn load(file: &Path) -> anyhow::Result<Figures> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read {} (--update writes it)", file.display()))?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

fn compare(file: &Path, ours: &Figures, tolerance: f64) -> anyhow::Result<bool> {
    let committed = load(file)?;
    let mut passed = true;
    for (protocol, cost) in &ours.protocols {
        let Some(known) = committed.protocols.get(protocol) else {
            eprintln!("failed: {} has no figure for {protocol} (--update writes it)", file.display());
            passed = false;
            continue;
        };
        let percent = 100.0 * (cost.instructions_per_transaction / known.instructions_per_transaction - 1.0);
        let holds = percent.abs() <= tolerance;
        eprintln!(
            "{}: {protocol} {percent:+.2} % of the committed figure",
            if holds { "ok" } else { "failed" }
        );
        passed &= holds;
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_last_one() {
        assert_eq!(total_in("events: Ir\nsummary: 5\nfn=1\n\ntotals: 1234\n"), Some(1234));
    }
}
