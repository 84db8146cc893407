//! System calls of the proxy for one transaction: what its loop costs, without a clock.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::contestant::Running;
use crate::arena::pgbench::{self, Work};
use crate::arena::{self, Arena};
use crate::child::{Child, Terms};
use crate::load::script::Protocol;
use crate::report::{self, Table};

/// System calls of the proxy per transaction, counted by `strace -c -f` under `pgbench -S -t`.
///
/// Each figure is the difference of a long and a short run, so that logins cancel out.
/// strace slows a proxy down; more events meet it in one wake-up than otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arena: arena::Args,
    /// One protocol instead of all three.
    #[arg(short = 'M', long, value_enum)]
    protocol: Option<Protocol>,
    #[arg(short, long, default_value_t = 64)]
    clients: usize,
    /// Transactions of each client in the short run.
    #[arg(long, default_value_t = 10)]
    short: u64,
    /// Transactions of each client in the long run.
    #[arg(long, default_value_t = 110)]
    long: u64,
    /// Exit with 1 when --proxy makes more system calls per transaction than this.
    #[arg(long)]
    max: Option<f64>,
}

/// Calls by name.
type Calls = Vec<(String, u64)>;

/// Counts for each contestant and protocol; `false` when the gate is shut.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    ensure!(args.short < args.long, "--long must be more than --short");
    let mut arena = Arena::open(&args.arena, Kind::Postgres, args.clients)?;
    let circumstances = arena.circumstances();
    arena.start()?;
    let mut table = Table::new(&["protocol", "proxy", "calls per transaction", "of which"]);
    let mut results = Vec::new();
    let mut passed = true;
    for protocol in Protocol::ALL.into_iter().filter(|&one| args.protocol.is_none_or(|wanted| wanted == one))
    {
        for (at, proxy) in arena.running().iter().enumerate() {
            eprintln!("{} {}: counting system calls", protocol.name(), proxy.name);
            let calls = per_transaction(&arena, proxy, protocol, args)?;
            let total: f64 = calls.iter().map(|(_, count)| count).sum();
            if at == 0 && args.max.is_some_and(|max| total > max) {
                passed = false;
            }
            let shares: Vec<_> = calls
                .iter()
                .filter(|(_, count)| *count >= 0.005)
                .map(|(name, count)| format!("{name} {count:.2}"))
                .collect();
            let name = proxy.name.clone();
            table.row(vec![protocol.name().to_owned(), name, format!("{total:.2}"), shares.join(", ")]);
            let calls: serde_json::Map<_, _> = calls.into_iter().map(|(name, n)| (name, json!(n))).collect();
            results
                .push(json!({ "protocol": protocol, "proxy": proxy.name, "total": total, "calls": calls }));
        }
    }
    report::publish("syscalls", args.arena.json.as_deref(), &table, &circumstances, &json!(results))?;
    if let (false, Some(max)) = (passed, args.max) {
        eprintln!("failed: more than {max} system calls per transaction");
    }
    Ok(passed)
}

fn per_transaction(
    arena: &Arena,
    proxy: &Running,
    protocol: Protocol,
    args: &Args,
) -> anyhow::Result<Vec<(String, f64)>> {
    let load = |count| {
        pgbench::select_only(&arena.tools, proxy.port, protocol, args.clients, Work::Transactions(count))
    };
    // The pool fills and statements become known.
    load(args.short.max(1))?;
    let count = |work: u64| traced(arena.folder(), proxy, || load(work));
    let (short_calls, short) = count(args.short)?;
    let (long_calls, long) = count(args.long)?;
    let more = (long - short) as f64;
    let mut calls: Vec<_> = long_calls
        .into_iter()
        .map(|(name, count)| {
            let before = short_calls.iter().find(|(known, _)| *known == name).map_or(0, |&(_, count)| count);
            (name, (count as f64 - before as f64) / more)
        })
        .collect();
    calls.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(calls)
}

/// Runs `load` while strace is attached; the calls and what `load` returns.
fn traced(
    folder: &Path,
    proxy: &Running,
    load: impl FnOnce() -> anyhow::Result<u64>,
) -> anyhow::Result<(Calls, u64)> {
    let file = folder.join("strace.txt");
    let _ = fs::remove_file(&file);
    let pid = proxy.pid().to_string();
    let argv = ["strace", "-c", "-f", "-p", &pid, "-o", &file.display().to_string()].map(str::to_owned);
    let mut strace = Child::spawn("strace", &argv, &Terms::default(), folder, Signal::INT)?;
    wait_until_traced(proxy.pid()).with_context(|| format!("strace says: {}", strace.log_tail()))?;
    let transactions = load()?;
    strace.stop(Duration::from_secs(10))?;
    let text =
        fs::read_to_string(&file).with_context(|| format!("strace wrote nothing: {}", strace.log_tail()))?;
    Ok((calls_in(&text), transactions))
}

/// Every thread has a tracer.
fn wait_until_traced(pid: u32) -> anyhow::Result<()> {
    for _ in 0..500 {
        std::thread::sleep(Duration::from_millis(10));
        let traced = fs::read_dir(format!("/proc/{pid}/task"))?.try_fold(true, |all, task| {
            let status = fs::read_to_string(task?.path().join("status"))?;
            let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
            anyhow::Ok(all && tracer.is_some_and(|tracer| tracer.trim() != "0"))
        })?;
        if traced {
            return Ok(());
        }
    }
    bail!("strace does not attach to process {pid}");
}

/// Lines of `strace -c`: share, seconds, usecs/call, calls, [errors], name.
fn calls_in(text: &str) -> Calls {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let name = *fields.last()?;
            let number = fields.len() >= 5 && fields[0].parse::<f64>().is_ok() && name != "total";
            number.then(|| Some((name.to_owned(), fields[3].parse().ok()?)))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_with_and_without_errors() {
        let text = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.120000           4     30000           sendto
 40.00    0.080000           2     40000     10000 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.200000           2     70000     10000 total
";
        assert_eq!(calls_in(text), [("sendto".to_owned(), 30000), ("recvfrom".to_owned(), 40000)]);
    }
}
