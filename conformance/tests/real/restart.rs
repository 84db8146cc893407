//! The server goes away under load and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testbed::{Client, Login};

use crate::bed::{Bed, DATABASE, USER, figure, is_direct, long};

#[derive(Default)]
struct Score {
    served: AtomicU64,
    errors: AtomicU64,
    foreign: AtomicU64,
}

#[test]
fn a_restarted_server_serves_everybody_again() -> Result<()> {
    let clients = long(30, 200);
    let mut bed = Bed::open(6, clients)?;
    let address = bed.address()?;
    let enough = Arc::new(AtomicBool::new(false));
    let score = Arc::new(Score::default());
    let threads: Vec<_> = (0..clients)
        .map(|number| {
            let (address, enough, score) = (address.clone(), Arc::clone(&enough), Arc::clone(&score));
            std::thread::spawn(move || {
                let mut client: Option<Client> = None;
                let mut turn = 0_u64;
                while !enough.load(Ordering::Relaxed) {
                    let Some(open) = client.as_mut() else {
                        client = Client::login(&address, &Login::new(USER, DATABASE)).ok();
                        if client.is_none() {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        continue;
                    };
                    turn += 1;
                    let own = format!("{number}-{turn}");
                    match open.value(&format!("select '{own}'")) {
                        Ok(answer) if answer == own => score.served.fetch_add(1, Ordering::Relaxed),
                        Ok(_) => score.foreign.fetch_add(1, Ordering::Relaxed),
                        Err(_) => {
                            client = None;
                            score.errors.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            })
        })
        .collect();

    let mut back = Vec::new();
    for turn in 0..long(4, 20) {
        std::thread::sleep(Duration::from_millis(400));
        // In good order and as in a crash, in turns.
        if turn % 2 == 0 {
            bed.postgres.stop()?
        } else {
            bed.postgres.crash()
        }
        std::thread::sleep(Duration::from_millis(200));
        bed.postgres.start_again()?;
        let (started, before) = (Instant::now(), score.served.load(Ordering::Relaxed));
        testbed::wait::until("clients are served again", Duration::from_secs(20), || {
            Ok((score.served.load(Ordering::Relaxed) > before + u64::from(clients)).then_some(()))
        })?;
        back.push(started.elapsed());
    }
    enough.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
    }
    let (served, errors) = (score.served.load(Ordering::Relaxed), score.errors.load(Ordering::Relaxed));
    let slowest = back.iter().max().copied().unwrap_or_default();
    figure(
        "server restarts",
        format!("{} restarts, {served} queries, {errors} errors, slowest return {slowest:.1?}", back.len()),
    );
    ensure!(score.foreign.load(Ordering::Relaxed) == 0, "foreign answers");
    bed.check_pool()?;
    bed.check_alive()
}

/// Clients that are idle while the server restarts notice nothing.
#[test]
fn idle_clients_live_through_a_restart() -> Result<()> {
    if is_direct() {
        // Without a proxy they do not; there is nothing to try the test with.
        return Ok(());
    }
    let mut bed = Bed::open(4, 10)?;
    let mut clients: Vec<Client> = (0..10).map(|_| bed.client()).collect::<Result<_>>()?;
    for client in &mut clients {
        client.query("select 1")?;
    }
    bed.postgres.stop()?;
    bed.postgres.start_again()?;
    for (number, client) in clients.iter_mut().enumerate() {
        let answer = client.value(&format!("select {number}"));
        ensure!(answer.as_deref().ok() == Some(&number.to_string()), "client {number}: {answer:?}");
    }
    Ok(())
}
