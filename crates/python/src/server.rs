//! A server that is looked at: over a connection of ours, or over one of the caller's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use inspect::catalog::{Blocking, Sample, Wants};
use inspect::census;
use inspect::checks::{self, Id, Look, Memory};
use inspect::connect::{self, Answer, Answers, AskError, Connection, Machine};
use inspect::report::{HealthReport, StatusReport};
use inspect::settings::{Dsn, Request, Settings};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::asker::{Asker, is_the_drivers};
use crate::closing::{Asked, Closing};
use crate::error::Trouble;
use crate::options::{self, Meant};
use crate::planner::Plan;
use crate::report::{Report, Told};

/// A sample this old says nothing of what comes and goes now.
const BEFORE_S_MAX: f64 = 600.0;
/// Between two samples less than this apart a rate is noise.
const BEFORE: Duration = Duration::from_millis(200);

/// A server that is looked at. One look at a time: a second thread waits.
#[pyclass(frozen, module = "connwarden")]
pub(crate) struct Server {
    inner: Mutex<Inner>,
    /// Who looks right now.
    looking: Mutex<Option<ThreadId>>,
    place: String,
    way: Option<String>,
}

pub(crate) struct Inner {
    way: Way,
    pub(crate) runtime: Runtime,
    pub(crate) place: String,
    memory: Memory,
}

/// Over what.
pub(crate) enum Way {
    Theirs(Asker),
    Ours(Box<Connection>),
    Closed,
}

impl Answers for Way {
    async fn answers(&mut self, statements: &[&str]) -> Result<Vec<Answer>, AskError> {
        match self {
            Self::Theirs(asker) => asker.answers(statements).await,
            Self::Ours(connection) => connection.answers(statements).await,
            Self::Closed => Err(AskError::Lost("this server was closed".to_owned())),
        }
    }

    fn major(&self) -> u32 {
        match self {
            Self::Theirs(asker) => asker.major(),
            Self::Ours(connection) => connection.major(),
            Self::Closed => 0,
        }
    }
}

#[pymethods]
impl Server {
    /// Over a connection of the caller's. `ask` puts statements and brings, for each, the names of its columns and its rows
    /// as texts (None for NULL, `t` and `f` for booleans). `place` is what reports call the server; `major` its version.
    #[staticmethod]
    fn over(ask: Py<PyAny>, place: String, major: u32) -> PyResult<Self> {
        Ok(Self::new(Inner::new(Way::Theirs(Asker::new(ask, major)), runtime()?, place), None))
    }

    /// Over a connection of our own: `dsn` is a URL or `host=... user=...`; without it PG* variables count, then
    /// `$DATABASE_URL`. A full server is entered by every way there is. Seconds: `timeout` for a login and for an answer,
    /// `wait_slot` for a slot of a full server.
    #[staticmethod]
    #[pyo3(signature = (dsn = None, *, application = "connwarden", timeout = 5.0, wait_slot = None))]
    fn connect(
        py: Python<'_>,
        dsn: Option<&str>,
        application: &str,
        timeout: f64,
        wait_slot: Option<f64>,
    ) -> PyResult<Self> {
        let request = Request {
            flags: Vec::new(),
            dsn: dsn.map(|text| Dsn::new(text, "dsn")),
            timeout: Some(options::span("timeout", timeout)?.duration()),
            wait_slot: wait_slot
                .map(|time| options::span("wait_slot", time))
                .transpose()?
                .map(|s| s.duration()),
        };
        py.detach(|| {
            let settings = Settings::resolve(&request, &Machine).map_err(Trouble::from)?;
            let runtime = runtime()?;
            let connection = runtime.block_on(connect::open(&settings, application));
            let connection = connection.map_err(Trouble::from)?;
            let (place, way) = (connection.place().to_owned(), connection.way().sentence());
            Ok(Self::new(Inner::new(Way::Ours(Box::new(connection)), runtime, place), way))
        })
    }

    /// How our own connection got in, where that was not by the front door: a sentence, or None.
    #[getter]
    fn way(&self) -> Option<&str> {
        self.way.as_deref()
    }

    /// What reports call the server.
    #[getter]
    fn place(&self) -> &str {
        &self.place
    }

    /// Who holds the slots, by `app`, `user`, `db`, `client` or `state`. `only`: sessions that are meant, a dictionary of
    /// lists by the names of the options of `connwarden status`. `thresholds` as there, in percent. `plan`: groups by application
    /// say where their service stands in it.
    #[pyo3(signature = (*, by = vec!["app".to_owned()], sessions = false, only = Meant::new(), thresholds = BTreeMap::new(),
                        plan = None))]
    fn status(
        &self,
        py: Python<'_>,
        by: Vec<String>,
        sessions: bool,
        only: Meant,
        thresholds: BTreeMap<String, f64>,
        plan: Option<Py<Plan>>,
    ) -> PyResult<Report> {
        let plan = Plan::of(plan.as_ref());
        self.with(py, |inner| {
            let (by, limits) = (options::by(&by)?, options::limits(&thresholds)?);
            let filter = options::filter(only)?;
            let wants = Wants { counters: false, ..Wants::ALL };
            let sample = inner.runtime.block_on(Sample::take(&mut inner.way, wants))?;
            let mut report =
                StatusReport::of(&sample, &inner.place, limits.utilization, &by, sessions, |session| {
                    filter.matches(session)
                });
            if let Some(plan) = &plan {
                report = report.beside(plan, &sample);
            }
            Ok(Report(Told::Status(Box::new(report))))
        })
    }

    /// All checks, or those that are named, and one verdict. `apart`: seconds to wait for a second sample where there is no
    /// earlier look, to see sessions come and go; None does not wait, and leaves that check out the first time. With a
    /// `plan`, also whether services keep to it.
    #[pyo3(signature = (*, checks = Vec::new(), apart = None, thresholds = BTreeMap::new(), plan = None))]
    fn health(
        &self,
        py: Python<'_>,
        checks: Vec<String>,
        apart: Option<f64>,
        thresholds: BTreeMap<String, f64>,
        plan: Option<Py<Plan>>,
    ) -> PyResult<Report> {
        let plan = Plan::of(plan.as_ref());
        self.with(py, |inner| inner.health(&checks, apart, &thresholds, plan.as_ref()))
    }

    /// Plans who would be closed or cancelled: `action` is `close-idle`, `force-close` or `cancel`. Nobody is touched.
    /// `only` as for `status`; `min_age` in seconds, `until` in percent of the usable slots.
    #[pyo3(signature = (action, *, only = Meant::new(), min_age = None, keep = 0, max = 100, until = None, protect = Vec::new(),
                        include_idle_tx = false, include_poolers = false, include_superusers = false,
                        everything = false, i_know = false, reason = None))]
    #[allow(clippy::too_many_arguments, reason = "they are the options of three commands, by name")]
    fn closing(
        &self,
        py: Python<'_>,
        action: &str,
        only: Meant,
        min_age: Option<f64>,
        keep: u32,
        max: u32,
        until: Option<f64>,
        protect: Vec<String>,
        include_idle_tx: bool,
        include_poolers: bool,
        include_superusers: bool,
        everything: bool,
        i_know: bool,
        reason: Option<String>,
    ) -> PyResult<Closing> {
        let asked = Asked {
            action: action.to_owned(),
            only,
            min_age,
            keep,
            max,
            until,
            protect,
            include_idle_tx,
            include_poolers,
            include_superusers,
            everything,
            i_know,
            reason,
        };
        self.with(py, |inner| Closing::plan(asked, inner))
    }

    /// Ends our own connection, and lets go of the caller's.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| {
            if let Way::Ours(connection) = std::mem::replace(&mut inner.way, Way::Closed) {
                inner.runtime.block_on(connection.close());
            }
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("<connwarden.Server: {}>", self.place)
    }
}

impl Server {
    fn new(inner: Inner, way: Option<String>) -> Self {
        Self { place: inner.place.clone(), inner: Mutex::new(inner), looking: Mutex::new(None), way }
    }

    /// Does something with it, the interpreter being free meanwhile. Where the caller's function raised, a driver's error is the
    /// cause of ours, and anything else is raised again as it was. Whoever asks from within that function would wait for itself: it is refused.
    pub(crate) fn with<T: Send>(
        &self,
        py: Python<'_>,
        done: impl FnOnce(&mut Inner) -> Result<T, Trouble> + Send,
    ) -> PyResult<T> {
        let me = Some(thread::current().id());
        if *self.looking.lock().unwrap_or_else(PoisonError::into_inner) == me {
            return Err(PyRuntimeError::new_err(
                "a look at this server is under way, and this call came out of it",
            ));
        }
        let is_looking = |who| *self.looking.lock().unwrap_or_else(PoisonError::into_inner) = who;
        let (result, raised) = py.detach(|| {
            let panicked = |_| PyRuntimeError::new_err("an earlier look at this server panicked");
            let mut inner = self.inner.lock().map_err(panicked)?;
            inner.forget();
            is_looking(me);
            let result = done(&mut inner);
            is_looking(None);
            PyResult::Ok((result, inner.raised()))
        })?;
        match (result, raised) {
            (Ok(done), _) => Ok(done),
            (Err(Trouble::Failed(_)), Some(raised)) if !is_the_drivers(py, &raised) => Err(raised),
            (Err(trouble), Some(raised)) => {
                let error = PyErr::from(trouble);
                error.set_cause(py, Some(raised));
                Err(error)
            }
            (Err(trouble), _) => Err(trouble.into()),
        }
    }
}

impl Inner {
    fn new(way: Way, runtime: Runtime, place: String) -> Self {
        let mut memory = Memory::new(BEFORE);
        memory.turn_to(&place);
        Self { way, runtime, place, memory }
    }

    fn forget(&mut self) {
        self.raised();
    }

    fn raised(&mut self) -> Option<PyErr> {
        match &mut self.way {
            Way::Theirs(asker) => asker.raised.take(),
            Way::Ours(_) | Way::Closed => None,
        }
    }

    /// The way, and the runtime that drives it.
    pub(crate) fn parts(&mut self) -> (&mut Way, &Runtime, &str) {
        (&mut self.way, &self.runtime, &self.place)
    }

    fn health(
        &mut self,
        names: &[String],
        apart: Option<f64>,
        thresholds: &BTreeMap<String, f64>,
        plan: Option<&census::Plan>,
    ) -> Result<Report, Trouble> {
        let (wanted, limits) = (options::checks(names)?, options::limits(thresholds)?);
        let apart = apart.map(|apart| options::span("apart", apart)).transpose()?;
        let churn = wanted.is_empty() || wanted.contains(&Id::Churn);
        let mut early = None;
        if let (true, true, Some(apart)) = (churn, self.memory.is_empty(), apart) {
            let wants = Wants { counters: true, ..Wants::default() };
            early = Some(self.runtime.block_on(Sample::take(&mut self.way, wants))?);
            self.wait(apart.duration());
        }
        let now = self.runtime.block_on(Sample::take(&mut self.way, Wants::ALL))?;
        let blocking = self.runtime.block_on(Blocking::of(&now, &mut self.way))?;
        let before = early.or_else(|| self.memory.before(&now).cloned());
        let look = Look {
            now: &now,
            before: before.as_ref().filter(|before| apart_s(before, &now) <= BEFORE_S_MAX),
            history: self.memory.points(),
            blocking: Some(&blocking),
            plan,
            limits: &limits,
        };
        let report = HealthReport::of(&look, checks::run(&look, &wanted), &self.place, false);
        self.memory.keep(now.clone());
        Ok(Report(Told::Health(Box::new(report), Some(Box::new(now)))))
    }

    fn wait(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

fn apart_s(before: &Sample, now: &Sample) -> f64 {
    (now.facts.now_us - before.facts.now_us) as f64 / 1e6
}

fn runtime() -> PyResult<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| PyRuntimeError::new_err(format!("no event loop: {error}")))
}
