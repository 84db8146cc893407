//! `metrics_listen`: /metrics, /livez, /readyz. Nothing else, and nothing that changes anything.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;

use super::hub::Hub;
use crate::observe::prometheus;

type Words = (StatusCode, [(HeaderName, &'static str); 1], String);

/// Serves from here on.
pub(super) fn serve(listener: TcpListener, hub: Arc<Hub>) {
    tokio::spawn(async move {
        let routes = routes(hub);
        let served = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => axum::serve(listener, routes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::error!(%error, "metrics are served no longer");
        }
    });
}

pub(super) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(hub)
}

async fn metrics(State(hub): State<Arc<Hub>>) -> Words {
    match hub.frame().await {
        Ok(frame) => {
            (StatusCode::OK, [(CONTENT_TYPE, prometheus::CONTENT_TYPE)], prometheus::exposition(&frame))
        }
        Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// Does every thread turn?
async fn livez(State(hub): State<Arc<Hub>>) -> Words {
    if hub.turns().await {
        plain(StatusCode::OK, "ok")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "a worker does not turn")
    }
}

/// Is it fit for traffic?
async fn readyz(State(hub): State<Arc<Hub>>) -> Words {
    match hub.books().await {
        Ok(books) if books.ready => plain(StatusCode::OK, "ok"),
        Ok(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "draining, or no server has let us in for a minute"),
        Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn plain(status: StatusCode, text: &str) -> Words {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n"))
}
