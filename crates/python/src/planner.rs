//! The planner's sums for Python: presets, the budget of files, waiting for a pool.

use std::ffi::CString;

use disk::Disk;
use inspect::census;
use model::preset::Preset;
use plan::budget::{self, Budget, Known};
use plan::declared::{self, Declared};
use plan::queue::{Load, Variation, line_that_varies};
use plan::report::PlanReport;
use plan::{Files, Finding, Level, Number};
use pyo3::exceptions::{PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use text::clean;

use crate::report::{Report, Told};

/// The presets, by name: `max_conns`, connections of one process; `conn_max_age`, in seconds; `debug`.
#[pyfunction]
pub(crate) fn presets(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    for preset in Preset::ALL {
        let process = preset.process();
        let one = PyDict::new(py);
        one.set_item("max_conns", process.connections_max)?;
        one.set_item("conn_max_age", process.connection_age_max.as_secs())?;
        one.set_item("debug", process.debug)?;
        all.set_item(preset.name(), one)?;
    }
    Ok(all)
}

/// Waiting for one of `pool` connections that requests, `rate` a second, hold for `hold` seconds each: Erlang-C with
/// Allen and Cunneen's factor for variation. `utilisation` and `probability` (of waiting at all) are shares; `mean` and `p99`
/// are seconds, both None where the line grows without end.
#[pyfunction]
#[pyo3(signature = (*, rate, hold, pool, arrivals_cv = 1.0, holds_cv = 1.0))]
pub(crate) fn waiting(
    py: Python<'_>,
    rate: f64,
    hold: f64,
    pool: u32,
    arrivals_cv: f64,
    holds_cv: f64,
) -> PyResult<Bound<'_, PyDict>> {
    let load = Load::new(rate, hold)
        .filter(|_| pool > 0)
        .ok_or_else(|| PyValueError::new_err("rate and hold are 0 or more and finite, pool is 1 or more"))?;
    let wait = line_that_varies(load, pool, Variation { arrivals: arrivals_cv, holds: holds_cv }).steady();
    let told = PyDict::new(py);
    told.set_item("busy", load.busy())?;
    told.set_item("utilisation", load.busy() / f64::from(pool))?;
    told.set_item("probability", wait.as_ref().map_or(1.0, plan::queue::Wait::probability))?;
    told.set_item("mean", wait.as_ref().map(plan::queue::Wait::mean_s))?;
    told.set_item("p99", wait.as_ref().map(|wait| wait.quantile_s(0.99)))?;
    Ok(told)
}

/// What the services of these files may open, and whether it fits: `connwarden plan check`. `files` are compose files, manifests,
/// Procfiles, units, and folders of them; `plan` a connwarden-plan.toml. What of a folder cannot be looked at is a UserWarning.
#[pyfunction]
#[pyo3(signature = (files = Vec::new(), *, plan = None, max_connections = None))]
pub(crate) fn plan_check(
    py: Python<'_>,
    files: Vec<String>,
    plan: Option<String>,
    max_connections: Option<u32>,
) -> PyResult<Report> {
    let known = Known { connections_max: max_connections.map(Number::implied), ..Known::default() };
    let (budget, findings) = sums(py, files, plan.as_deref(), &known)?;
    Ok(Report(Told::Plan(Box::new(PlanReport::of(&budget, &findings)))))
}

/// What each service may hold of a server: `Plan(path)` of a connwarden-plan.toml and the files it names.
#[pyclass(frozen, module = "connwarden")]
pub(crate) struct Plan(census::Plan);

#[pymethods]
impl Plan {
    /// ValueError: it cannot be read, or it or a file that it names holds mistakes.
    #[new]
    fn new(py: Python<'_>, path: &str) -> PyResult<Self> {
        let (budget, findings) = sums(py, Vec::new(), Some(path), &Known::default())?;
        let torn = findings.iter().filter(|one| one.level == Level::Error).count();
        if torn > 0 {
            return Err(PyValueError::new_err(format!("{path}: {torn} mistakes (connwarden plan check)")));
        }
        // The first server is the one the plan file speaks of.
        let plan = budget.servers.first().map(|server| {
            census::Plan::of_services(server.allowances(), (server.totals.peak, server.totals.rollout))
        });
        Ok(Self(plan.unwrap_or_default()))
    }
}

impl Plan {
    /// What a look is held against, where there is one.
    pub(crate) fn of(plan: Option<&Py<Self>>) -> Option<census::Plan> {
        plan.map(|plan| plan.get().0.clone())
    }
}

/// Reads the files, those of the plan where none is named, and adds them up.
fn sums(
    py: Python<'_>,
    files: Vec<String>,
    plan: Option<&str>,
    known: &Known,
) -> PyResult<(Budget, Vec<Finding>)> {
    let disk = Disk::default();
    let (declared, mut findings) = match plan {
        None => (Declared::default(), Vec::new()),
        Some(path) => {
            let text = disk.text(path).map_err(|why| PyValueError::new_err(format!("{path}: {why}")))?;
            match declared::read(&path.into(), &text) {
                Ok(declared) => (declared, Vec::new()),
                Err(mistakes) => (Declared::default(), mistakes),
            }
        }
    };
    let named: Vec<String> = match files.is_empty() {
        true => declared.files.iter().map(|file| file.text.clone()).collect(),
        false => files,
    };
    let (found, passed_over) = disk.deployed(&named);
    for why in passed_over {
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(clean(&why))?, 1)?;
    }
    findings.extend(found.findings);
    let budget = budget::of(&found.deployed, &declared, known);
    Ok((budget, findings))
}
