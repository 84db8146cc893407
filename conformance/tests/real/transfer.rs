//! Money that must add up while backends are killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testbed::seeded::Seeded;
use testbed::{Address, Client};

use crate::bed::{Bed, DATABASE, figure, long};

const ACCOUNTS: u64 = 50;

/// What a client knows of one of its transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// COMMIT was answered with COMMIT.
    Done,
    /// An error or an end came before COMMIT was sent.
    Undone,
    /// COMMIT was sent and not answered.
    Unknown,
}

fn one_transfer(client: &mut Client, seeded: &mut Seeded, id: u64) -> Fate {
    let (from, to, amount) = (seeded.below(ACCOUNTS), seeded.below(ACCOUNTS), seeded.below(100));
    // In one order for everybody: no deadlocks to tell apart from kills.
    let first = format!("update accounts set balance = balance - {amount} where id = {from}");
    let second = format!("update accounts set balance = balance + {amount} where id = {to}");
    let (first, second) = if from <= to { (first, second) } else { (second, first) };
    for statement in ["begin", &first, &second, &format!("insert into moves values ({id})")] {
        if client.query(statement).is_err() {
            return Fate::Undone;
        }
    }
    match client.query("commit") {
        Ok(_) => Fate::Done,
        Err(_) => Fate::Unknown,
    }
}

fn banker(address: &Address, number: u64, seed: u64, enough: &AtomicBool) -> BTreeMap<u64, Fate> {
    let mut seeded = Seeded::new(seed ^ number);
    let mut fates = BTreeMap::new();
    let mut client = None;
    while !enough.load(Ordering::Relaxed) {
        let Some(open) = client.as_mut() else {
            client = Client::login(address, &Bed::login()).ok();
            continue;
        };
        let id = number * 1_000_000 + fates.len() as u64;
        let fate = one_transfer(open, &mut seeded, id);
        fates.insert(id, fate);
        if fate != Fate::Done {
            client = None;
        }
    }
    fates
}

#[test]
fn balances_add_up_while_backends_are_killed() -> Result<()> {
    let (seed, mut seeded) = Seeded::from_env(20_240_229);
    let (clients, seconds) = long((20, 5), (100, 60));
    let mut bed = Bed::open(5, clients)?;
    bed.run(&format!(
        "create table accounts as select i as id, 1000 as balance from generate_series(0, {}) as i;
         alter table accounts add primary key (id);
         create table moves (id bigint primary key);
         alter table accounts owner to app; alter table moves owner to app",
        ACCOUNTS - 1
    ))?;
    let address = bed.address()?;
    let enough = Arc::new(AtomicBool::new(false));
    let bankers: Vec<_> = (1..=u64::from(clients))
        .map(|number| {
            let (address, enough) = (address.clone(), Arc::clone(&enough));
            std::thread::spawn(move || banker(&address, number, seed, &enough))
        })
        .collect();

    let mut admin = bed.postgres.admin(DATABASE)?;
    let started = Instant::now();
    let mut kills = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        let rank = seeded.below(5);
        let sql = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' order by pid offset {rank} limit 1"
        );
        kills += admin.query(&sql)?.len();
        std::thread::sleep(Duration::from_millis(20 + seeded.below(80)));
    }
    enough.store(true, Ordering::Relaxed);
    let mut fates = BTreeMap::new();
    for banker in bankers {
        fates.extend(banker.join().map_err(|_| anyhow::anyhow!("a banker panicked"))?);
    }
    drop(admin);

    let sum = bed.value("select sum(balance) from accounts")?;
    ensure!(sum == (ACCOUNTS * 1000).to_string(), "money was made or lost: {sum}");
    let moved: Vec<u64> = bed
        .run("select id from moves")?
        .iter()
        .filter_map(|row| row.first()?.as_deref()?.parse().ok())
        .collect();
    let moved: std::collections::BTreeSet<u64> = moved.into_iter().collect();
    for (id, fate) in &fates {
        match fate {
            Fate::Done => {
                ensure!(moved.contains(id), "transfer {id} was answered with COMMIT and is not there")
            }
            Fate::Undone => {
                ensure!(!moved.contains(id), "transfer {id} failed before its COMMIT and is there")
            }
            Fate::Unknown => {}
        }
    }
    let of = |fate| fates.values().filter(|found| **found == fate).count();
    let (done, undone, unknown) = (of(Fate::Done), of(Fate::Undone), of(Fate::Unknown));
    figure(
        "money transfers",
        format!("{done} done, {undone} undone, {unknown} unknown, {kills} backends killed"),
    );
    ensure!(done > 100 && kills > 5, "too little happened");
    bed.check_pool()?;
    bed.check_alive()
}
