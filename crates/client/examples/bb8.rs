//! A program with a pool of bb8-postgres that asks its plan file whether that pool fits, and how often it had to wait.
//!
//! `DATABASE_URL=postgres://app@localhost/shop cargo run -p connwarden-client --example bb8 -- connwarden-plan.toml api`

use bb8_postgres::PostgresConnectionManager;
use bb8_postgres::bb8::Pool;
use bb8_postgres::tokio_postgres::{Config, NoTls};
use connwarden_client::{Bb8Pool, Budget, Monitor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let plan = arguments.next().ok_or("name the plan file, and the service")?;
    let service = arguments.next().ok_or("name the service")?;
    let budget = Budget::from_plan_file(plan)?;

    let config: Config = std::env::var("DATABASE_URL")?.parse()?;
    let manager = PostgresConnectionManager::new(config, NoTls);
    let pool = Pool::builder().max_size(2).build(manager).await?;
    let monitor = Monitor::builder().pool(Bb8Pool::new("primary", &pool)).budget(&budget).build()?;
    // A line in the log: how many replicas fit, and a warning where they don't.
    let fit = budget.allowance(&service)?.check(monitor.connections_max());

    let scope = monitor.scope("bulk_operation");
    for _ in 0..10 {
        pool.get().await?.simple_query("select 1").await?;
    }
    println!("{}", serde_json::to_string(&scope.finish())?);
    println!("{}", serde_json::to_string(&monitor.health().await)?);
    println!("fits: {}", fit.fits());
    Ok(())
}
