//! The pools of three libraries, each with a connection lent, one at rest, and somebody in line where that is told.

use bb8_postgres::PostgresConnectionManager;
use connwarden_client::{Bb8Pool, DeadpoolPool, PoolStats, SqlxPool, Stats, Status};
use deadpool_postgres::tokio_postgres::NoTls;
use sqlx::Connection;
use sqlx::postgres::PgPoolOptions;
use testbed::{PostgresOptions, wait};

use crate::bed;

fn place(stats: &Stats) -> (u32, u32, u32, u32) {
    (stats.size, stats.idle, stats.in_use, stats.max)
}

/// Until a pool stands so: what is given back is put away by a task of the pool's own.
fn until(pool: &dyn PoolStats, expected: (u32, u32, u32, u32)) -> Stats {
    let what = format!("{} at {expected:?}", pool.name());
    wait::until(&what, wait::PATIENCE, || {
        let stats = pool.stats();
        Ok((place(&stats) == expected).then_some(stats))
    })
    .unwrap()
}

#[test]
fn a_pool_of_sqlx_tells_its_size_and_what_it_has_lent() {
    let (postgres, runtime) = (bed::server(PostgresOptions::default()), bed::runtime());
    runtime.block_on(async {
        let options = PgPoolOptions::new().max_connections(3);
        let pool = options.connect(&bed::url(&postgres, "app")).await.unwrap();
        let adapter = SqlxPool::new("primary", &pool);
        let (mut first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        first.ping().await.unwrap();
        assert_eq!(place(&adapter.stats()), (2, 0, 2, 3));
        drop(second);
        let stats = tokio::task::spawn_blocking(move || until(&adapter, (2, 1, 1, 3))).await.unwrap();
        assert_eq!((stats.waiting, stats.acquired_total), (None, None));
    });
}

#[test]
fn a_pool_of_deadpool_tells_who_waits_and_an_exhausted_one_is_a_warning() {
    let (postgres, runtime) = (bed::server(PostgresOptions::default()), bed::runtime());
    runtime.block_on(async {
        let config = bed::url(&postgres, "app").parse().unwrap();
        let manager = deadpool_postgres::Manager::new(config, NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(1).build().unwrap();
        let monitor =
            bed::builder(&postgres, "watch").pool(DeadpoolPool::new("primary", &pool)).build().unwrap();
        let held = pool.get().await.unwrap();
        let health = monitor.health().await;
        assert_eq!(place(&health.pools[0].stats), (1, 0, 1, 1));
        assert_eq!((health.status, health.pools[0].exhausted), (Status::Ok, false), "nobody waits");
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.get().await.map(drop) }
        });
        while pool.status().waiting == 0 {
            tokio::task::yield_now().await;
        }
        let health = monitor.health().await;
        assert_eq!(health.status, Status::Warning);
        assert_eq!(health.summary, "pool primary: 1 of 1 connections in use, 1 waiting");
        drop(held);
        waiting.await.unwrap().unwrap();
        assert_eq!(place(&monitor.pools()[0].stats), (1, 1, 0, 1));
    });
}

#[test]
fn a_pool_of_bb8_tells_what_it_counted_and_a_scope_what_came_to_it() {
    let (postgres, runtime) = (bed::server(PostgresOptions::default()), bed::runtime());
    runtime.block_on(async {
        let manager = PostgresConnectionManager::new(bed::url(&postgres, "app").parse().unwrap(), NoTls);
        let pool = bb8_postgres::bb8::Pool::builder().max_size(2).build(manager).await.unwrap();
        let monitor = bed::builder(&postgres, "watch").pool(Bb8Pool::new("primary", &pool)).build().unwrap();
        assert_eq!(monitor.connections_max(), 3);
        monitor.health().await;
        let scope = monitor.scope("bulk").warn_growth(0);
        let held = pool.get().await.unwrap();
        drop(pool.get().await.unwrap());
        let report = scope.finish_looking().await;
        let change = &report.pools[0];
        assert_eq!((change.acquired, change.timeouts, change.opened), (Some(2), Some(0), Some(2)));
        assert_eq!((change.left_open, change.left_in_use), (2, 1));
        assert!(report.has_grown);
        let (before, after) = (report.server_before.unwrap(), report.server_after.unwrap());
        assert_eq!((before.total_connections, after.total_connections), (0, 2));
        drop(held);
    });
}
