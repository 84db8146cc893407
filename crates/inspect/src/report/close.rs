//! `connwarden.close/1`: what `close-idle`, `force-close` and `cancel` would do, or did.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Target, Visibility};
use crate::catalog::{Sample, Session, State};
use crate::closing::{Acted, Action, Application, Ended, Outcome, Plan, Reason, Rules};

/// A plan, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CloseReport {
    /// `connwarden.close/1`.
    pub schema: &'static str,
    /// The server's clock at the sample: microseconds since 1970, UTC.
    pub ts_us: i64,
    /// Which server.
    pub target: Target,
    /// How much we see.
    pub visibility: Visibility,
    /// What was asked for.
    pub action: Action,
    /// It was carried out, at least in part.
    pub applied: bool,
    /// To whom; empty for everybody.
    pub filter: String,
    /// Why, in the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Sessions that do what the action is about.
    pub considered: u32,
    /// Of the usable slots, in per cent, before.
    pub of_usable_percent: f64,
    /// Stop at this percentage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_percent: Option<f64>,
    /// Least time in the present state, in seconds; `close-idle` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age_s: Option<f64>,
    /// Most victims.
    pub max: u32,
    /// In the order in which they are seen to.
    pub victims: Vec<VictimReport>,
    /// What it takes from each application.
    pub applications: Vec<ApplicationReport>,
    /// Sessions that were left alone, by reason.
    pub spared: BTreeMap<Reason, u32>,
    /// Those of them that one might have expected among the victims.
    #[serde(skip)]
    pub left_alone: Vec<(Reason, u32)>,
    /// Why it ended; absent if it was not carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReport>,
    /// New sessions of the victims' applications; absent if nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnected: Option<BTreeMap<String, u32>>,
    /// What cannot be seen from here.
    pub notes: Vec<String>,
}

/// One victim. Texts are as the client sent them: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; catalog::Session explains them")]
pub struct VictimReport {
    pub pid: i32,
    pub backend_start: Option<String>,
    pub app: String,
    pub user: Option<String>,
    pub db: Option<String>,
    pub client: String,
    pub state: State,
    pub state_age_s: Option<f64>,
    pub idle_s: Option<f64>,
    #[serde(skip)]
    pub query: Option<String>,
    /// Absent if nobody got to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<VictimResult>,
    /// The server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "closing::Outcome explains them")]
pub enum VictimResult {
    Closed,
    Cancelled,
    BecameBusy,
    Gone,
    Denied,
    Error,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "closing::Ended explains them")]
pub enum EndReport {
    Finished,
    Interrupted,
    Errors,
    Enough,
    Lost,
}

/// What a plan takes from an application.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApplicationReport {
    /// Its name.
    pub app: String,
    /// Victims.
    pub victims: u32,
    /// The longest time in the present state among them, in seconds.
    pub oldest_s: Option<f64>,
    /// What it will have left.
    pub after: u32,
}

impl VictimResult {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::BecameBusy => "became busy",
            Self::Gone => "gone before",
            Self::Denied => "denied",
            Self::Error => "failed",
        }
    }

    /// Of an outcome, with the words that came with it.
    pub fn of(outcome: &Outcome) -> (Self, Option<&str>) {
        match outcome {
            Outcome::Closed => (Self::Closed, None),
            Outcome::Cancelled => (Self::Cancelled, None),
            Outcome::BecameBusy => (Self::BecameBusy, None),
            Outcome::Gone => (Self::Gone, None),
            Outcome::Denied(why) => (Self::Denied, Some(why)),
            Outcome::Error(why) => (Self::Error, Some(why)),
        }
    }
}

impl From<&Session> for VictimReport {
    fn from(session: &Session) -> Self {
        Self {
            pid: session.pid,
            backend_start: session.started.clone(),
            app: session.application.clone(),
            user: session.user.clone(),
            db: session.database.clone(),
            client: session.client.to_string(),
            state: session.state,
            state_age_s: session.state_age_s,
            idle_s: session.idle_s(),
            query: session.query.clone(),
            result: None,
            detail: None,
        }
    }
}

impl From<Application> for ApplicationReport {
    fn from(application: Application) -> Self {
        let Application { name, victims, oldest_s, after } = application;
        Self { app: name, victims, oldest_s, after }
    }
}

impl CloseReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.close/1";

    /// A plan that nobody has carried out.
    pub fn of(sample: &Sample, place: &str, rules: &Rules, plan: &Plan, reason: Option<&str>) -> Self {
        let mut report = Self {
            schema: Self::SCHEMA,
            ts_us: sample.facts.now_us,
            target: Target::of(sample, place),
            visibility: Visibility::of(sample),
            action: rules.action,
            applied: false,
            filter: rules.filter.to_string(),
            reason: reason.map(str::to_owned),
            considered: plan.considered(),
            of_usable_percent: plan.utilization.of_usable_percent,
            until_percent: rules.until,
            min_age_s: (rules.action == Action::CloseIdle).then(|| rules.min_age.seconds()),
            max: rules.max,
            victims: plan.victims.iter().map(VictimReport::from).collect(),
            applications: plan.applications().into_iter().map(ApplicationReport::from).collect(),
            spared: plan.spared.iter().map(|(reason, sessions)| (*reason, sessions.len() as u32)).collect(),
            left_alone: plan.left_alone().collect(),
            ended: None,
            reconnected: None,
            notes: Vec::new(),
        };
        report.note(plan, sample);
        report
    }

    fn note(&mut self, plan: &Plan, sample: &Sample) {
        let own = Some(&sample.facts.dbname);
        let elsewhere = plan.victims.iter().any(|session| session.database.as_ref() != own);
        if self.action == Action::CloseIdle && elsewhere {
            self.notes.push(format!(
                "temporary tables are seen in database {} only; sessions of other databases are judged by their last statement",
                sample.facts.dbname
            ));
        }
        if self.action == Action::CloseIdle && !plan.victims.is_empty() {
            self.notes.push("LISTEN is seen only if it was the last statement".to_owned());
        }
    }

    /// What became of the victims.
    pub fn done(&mut self, acted: &Acted) {
        self.applied = true;
        for (victim, outcome) in self.victims.iter_mut().zip(&acted.outcomes) {
            let (result, detail) = VictimResult::of(outcome);
            victim.result = Some(result);
            victim.detail = detail.map(str::to_owned);
        }
        self.ended = Some(match &acted.ended {
            Ended::Finished => EndReport::Finished,
            Ended::Interrupted => EndReport::Interrupted,
            Ended::Errors => EndReport::Errors,
            Ended::Enough => EndReport::Enough,
            Ended::Lost(_) => EndReport::Lost,
        });
    }

    /// Victims that came to this.
    pub fn count(&self, result: VictimResult) -> u32 {
        self.victims.iter().filter(|victim| victim.result == Some(result)).count() as u32
    }
}
