//! What Python hears when a look fails.

use inspect::connect::{AskError, ConnectError};
use inspect::report::{Failure, FailureReport, HealthReport};
use inspect::settings::SettingsError;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

use crate::report::{Report, Told};

pyo3::create_exception!(
    connwarden,
    ConnwardenError,
    PyException,
    "A server could not be looked at. `code` is server_full, auth, timeout, permission, config or network; `sqlstate` and \
     `hint` are None where there is none; `report` is the document `connwarden.error/1`, and `health` what that comes to."
);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server, or the way to it.
    Failed(Box<FailureReport>),
    /// What the caller asked for makes no sense.
    Mistake(String),
}

impl Trouble {
    pub(crate) fn mistake(error: impl std::fmt::Display) -> Self {
        Self::Mistake(error.to_string())
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        Self::Failed(Box::new((&error).into()))
    }
}

impl From<ConnectError> for Trouble {
    fn from(error: ConnectError) -> Self {
        Self::Failed(Box::new((&error).into()))
    }
}

impl From<SettingsError> for Trouble {
    fn from(error: SettingsError) -> Self {
        Self::Failed(Box::new((&error).into()))
    }
}

impl From<Trouble> for PyErr {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Mistake(text) => PyValueError::new_err(text),
            Trouble::Failed(report) => Python::attach(|py| told(py, &report).unwrap_or_else(|error| error)),
        }
    }
}

/// An error of ours, for what the package itself finds out: `code` as `ConnwardenError` has it.
#[pyfunction]
#[pyo3(signature = (code, message, hint = None))]
pub(crate) fn failure(
    py: Python<'_>,
    code: &str,
    message: String,
    hint: Option<String>,
) -> PyResult<Py<PyAny>> {
    let codes = [
        ("server_full", Failure::ServerFull),
        ("auth", Failure::Auth),
        ("timeout", Failure::Timeout),
        ("permission", Failure::Permission),
        ("config", Failure::Config),
        ("network", Failure::Network),
    ];
    let code = codes.into_iter().find(|(name, _)| *name == code).map(|(_, code)| code);
    let code = code.ok_or_else(|| PyValueError::new_err("code is none of ConnwardenError's"))?;
    let error = told(py, &FailureReport::new(code, message, hint))?;
    Ok(error.into_value(py).into_any())
}

fn told(py: Python<'_>, report: &FailureReport) -> PyResult<PyErr> {
    let document = serde_json::to_value(report).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let error = ConnwardenError::new_err(report.message.clone());
    let value = error.value(py);
    let text = |name: &str| document.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    value.setattr("code", text("code"))?;
    value.setattr("sqlstate", text("sqlstate"))?;
    value.setattr("hint", text("hint"))?;
    value.setattr("report", document.to_string())?;
    let now_us = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_us = now_us.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let health = HealthReport::failed(report.clone(), now_us);
    value.setattr("health", Py::new(py, Report(Told::Health(Box::new(health), None)))?)?;
    Ok(error)
}
