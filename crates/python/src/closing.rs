//! Closing sessions: a plan that can be looked at, and its execution.

use inspect::catalog::{Sample, Session, Wants};
use inspect::closing::{Act, Action, Ended, Evidence, Outcome, Pace, Plan, Rules, returned};
use inspect::filter::Glob;
use inspect::report::{CloseReport, EndReport, VictimResult};
use pyo3::prelude::*;

use crate::error::Trouble;
use crate::options::{self, Meant};
use crate::report::{Report, Told};
use crate::server::{Inner, Server};

/// Who would be closed or cancelled, as the server stood when it was looked at.
#[pyclass(frozen, module = "connwarden")]
pub(crate) struct Closing {
    rules: Rules,
    sample: Sample,
    plan: Plan,
    place: String,
    reason: Option<String>,
}

/// What was asked for.
pub(crate) struct Asked {
    pub(crate) action: String,
    pub(crate) only: Meant,
    pub(crate) min_age: Option<f64>,
    pub(crate) keep: u32,
    pub(crate) max: u32,
    pub(crate) until: Option<f64>,
    pub(crate) protect: Vec<String>,
    pub(crate) include_idle_tx: bool,
    pub(crate) include_poolers: bool,
    pub(crate) include_superusers: bool,
    pub(crate) everything: bool,
    pub(crate) i_know: bool,
    pub(crate) reason: Option<String>,
}

impl Asked {
    fn rules(self) -> Result<(Rules, Option<String>), Trouble> {
        let actions = [Action::CloseIdle, Action::ForceClose, Action::Cancel];
        let action = actions.into_iter().find(|action| action.name() == self.action).ok_or_else(|| {
            Trouble::Mistake(format!("action {:?} is none of close-idle, force-close, cancel", self.action))
        })?;
        let fresh = Rules::new(action);
        let rules = Rules {
            filter: options::filter(self.only)?,
            min_age: match self.min_age {
                Some(seconds) => options::span("min_age", seconds)?,
                None => fresh.min_age,
            },
            keep: self.keep,
            max: self.max,
            until: self.until,
            protect: self.protect.iter().map(Glob::new).collect(),
            include_idle_in_transaction: self.include_idle_tx,
            include_poolers: self.include_poolers,
            include_superusers: self.include_superusers,
            ..fresh
        };
        let named = self.everything || action == Action::CloseIdle;
        rules.check(self.i_know, named).map_err(Trouble::mistake)?;
        Ok((rules, self.reason))
    }
}

#[pymethods]
impl Closing {
    /// Sessions that would be touched.
    #[getter]
    fn victims(&self) -> usize {
        self.plan.victims.len()
    }

    /// Victims that run a statement: their work is rolled back.
    #[getter]
    fn running(&self) -> u32 {
        self.plan.running()
    }

    /// Victims that wait inside a transaction: their work is rolled back.
    #[getter]
    fn in_transaction(&self) -> u32 {
        self.plan.in_transaction()
    }

    /// The plan.
    fn report(&self) -> Report {
        Report(Told::Close(Box::new(self.planned()), 0.0))
    }

    /// Carries the plan out over `server`, one session at a time; whoever has done anything since is left alone. `told` hears
    /// of each session: its process id, what became of it (`closed`, `cancelled`, `became_busy`, `gone`, `denied`, `error`)
    /// and the server's words, or None. `rate`: sessions a second. Seconds: `grace` for a cancelled statement, `recheck` until
    /// a look who came back, 0 for none. Ctrl-C ends it between two sessions; the report says so.
    #[pyo3(signature = (server, *, rate = 10.0, grace = 5.0, cancel_first = true, recheck = 10.0, told = None))]
    #[allow(clippy::too_many_arguments, reason = "they are the options of three commands, by name")]
    fn carry_out(
        &self,
        py: Python<'_>,
        server: &Server,
        rate: f64,
        grace: f64,
        cancel_first: bool,
        recheck: f64,
        told: Option<Py<PyAny>>,
    ) -> PyResult<Report> {
        if !(0.01..=1_000.0).contains(&rate) {
            return Err(Trouble::Mistake(format!("rate {rate}: from 0.01 to 1000 a second")).into());
        }
        let pace = Pace {
            per_second: rate,
            cancel_first,
            grace: options::span("grace", grace)?.duration(),
            ..Pace::default()
        };
        let recheck = options::span("recheck", recheck)?;
        server.with(py, |inner| {
            let report = self.done(inner, &pace, recheck.duration(), told.as_ref())?;
            Ok(Report(Told::Close(Box::new(report), recheck.seconds())))
        })
    }

    fn __repr__(&self) -> String {
        format!("<connwarden.Closing: {}, {} sessions>", self.rules.action.name(), self.plan.victims.len())
    }
}

impl Closing {
    pub(crate) fn plan(asked: Asked, inner: &mut Inner) -> Result<Self, Trouble> {
        let (rules, reason) = asked.rules()?;
        let (way, runtime, place) = inner.parts();
        let (sample, evidence) = runtime.block_on(async {
            let sample = Sample::take(way, Wants::default()).await?;
            let evidence = Evidence::take_for(rules.action, way).await?;
            Ok::<_, Trouble>((sample, evidence))
        })?;
        let plan = Plan::of(&sample, &evidence, &rules);
        Ok(Self { rules, sample, plan, place: place.to_owned(), reason })
    }

    fn planned(&self) -> CloseReport {
        CloseReport::of(&self.sample, &self.place, &self.rules, &self.plan, self.reason.as_deref())
    }

    fn done(
        &self,
        inner: &mut Inner,
        pace: &Pace,
        recheck: std::time::Duration,
        told: Option<&Py<PyAny>>,
    ) -> Result<CloseReport, Trouble> {
        let mut report = self.planned();
        let (way, runtime, _) = inner.parts();
        let stopped = std::cell::Cell::new(false);
        let is_stopped = || {
            stopped.set(stopped.get() || Python::attach(|py| py.check_signals().is_err()));
            stopped.get()
        };
        runtime.block_on(async {
            let before = Sample::take(way, Wants::default()).await?;
            let act = Act::new(way, &self.rules, &self.sample.facts, pace, &is_stopped);
            let acted = act.run(&self.plan, |victim, outcome| tell(told, victim, outcome)).await;
            report.done(&acted);
            let gone = report.count(VictimResult::Closed) > 0 && !matches!(acted.ended, Ended::Lost(_));
            if gone && self.rules.action != Action::Cancel && !recheck.is_zero() {
                let until = tokio::time::Instant::now() + recheck;
                while tokio::time::Instant::now() < until && !is_stopped() {
                    tokio::time::sleep(std::time::Duration::from_millis(50).min(recheck)).await;
                }
                if stopped.get() {
                    report.ended = Some(EndReport::Interrupted);
                } else if let Ok(after) = Sample::take(way, Wants::default()).await {
                    report.reconnected = Some(returned(&before, &after, &self.plan.victims));
                }
            }
            Ok(report)
        })
    }
}

/// A listener that raises is not heard: sessions are being closed, and the rest of the plan stands.
fn tell(told: Option<&Py<PyAny>>, victim: &Session, outcome: &Outcome) {
    let Some(told) = told else { return };
    let (result, detail) = VictimResult::of(outcome);
    let name = serde_json::to_value(result).ok();
    let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    Python::attach(|py| {
        if let Err(error) = told.bind(py).call1((victim.pid, name, detail)) {
            error.write_unraisable(py, None);
        }
    });
}
