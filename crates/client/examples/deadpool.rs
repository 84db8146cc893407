//! A job with a pool of deadpool-postgres: what it did to the pool, and how the server stands.
//!
//! `DATABASE_URL=postgres://app@localhost/shop cargo run -p connwarden-client --example deadpool`

use connwarden_client::{DeadpoolPool, Monitor, health, install, monitor_scope};
use deadpool_postgres::tokio_postgres::{Config, NoTls};
use deadpool_postgres::{Manager, Pool};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config: Config = std::env::var("DATABASE_URL")?.parse()?;
    let pool = Pool::builder(Manager::new(config, NoTls)).max_size(4).build()?;
    let monitor = Monitor::builder().pool(DeadpoolPool::new("primary", &pool)).build()?;
    // From here on, `health()` and `monitor_scope()` need no monitor to be passed around.
    install(monitor).map_err(|_| "there is a monitor already")?;

    let scope = monitor_scope("bulk_operation");
    let jobs: Vec<_> = (0..20)
        .map(|number: i32| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let client = pool.get().await.map_err(|error| error.to_string())?;
                let row = client.query_one("select $1 + 1", &[&number]).await;
                row.map(|row| row.get::<_, i32>(0)).map_err(|error| error.to_string())
            })
        })
        .collect();
    for job in jobs {
        job.await??;
    }
    println!("{}", serde_json::to_string(&scope.finish_looking().await)?);
    println!("{}", serde_json::to_string(&health().await)?);
    Ok(())
}
