//! The budget as programs read it: versioned JSON, additions only within a version (`docs/schema/plan-1.json`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::budget::{Budget, Grade, Row, ServerBudget, Slots};
use crate::{Finding, Level, Number, Place};

/// What `plan check` says.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlanReport {
    /// `connwarden.plan/1`.
    pub schema: &'static str,
    /// The worst of all servers; unknown where a limit is not known or a file could not be read.
    pub verdict: Judgement,
    /// One for each server that is connected to.
    pub servers: Vec<ServerReport>,
    /// What is wrong, or doubtful, in the files and the sums.
    pub findings: Vec<FindingReport>,
}

/// How bad, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Every sum is at or below the target.
    Ok,
    /// A sum is above the first threshold.
    Warning,
    /// A sum is above the second, or does not fit.
    Critical,
    /// It cannot be said.
    Unknown,
}

impl Judgement {
    /// As monitoring counts: 0 ok, 1 warning, 2 critical, 3 unknown.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

impl From<Grade> for Judgement {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Ok => Self::Ok,
            Grade::Warning => Self::Warning,
            Grade::Critical => Self::Critical,
        }
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServerReport {
    /// The host that services name.
    pub host: Option<String>,
    /// Its slots, if they are known.
    pub limits: Option<LimitsReport>,
    /// Percent of the usable slots above which a sum is a warning.
    pub warn: u32,
    /// Percent of the usable slots above which a sum is critical.
    pub crit: u32,
    /// Who opens connections.
    pub services: Vec<ServiceReport>,
    /// All of them together, in connections.
    pub totals: SumsReport,
    /// Of each sum.
    pub verdicts: Vec<VerdictReport>,
    /// What would bring every sum to the target.
    pub suggestion: Option<FitReport>,
}

/// Slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitsReport {
    /// `max_connections`.
    pub max_connections: u32,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: u32,
    /// `reserved_connections`.
    pub reserved: u32,
    /// What ordinary roles can get.
    pub usable: u32,
    /// What of this nobody wrote.
    pub assumptions: Vec<String>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceReport {
    /// The file.
    pub file: String,
    /// From 1; absent where the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// In characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// Connections in each phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SumsReport {
    /// On a usual day.
    pub steady: u64,
    /// At most, without a rollout.
    pub peak: u64,
    /// At most, during one.
    pub rollout: u64,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServiceReport {
    /// Its name.
    pub name: String,
    /// What it is: `service`, `Deployment`, `pooler`, `other`.
    pub kind: String,
    /// What was recognised in it.
    pub what: String,
    /// The line that says most about it.
    pub source: PlaceReport,
    /// How many there are.
    pub replicas: Option<ReplicasReport>,
    /// Processes of one replica.
    pub processes: u32,
    /// The pool of one process.
    pub pool: PoolReport,
    /// Connections of one replica with full pools.
    pub per_replica: u64,
    /// The pooler it goes through: its connections are then that pooler's clients.
    pub via: Option<String>,
    /// What it opens.
    #[serde(flatten)]
    pub sums: SumsReport,
    /// What of this nobody wrote.
    pub assumptions: Vec<String>,
}

/// Replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplicasReport {
    /// On a usual day.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Beyond the wanted number during a rollout.
    pub surge: u32,
    /// Told to end during a rollout, and still connected.
    pub terminating: u32,
}

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolReport {
    /// Connections it keeps.
    pub min: u32,
    /// The most it opens.
    pub max: u32,
    /// Connections of the process beside it.
    pub beside: u32,
}

/// One sum, judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VerdictReport {
    /// `steady`, `peak` or `rollout`.
    pub phase: &'static str,
    /// The sum.
    pub connections: u64,
    /// Of the usable slots.
    pub percent: f64,
    /// How bad.
    pub level: Judgement,
    /// The threshold it is above, in percent; 100 where it does not fit.
    pub above: Option<u32>,
}

/// What would fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FitReport {
    /// No process with more connections than this; absent where not even one each fits.
    pub pool: Option<u32>,
    /// The sums then.
    pub totals: SumsReport,
    /// Or this `max_connections`, with the present pools.
    pub max_connections: u64,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Its rule.
    pub rule: &'static str,
    /// How bad.
    pub level: Level,
    /// Where.
    pub place: Option<PlaceReport>,
    /// What.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

/// What `plan lint` says.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LintReport {
    /// `connwarden.lint/1`.
    pub schema: &'static str,
    /// In the order of their places.
    pub findings: Vec<FindingReport>,
    /// Findings left out because their rule was named.
    pub ignored_by_name: usize,
    /// Findings left out by a comment beside them.
    pub ignored_by_comment: usize,
}

impl LintReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.lint/1";
}

impl PlanReport {
    /// The name of the schema.
    pub const SCHEMA: &'static str = "connwarden.plan/1";

    /// What was added up, with what the readers found.
    pub fn of(budget: &Budget, readers: &[Finding]) -> Self {
        let mut findings: Vec<&Finding> = Vec::new();
        for finding in readers.iter().chain(&budget.findings) {
            // What two services share is looked at twice.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        let torn = findings.iter().any(|finding| finding.level == Level::Error);
        let servers: Vec<ServerReport> = budget.servers.iter().map(ServerReport::of).collect();
        let unknown = torn || servers.iter().any(|server| server.limits.is_none());
        let worst = servers.iter().flat_map(|server| &server.verdicts).map(|verdict| verdict.level).max();
        let verdict = match worst {
            // What does not fit does not fit, whatever else could not be read.
            Some(Judgement::Critical) => Judgement::Critical,
            _ if unknown => Judgement::Unknown,
            worst => worst.unwrap_or(Judgement::Unknown),
        };
        Self {
            schema: Self::SCHEMA,
            verdict,
            servers,
            findings: findings.into_iter().map(FindingReport::of).collect(),
        }
    }
}

impl ServerReport {
    fn of(server: &ServerBudget) -> Self {
        Self {
            host: server.host.clone(),
            limits: server.slots.as_ref().map(LimitsReport::of),
            warn: server.thresholds.warn,
            crit: server.thresholds.crit,
            services: server.rows.iter().map(ServiceReport::of).collect(),
            totals: server.totals.into(),
            verdicts: server
                .verdicts
                .iter()
                .map(|one| VerdictReport {
                    phase: one.phase.name(),
                    connections: one.connections,
                    percent: one.permille() as f64 / 10.0,
                    level: one.grade.into(),
                    above: one.passed,
                })
                .collect(),
            suggestion: server.fit.map(|fit| FitReport {
                pool: fit.pool,
                totals: fit.sums.into(),
                max_connections: fit.connections_max,
            }),
        }
    }
}

impl LimitsReport {
    fn of(slots: &Slots) -> Self {
        let all = [&slots.connections_max, &slots.superuser_reserved, &slots.reserved];
        Self {
            max_connections: slots.connections_max.value,
            superuser_reserved: slots.superuser_reserved.value,
            reserved: slots.reserved.value,
            usable: slots.usable(),
            assumptions: all.into_iter().filter_map(Number::assumption).map(str::to_owned).collect(),
        }
    }
}

impl ServiceReport {
    fn of(row: &Row) -> Self {
        Self {
            name: row.name.clone(),
            kind: row.kind.to_owned(),
            what: row.what.clone(),
            source: PlaceReport::of(&row.place),
            replicas: row.replicas.as_ref().map(|replicas| ReplicasReport {
                min: replicas.usual.value,
                max: replicas.most.value,
                surge: replicas.replaced.surge,
                terminating: replicas.replaced.terminating,
            }),
            processes: row.processes.value,
            pool: PoolReport { min: row.kept.value, max: row.pool.value, beside: row.aside.value },
            per_replica: row.per_replica(),
            via: row.via.clone(),
            sums: row.sums.into(),
            assumptions: row.assumptions().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl PlaceReport {
    fn of(place: &Place) -> Self {
        let known = |number: u32| (place.line > 0).then_some(number);
        Self { file: place.file.to_string(), line: known(place.line), column: known(place.column) }
    }
}

impl FindingReport {
    /// A finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.id,
            level: finding.level,
            place: finding.place.as_ref().map(PlaceReport::of),
            message: finding.message.clone(),
            fix: finding.fix.to_string(),
        }
    }
}

impl From<crate::budget::Sums> for SumsReport {
    fn from(sums: crate::budget::Sums) -> Self {
        Self { steady: sums.steady, peak: sums.peak, rollout: sums.rollout }
    }
}
