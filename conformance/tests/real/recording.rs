//! RECORD on the console, under pgbench and our own load, on two workers: the trace agrees with the counters.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::Value;
use testbed::load::{self, Plan};
use testbed::proxy::Wanted;
use testbed::wait::PATIENCE;
use testbed::{Batch, Client, Folder, Login};

use crate::bed::{Bed, DATABASE, USER, is_direct, said};

const SERVERS: u32 = 3;
/// The second pool.
const OTHER: &str = "postgres";
/// Columns of SHOW STATS_TOTALS.
const ASSIGNMENTS: usize = 1;
const WAIT_TIME: usize = 8;

fn bed() -> Result<Bed> {
    let mut wanted = Wanted::new("transaction", SERVERS, DATABASE)
        .line("workers = 2")
        .line(&format!("[admin]\nadmin_users = [\"{USER}\"]"));
    wanted.databases.push(OTHER.to_owned());
    let bed = Bed::open_with(wanted, 20)?;
    said(bed.direct_tool("pgbench")?.args(["-i", "-q", "-s", "1", DATABASE]))?;
    Ok(bed)
}

fn console(bed: &Bed) -> Result<Client> {
    Ok(Client::login(&bed.address()?, &Login::new(USER, "connwarden"))?)
}

/// A counter of each database.
fn counters(console: &mut Client, column: usize) -> Result<BTreeMap<String, u64>> {
    let mut counters = BTreeMap::new();
    for row in console.query("SHOW STATS_TOTALS")? {
        let cell = |at: usize| row.get(at).cloned().flatten().context("a cell");
        counters.insert(cell(0)?, cell(column)?.parse()?);
    }
    Ok(counters)
}

fn waiting(console: &mut Client) -> Result<u64> {
    let rows = console.query("SHOW POOLS")?;
    Ok(rows.iter().filter_map(|row| row.get(3)?.as_ref()?.parse::<u64>().ok()).sum())
}

fn until(mut is: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is()? {
        ensure!(std::time::Instant::now() < deadline, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The file's first line, its checkouts, and its last line.
fn trace(file: &Path) -> Result<(Value, Vec<Value>, Value)> {
    let text = std::fs::read_to_string(file)?;
    for word in ["abalance", "127.0.0.1", "pgbench", "elect"] {
        ensure!(!text.contains(word), "{word} is in the trace");
    }
    let mut lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let last = lines.pop().context("a last line")?;
    ensure!(!lines.is_empty(), "a first line");
    let first = lines.remove(0);
    ensure!(first["schema"] == "connwarden.trace/1", "{first}");
    Ok((first, lines, last))
}

fn number(line: &Value, key: &str) -> Result<u64> {
    line[key].as_u64().with_context(|| format!("{key} of {line}"))
}

/// Everybody has a server; one waits for another, and leaves.
fn gives_up(bed: &Bed, console: &mut Client) -> Result<Vec<Client>> {
    let mut holders = Vec::new();
    for _ in 0..SERVERS {
        let mut holder = bed.client()?;
        holder.query("begin")?;
        holders.push(holder);
    }
    let mut waiter = bed.client()?;
    waiter.send(&Batch::new().query("select 1"))?;
    until(|| Ok(waiting(console)? == 1))?;
    drop(waiter);
    until(|| Ok(waiting(console)? == 0))?;
    Ok(holders)
}

#[test]
fn a_trace_agrees_with_the_counters_and_tells_nothing_else() -> Result<()> {
    if is_direct() {
        return Ok(());
    }
    let (mut bed, folder) = (bed()?, Folder::create()?);
    let file = folder.join("trace.jsonl");
    let mut console = console(&bed)?;
    // Both pools are there, on a worker each.
    bed.client()?.query("select 1")?;
    Client::login(&bed.address()?, &Login::new(USER, OTHER))?.query("select 1")?;
    let before = (counters(&mut console, ASSIGNMENTS)?, counters(&mut console, WAIT_TIME)?);
    console.query(&format!("RECORD '{}' FOR 5m", file.display()))?;

    let plan = Plan {
        clients: 6,
        lasts: Duration::from_millis(400),
        login: Login::new(USER, OTHER),
        transaction: ["begin", "select pg_sleep(0.002)", "commit"].map(str::to_owned).to_vec(),
    };
    let address = bed.address()?;
    let other = std::thread::spawn(move || load::run(&address, &plan));
    said(
        bed.tool("pgbench")?
            .args(["-n", "-S", "-c", "12", "-j", "2", "-t", "200", "-M", "prepared", DATABASE]),
    )?;
    console.query("RELOAD")?;
    said(bed.tool("pgbench")?.args(["-n", "-N", "-c", "5", "-t", "20", DATABASE]))?;
    let other = other.join().ok().context("the load ran")?;
    ensure!(other.refused == 0, "{:?}", other.words);
    let mut holders = gives_up(&bed, &mut console)?;
    holders.pop().context("a holder")?.query("rollback")?;
    let after = (counters(&mut console, ASSIGNMENTS)?, counters(&mut console, WAIT_TIME)?);
    console.query("RECORD STOP")?;

    let (first, lines, last) = trace(&file)?;
    ensure!(number(&first, "seconds")? == 300, "{first}");
    ensure!(last["ended"] == "stopped" && number(&last, "dropped")? == 0, "{last}");
    ensure!(number(&last, "checkouts")? == lines.len() as u64, "{last}: {} lines", lines.len());
    // Two still hold their servers.
    ensure!(number(&last, "unfinished")? == 2, "{last}");
    let span = 300_000_000;
    for database in [DATABASE, OTHER] {
        let pool = format!("{database}/{USER}");
        let of_pool: Vec<_> = lines.iter().filter(|line| line["pool"] == pool.as_str()).collect();
        let gave_up = of_pool.iter().filter(|line| line["gave_up"] == true).count() as u64;
        let unfinished = if database == DATABASE { 2 } else { 0 };
        let lent = after.0[database] - before.0[database];
        let served = of_pool.len() as u64 - gave_up + unfinished;
        ensure!(served == lent, "{pool}: {served} in the trace, {lent} lent");
        ensure!(gave_up == u64::from(database == DATABASE), "{pool}: {gave_up} gave up");
        let mut waited = 0;
        for line in &of_pool {
            waited += number(line, "wait_us")?;
            let held = if line["gave_up"] == true { 0 } else { number(line, "hold_us")? };
            ensure!(number(line, "at_us")? + number(line, "wait_us")? + held < span, "{line}");
        }
        let counted = after.1[database] - before.1[database];
        ensure!(waited == counted, "{pool}: waited {waited} us, counted {counted} us");
    }
    // Six clients for three servers, each for two milliseconds and more.
    let held = lines.iter().filter(|line| line["pool"] == format!("{OTHER}/{USER}").as_str());
    let held: Vec<u64> = held.map(|line| number(line, "hold_us")).collect::<Result<_>>()?;
    let sleeps = held.iter().filter(|held| **held >= 2_000).count();
    ensure!(sleeps >= other.took.len(), "{sleeps} of {} held for 2 ms", held.len());
    drop(holders);
    bed.check_alive()
}

#[test]
fn a_proxy_that_ends_leaves_a_whole_trace() -> Result<()> {
    if is_direct() {
        return Ok(());
    }
    let (mut bed, folder) = (bed()?, Folder::create()?);
    let file = folder.join("trace.jsonl");
    let mut console = console(&bed)?;
    let locked = folder.join("locked");
    std::fs::create_dir(&locked)?;
    std::fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o500))?;
    let refused = console.query(&format!("RECORD '{}/x' FOR 5m", locked.display()));
    let Err(refused) = refused else { bail!("a file where none may be") };
    ensure!(refused.to_string().contains("Permission denied"), "{refused}");

    console.query(&format!("RECORD '{}' FOR 5m", file.display()))?;
    said(bed.tool("pgbench")?.args(["-n", "-S", "-c", "4", "-t", "50", DATABASE]))?;
    let proxy = bed.proxy.as_mut().context("a proxy")?;
    proxy.signal(Signal::TERM)?;
    let status = proxy.wait(PATIENCE)?;
    ensure!(status.success(), "{status}\n{}", proxy.log());
    let (_, lines, last) = trace(&file)?;
    ensure!(last["ended"] == "shutdown" && number(&last, "dropped")? == 0, "{last}");
    ensure!(lines.len() >= 200 && number(&last, "checkouts")? == lines.len() as u64, "{last}");
    ensure!(number(&last, "unfinished")? == 0, "{last}");
    for said in ["recording checkouts for 5m into", "is over (shutdown)"] {
        ensure!(proxy.log().contains(said), "{}", proxy.log());
    }
    Ok(())
}
