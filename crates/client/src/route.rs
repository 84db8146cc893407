//! A route of axum that answers probes.
//!
//! It logs in to nobody: it asks the monitor, whose looks are shared. What it answers to anybody who can reach it holds
//! numbers and names of applications and pools; sentences, which may name roles, databases and addresses, only where they
//! are asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use inspect::checks::{Check, CheckLevel, Id};
use inspect::report::{Failure, Verdict};
use serde::Serialize;

use crate::{Health, Monitor, PoolReport, PostgresqlInfo};

/// A route that answers probes with the monitor's health as JSON: 200 where it is ok or a warning, 503 where it is critical
/// or unknown.
///
/// A balancer that takes every replica out because the *server* is in trouble makes an outage of a warning sign. For its
/// probes let only that count which another replica would do better: `fails_on([Status::Unknown])`.
///
/// ```no_run
/// # fn example(monitor: &connwarden_client::Monitor, app: axum::Router) -> axum::Router {
/// use connwarden_client::HealthRoute;
///
/// app.merge(HealthRoute::new(monitor).router())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HealthRoute {
    monitor: Monitor,
    path: String,
    fails_on: Vec<Verdict>,
    is_detailed: bool,
}

impl HealthRoute {
    /// At `/healthz`.
    pub fn new(monitor: &Monitor) -> Self {
        Self {
            monitor: monitor.clone(),
            path: "/healthz".to_owned(),
            fails_on: vec![Verdict::Critical, Verdict::Unknown],
            is_detailed: false,
        }
    }

    /// At another path, as axum writes them.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The statuses that are answered with 503.
    pub fn fails_on(mut self, statuses: impl IntoIterator<Item = Verdict>) -> Self {
        self.fails_on = statuses.into_iter().collect();
        self
    }

    /// Answers with sentences, too: the summary, messages of checks, the error's text. They may name roles, databases and the
    /// server's address; never a password, never SQL that somebody ran.
    pub fn detailed(mut self) -> Self {
        self.is_detailed = true;
        self
    }

    /// The router, to be merged into the service's.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let path = self.path.clone();
        Router::new().route(&path, get(answer)).with_state(Arc::new(self))
    }

    fn code(&self, status: Verdict) -> StatusCode {
        if self.fails_on.contains(&status) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    }

    fn body(&self, health: &Health) -> Vec<u8> {
        let written = if self.is_detailed {
            serde_json::to_vec(health)
        } else {
            serde_json::to_vec(&Brief::of(health))
        };
        // Nothing of it can fail to be written: no maps with strange keys, and infinite numbers become null.
        written.unwrap_or_default()
    }
}

async fn answer(State(route): State<Arc<HealthRoute>>) -> Response {
    let health = route.monitor.health().await;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (route.code(health.status), headers, route.body(&health)).into_response()
}

/// The health without sentences.
#[derive(Serialize)]
struct Brief<'a> {
    status: Verdict,
    healthy: bool,
    age_s: f64,
    postgresql_info: &'a Option<PostgresqlInfo>,
    pools: &'a [PoolReport],
    checks: Vec<BriefCheck>,
    error: Option<BriefError<'a>>,
}

#[derive(Serialize)]
struct BriefCheck {
    id: Id,
    level: CheckLevel,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

#[derive(Serialize)]
struct BriefError<'a> {
    code: Failure,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
}

impl<'a> Brief<'a> {
    fn of(health: &'a Health) -> Self {
        let check = |check: &Check| BriefCheck {
            id: check.id,
            level: check.level,
            value: check.value,
            unit: check.unit,
        };
        let error = health.error.as_ref();
        Self {
            status: health.status,
            healthy: health.healthy,
            age_s: health.age_s,
            postgresql_info: &health.postgresql,
            pools: &health.pools,
            checks: health.checks.iter().map(check).collect(),
            error: error.map(|error| BriefError { code: error.code, sqlstate: error.sqlstate.as_deref() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Monitor {
        Monitor::builder().dsn("host=/nowhere user=secretive dbname=hidden").build().unwrap()
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn the_usual_answer_has_no_sentences_and_the_detailed_one_has() {
        let monitor = unreachable();
        let health = block_on(monitor.health());
        let body = |route: HealthRoute| String::from_utf8(route.body(&health)).unwrap();
        let brief = body(HealthRoute::new(&monitor));
        assert!(!brief.contains("nowhere") && !brief.contains("message"), "{brief}");
        let value: serde_json::Value = serde_json::from_str(&brief).unwrap();
        assert_eq!(value["status"], "unknown");
        assert_eq!(value["healthy"], false);
        assert_eq!(value["postgresql_info"], serde_json::Value::Null);
        assert_eq!(value["error"], serde_json::json!({"code": "network"}));
        assert!(body(HealthRoute::new(&monitor).detailed()).contains("nowhere"));
    }

    #[test]
    fn the_statuses_that_fail_are_the_callers_to_choose() {
        let codes = |route: HealthRoute| {
            [Verdict::Ok, Verdict::Warning, Verdict::Critical, Verdict::Unknown]
                .map(|status| route.code(status).as_u16())
        };
        let route = HealthRoute::new(&unreachable());
        assert_eq!(codes(route.clone()), [200, 200, 503, 503]);
        assert_eq!(codes(route.clone().fails_on([Verdict::Unknown])), [200, 200, 200, 503]);
        assert_eq!(codes(route.fails_on([])), [200; 4]);
    }
}
