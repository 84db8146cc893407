//! Cancels at any moment hit nobody but the query they are meant for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use testbed::Client;
use testbed::seeded::Seeded;

use crate::bed::{Bed, figure, long};

#[test]
fn cancels_at_any_moment_hit_nobody_else() -> Result<()> {
    let (seed, _) = Seeded::from_env(57_014);
    let cancels = long(400_u64, 10_000);
    let (cancellers, victims) = (4_u64, 4);
    let mut bed = Bed::open(4, 20)?;
    let address = bed.address()?;
    let enough = Arc::new(AtomicBool::new(false));
    let bystanders: Vec<_> = (0..victims)
        .map(|number| {
            let (address, enough) = (address.clone(), Arc::clone(&enough));
            std::thread::spawn(move || -> Result<u64> {
                let mut client = Client::login(&address, &Bed::login())?;
                let mut queries = 0;
                while !enough.load(Ordering::Relaxed) {
                    // Nobody cancels this client: each error is a foreign cancel, or worse.
                    let own = format!("{number}-{queries}");
                    ensure!(client.value(&format!("select '{own}'"))? == own, "a foreign answer");
                    queries += 1;
                }
                Ok(queries)
            })
        })
        .collect();

    let hits = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..cancellers)
        .map(|number| {
            let (address, hits) = (address.clone(), Arc::clone(&hits));
            std::thread::spawn(move || -> Result<()> {
                let mut seeded = Seeded::new(seed + number);
                let mut client = Client::login(&address, &Bed::login())?;
                for turn in 0..cancels / cancellers {
                    client.send(&testbed::Batch::new().query("select pg_sleep(0.01)"))?;
                    std::thread::sleep(Duration::from_micros(seeded.below(12_000)));
                    client.cancel()?;
                    match client.rows() {
                        Ok(_) => {}
                        Err(error) if error.is_code("57014") => {
                            hits.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => return Err(error.into()),
                    }
                    // The cancel's connection has ended, so it hits nothing any more; not even our own next query.
                    let next = client.value(&format!("select {turn}"))?;
                    ensure!(next == turn.to_string(), "another answer: {next}");
                }
                Ok(())
            })
        })
        .collect();
    let done: Vec<_> = threads.into_iter().map(std::thread::JoinHandle::join).collect();
    enough.store(true, Ordering::Relaxed);
    let mut queries = 0;
    for bystander in bystanders {
        queries += bystander.join().map_err(|_| anyhow::anyhow!("a bystander panicked"))??;
    }
    for thread in done {
        thread.map_err(|_| anyhow::anyhow!("a canceller panicked"))??;
    }
    let hits = hits.load(Ordering::Relaxed);
    figure("cancels", format!("{cancels} sent, {hits} hit their query, 0 hit another among {queries}"));
    ensure!(hits > cancels / 50, "only {hits} of {cancels} hit anything");
    bed.check_alive()
}
