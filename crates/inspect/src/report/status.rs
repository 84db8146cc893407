//! `connwarden.status/1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{BlockingReport, LimitReport, PoolerReport, Target, Visibility};
use crate::catalog::{Sample, Session, State};
use crate::census::{By, Group, Level, Plan, Thresholds, Totals, Utilization, group};

/// Who holds the slots.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StatusReport {
    /// `connwarden.status/1`.
    pub schema: &'static str,
    /// The server's clock: microseconds since 1970, UTC.
    pub ts_us: i64,
    /// Which server.
    pub target: Target,
    /// How much we see.
    pub visibility: Visibility,
    /// Its limits.
    pub limits: Slots,
    /// Sessions by what they do.
    pub totals: Totals,
    /// How full it is.
    pub utilization: UtilizationReport,
    /// There is a plan: groups of applications say where they stand in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_plan: bool,
    /// What the groups are made by.
    pub by: Vec<By>,
    /// Sessions by what they have in common, the largest group first.
    pub groups: Vec<GroupReport>,
    /// CONNECTION LIMITs of roles and databases, the fullest first.
    pub role_and_database_limits: Vec<LimitReport>,
    /// Every session that the filter lets through, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionReport>>,
    /// Who waits for whose locks, if asked for: one entry for each that holds up others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocking: Option<Vec<BlockingReport>>,
    /// The pooler in between, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooler: Option<PoolerReport>,
}

/// Slots of the server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Slots {
    /// All.
    pub max_connections: u32,
    /// For superusers only.
    pub superuser_reserved: u32,
    /// For members of `pg_use_reserved_connections`.
    pub reserved: u32,
    /// For everybody.
    pub usable: u32,
    /// Walsenders' own slots.
    pub max_wal_senders: u32,
    /// Settings whose new value waits for a restart.
    pub pending_restart: Vec<String>,
}

/// How full the server is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UtilizationReport {
    /// Of `max_connections`.
    pub of_max_percent: f64,
    /// Of the usable slots; this one decides the level.
    pub of_usable_percent: f64,
    /// The level.
    pub level: Level,
    /// Above it: warning.
    pub warn: f64,
    /// Above it: critical.
    pub crit: f64,
}

/// A group of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GroupReport {
    /// One entry for each of `by`.
    pub key: BTreeMap<By, String>,
    /// Sessions.
    pub total: u32,
    /// Sessions in each state.
    pub states: BTreeMap<State, u32>,
    /// The oldest idle one, in seconds.
    pub oldest_idle_s: Option<f64>,
    /// The oldest transaction, in seconds.
    pub oldest_transaction_s: Option<f64>,
    /// Different client hosts.
    pub hosts: u32,
    /// Its service beside the plan; absent without a plan, and for applications that are in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedReport>,
}

/// A service beside its plan, in connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedReport {
    /// The service.
    pub service: String,
    /// What all its applications hold together.
    pub held: u32,
    /// What it may hold without a rollout.
    pub peak: u64,
    /// What it may hold during one.
    pub rollout: u64,
}

impl GroupReport {
    /// A group made by these keys.
    pub fn of(group: &Group, by: &[By]) -> Self {
        Self {
            key: by.iter().copied().zip(group.keys.iter().cloned()).collect(),
            total: group.total,
            states: group.states.clone(),
            oldest_idle_s: group.oldest_idle_s,
            oldest_transaction_s: group.oldest_transaction_s,
            hosts: group.hosts.len() as u32,
            planned: None,
        }
    }
}

/// One session. Texts are as the client sent them: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; catalog::Session explains them")]
pub struct SessionReport {
    pub pid: i32,
    pub backend_start: Option<String>,
    pub app: String,
    pub user: Option<String>,
    pub db: Option<String>,
    pub client: String,
    pub state: State,
    pub wait: Option<String>,
    pub age_s: Option<f64>,
    pub state_age_s: Option<f64>,
    pub xact_age_s: Option<f64>,
    pub query: Option<String>,
}

impl From<&Session> for SessionReport {
    fn from(session: &Session) -> Self {
        Self {
            pid: session.pid,
            backend_start: session.started.clone(),
            app: session.application.clone(),
            user: session.user.clone(),
            db: session.database.clone(),
            client: session.client.to_string(),
            state: session.state,
            wait: session.wait.as_ref().map(|(kind, event)| format!("{kind}/{event}")),
            age_s: session.age_s,
            state_age_s: session.state_age_s,
            xact_age_s: session.xact_age_s,
            query: session.query.clone(),
        }
    }
}

impl StatusReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.status/1";

    /// Says what a sample shows. Totals and utilization are the whole server's; groups and sessions are those that `keep`
    /// lets through.
    pub fn of(
        sample: &Sample,
        place: &str,
        thresholds: Thresholds,
        by: &[By],
        with_sessions: bool,
        keep: impl Fn(&Session) -> bool,
    ) -> Self {
        let totals = Totals::of(sample);
        let utilization = Utilization::of(&totals, &sample.facts);
        let facts = &sample.facts;
        Self {
            schema: Self::SCHEMA,
            ts_us: facts.now_us,
            target: Target::of(sample, place),
            visibility: Visibility::of(sample),
            limits: Slots {
                max_connections: facts.max_connections,
                superuser_reserved: facts.superuser_reserved,
                reserved: facts.reserved,
                usable: facts.usable(),
                max_wal_senders: facts.max_wal_senders,
                pending_restart: facts.pending_restart.clone(),
            },
            utilization: UtilizationReport {
                of_max_percent: utilization.of_max_percent,
                of_usable_percent: utilization.of_usable_percent,
                level: thresholds.level(utilization.of_usable_percent),
                warn: thresholds.warn,
                crit: thresholds.crit,
            },
            has_plan: false,
            by: by.to_vec(),
            groups: group(sample, by, &keep).iter().map(|group| GroupReport::of(group, by)).collect(),
            role_and_database_limits: sample.limits.iter().map(LimitReport::from).collect(),
            sessions: with_sessions.then(|| {
                sample.sessions.iter().filter(|session| keep(session)).map(SessionReport::from).collect()
            }),
            blocking: None,
            pooler: None,
            totals,
        }
    }

    /// Beside a plan: each group that is made by application says where its service stands.
    pub fn beside(mut self, plan: &Plan, sample: &Sample) -> Self {
        let (held, _) = plan.beside(sample);
        for group in &mut self.groups {
            let Some(allowance) = group.key.get(&By::App).and_then(|name| plan.of(name)) else { continue };
            let held = held.iter().find(|one| one.allowance == allowance).map_or(0, |one| one.held);
            group.planned = Some(PlannedReport {
                service: allowance.service.clone(),
                held,
                peak: allowance.peak,
                rollout: allowance.rollout,
            });
        }
        self.has_plan = self.by.contains(&By::App);
        self
    }
}
