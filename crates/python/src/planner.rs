//! The planner's sums for Python: presets, the budget of files, waiting for a pool.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use model::preset::Preset;
use plan::budget::{self, Known};
use plan::declared::{self, Declared};
use plan::place::FILE_BYTES_MAX;
use plan::queue::{Load, Variation, line_that_varies};
use plan::read::{self, Paths, World};
use plan::report::PlanReport;
use plan::{Files, Number};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

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

/// What the services of these files may open, and whether it fits: `connwarden plan check` without its folders. `files` are
/// compose files, manifests, Procfiles and units; `plan` a connwarden-plan.toml.
#[pyfunction]
#[pyo3(signature = (files = Vec::new(), *, plan = None, max_connections = None))]
pub(crate) fn plan_check(
    files: Vec<String>,
    plan: Option<String>,
    max_connections: Option<u32>,
) -> PyResult<Report> {
    let (declared, mut findings) = match &plan {
        None => (Declared::default(), Vec::new()),
        Some(path) => {
            let text = Disk.text(path).map_err(|why| PyValueError::new_err(format!("{path}: {why}")))?;
            match declared::read(&path.as_str().into(), &text) {
                Ok(declared) => (declared, Vec::new()),
                Err(mistakes) => (Declared::default(), mistakes),
            }
        }
    };
    let named = match files.is_empty() {
        true => declared.files.iter().map(|file| file.text.clone()).collect(),
        false => files,
    };
    let paths = Paths { named, ..Paths::default() };
    let environment = |name: &str| std::env::var(name).ok();
    let found = read::files(&paths, &World { files: &Disk, environment: &environment, profiles: &[] });
    findings.extend(found.findings);
    let known = Known { connections_max: max_connections.map(Number::implied), ..Known::default() };
    let budget = budget::of(&found.deployed, &declared, &known);
    Ok(Report(Told::Plan(Box::new(PlanReport::of(&budget, &findings)))))
}

/// The files of the machine.
struct Disk;

impl Files for Disk {
    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        // A pipe or a device may never end.
        let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if !meta.is_file() {
            return Err("not a plain file: name the files that deploy one by one".into());
        }
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
        match text.len() as u64 > FILE_BYTES_MAX {
            true => Err(format!("larger than {} MiB: no description of a deployment", FILE_BYTES_MAX >> 20)),
            false => Ok(text.into()),
        }
    }
}
