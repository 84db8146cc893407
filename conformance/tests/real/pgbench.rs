//! pgbench: many clients on few servers, in every protocol.

use anyhow::{Context, Result, ensure};

use crate::bed::{Bed, DATABASE, figure, is_direct, long, said};

const CLIENTS: u32 = 100;
const SERVERS: u32 = 10;

fn furnished(servers: u32, clients: u32) -> Result<Bed> {
    let bed = Bed::open(servers, clients)?;
    let scale = long("2", "50");
    said(bed.direct_tool("pgbench")?.args(["-i", "-q", "-s", scale, DATABASE]))?;
    Ok(bed)
}

/// Runs pgbench and checks that it did all it should, without an error.
fn bench(bed: &mut Bed, name: &str, clients: u32, short: u32, arguments: &[&str]) -> Result<()> {
    let mut pgbench = bed.tool("pgbench")?;
    let (clients, short) = (clients.to_string(), short.to_string());
    pgbench
        .args(["-n", "-c", &clients])
        .args(long(["-t", &short], ["-T", "60"]))
        .args(arguments)
        .arg(DATABASE);
    let (out, err) = said(&mut pgbench)?;
    let line = |start: &str| out.lines().find_map(|line| line.strip_prefix(start)).map(str::trim);
    let failed = line("number of failed transactions: ").context("a count of failures")?;
    ensure!(failed.starts_with("0 "), "{name}: {failed} failed\n{out}\n{err}");
    ensure!(!err.contains("error") && !err.contains("aborted"), "{name}: {err}");
    let processed = line("number of transactions actually processed: ").context("a count")?;
    if let Some((done, wanted)) = processed.split_once('/') {
        ensure!(done == wanted, "{name}: {processed} transactions\n{err}");
    }
    let tps = line("tps = ").and_then(|rest| rest.split_whitespace().next()).unwrap_or("?");
    let latency = line("latency average = ").unwrap_or("?");
    figure(name, format!("{clients} clients, {tps} transactions/s, mean {latency}, {failed} failed"));
    bed.check_pool()?;
    bed.check_alive()
}

#[test]
fn selects_in_every_protocol_lose_no_transaction() -> Result<()> {
    let (clients, servers) = if is_direct() { (20, 20) } else { long((CLIENTS, SERVERS), (2000, 20)) };
    let mut bed = furnished(servers, clients)?;
    for protocol in ["simple", "extended", "prepared"] {
        bench(
            &mut bed,
            &format!("select-only {protocol}"),
            clients,
            300,
            &["-S", "-j", "4", "-M", protocol],
        )?;
    }
    Ok(())
}

/// Prepared TPC-B needs a thread for each client: a thread that waits in Parse for one of its clients cannot go on with
/// another that holds the server.
#[test]
fn tpc_b_adds_up_in_every_protocol() -> Result<()> {
    let clients = if is_direct() { 20 } else { long(40, 400) };
    let mut bed = furnished(long(SERVERS, 20), clients)?;
    bench(&mut bed, "TPC-B simple", clients, 40, &["-j", "4", "-M", "simple"])?;
    bench(&mut bed, "TPC-B extended", clients, 40, &["-j", "4", "-M", "extended"])?;
    bench(&mut bed, "TPC-B prepared", clients.min(40), 40, &["-j", "40", "-M", "prepared"])?;
    let sums = bed.value(
        "select count(distinct sum) || ' ' || min(sum) from (
            select sum(abalance) as sum from pgbench_accounts
            union all select sum(tbalance) from pgbench_tellers
            union all select sum(bbalance) from pgbench_branches
            union all select sum(delta) from pgbench_history) as sums",
    )?;
    ensure!(sums.starts_with("1 "), "balances differ: {sums}");
    Ok(())
}

#[test]
fn clients_that_come_and_go_are_all_served() -> Result<()> {
    let clients = if is_direct() { 20 } else { 60 };
    let mut bed = furnished(5, clients)?;
    bench(&mut bed, "a connection for each transaction", clients, 20, &["-S", "-C", "-j", "4"])
}

/// Pipelines written by libpq.
#[test]
fn a_pipelining_script_loses_nothing() -> Result<()> {
    let clients = if is_direct() { 20 } else { CLIENTS };
    let mut bed = furnished(SERVERS, clients)?;
    let script = testbed::Folder::create()?;
    let file = script.write(
        "pipeline.sql",
        "\\set a random(1, 100000)\n\\startpipeline\nselect abalance from pgbench_accounts where aid = :a;\n\
         select :a + 1;\nselect 2;\n\\endpipeline\n",
    )?;
    let file = file.display().to_string();
    for protocol in ["extended", "prepared"] {
        // Each thread waits in Parse for one client at a time; with transactions of one batch that is no trouble.
        bench(
            &mut bed,
            &format!("pipeline {protocol}"),
            clients,
            50,
            &["-f", &file, "-j", "4", "-M", protocol],
        )?;
    }
    Ok(())
}
