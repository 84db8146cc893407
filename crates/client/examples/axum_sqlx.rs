//! A service: a pool of sqlx, a route for probes, and a scope around its work.
//!
//! `DATABASE_URL=postgres://app@localhost/shop cargo run -p connwarden-client --example axum_sqlx`, then
//! `curl localhost:8080/healthz` and `curl -X POST localhost:8080/report`. `LISTEN` names another address.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use connwarden_client::{HealthRoute, Monitor, ScopeReport, SqlxPool};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

#[derive(Clone)]
struct Service {
    pool: PgPool,
    monitor: Monitor,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = std::env::var("DATABASE_URL")?;
    // Lazily: a service that cannot start without its database cannot say what is wrong with it.
    let pool = PgPoolOptions::new().max_connections(8).connect_lazy(&url)?;
    let monitor = Monitor::builder()
        .pool(SqlxPool::new("primary", &pool))
        .warn_after(Duration::from_secs(5))
        .on_scope(|report| tracing::info!(scope = %report.scope, took = ?report.duration, "done"))
        .build()?;
    // Logs in now: the connection that is held is the way in when the server is full.
    let health = monitor.health().await;
    tracing::info!(status = health.status.word(), summary = health.summary, "server");

    let probes = HealthRoute::new(&monitor).router();
    let service = Router::new()
        .route("/report", post(report))
        .with_state(Service { pool, monitor: monitor.clone() })
        .merge(probes);
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, service).await?;
    Ok(())
}

async fn report(State(service): State<Service>) -> Result<Json<ScopeReport>, StatusCode> {
    let scope = service.monitor.scope("report");
    let orders: i64 = sqlx::query_scalar("select count(*) from generate_series(1, 1000)")
        .fetch_one(&service.pool)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    tracing::info!(orders, "counted");
    Ok(Json(scope.finish()))
}
