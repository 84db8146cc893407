//! Somebody else's connection: a Python function that puts statements and brings rows as text.

use inspect::connect::{Answer, Answers, AskError, ServerError};
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

/// One statement's answer as Python brings it: the columns' names, and rows of texts.
type Brought = (Vec<String>, Vec<Vec<Option<String>>>);

/// `ask(statements: list[str]) -> list[tuple[list[str], list[list[str | None]]]]`.
pub(crate) struct Asker {
    ask: Py<PyAny>,
    major: u32,
    /// What the function raised last.
    pub(crate) raised: Option<PyErr>,
}

impl Asker {
    pub(crate) fn new(ask: Py<PyAny>, major: u32) -> Self {
        Self { ask, major, raised: None }
    }

    fn brought(&mut self, statements: &[&str]) -> Result<Vec<Brought>, AskError> {
        Python::attach(|py| {
            let brought = self.ask.bind(py).call1((statements.to_vec(),));
            let brought = brought.and_then(|answers| answers.extract::<Vec<Brought>>());
            brought.map_err(|error| {
                let said = said(py, &error);
                self.raised = Some(error);
                said
            })
        })
    }
}

impl Answers for Asker {
    async fn answers(&mut self, statements: &[&str]) -> Result<Vec<Answer>, AskError> {
        let brought = self.brought(statements)?;
        if brought.len() != statements.len() {
            return Err(AskError::Shape(format!(
                "{} answers to {} questions",
                brought.len(),
                statements.len()
            )));
        }
        brought.into_iter().map(|(columns, rows)| read(columns, rows)).collect()
    }

    fn major(&self) -> u32 {
        self.major
    }
}

fn read(columns: Vec<String>, rows: Vec<Vec<Option<String>>>) -> Result<Answer, AskError> {
    let mut answer = Answer::new(columns);
    for row in rows {
        answer.push(row)?;
    }
    Ok(answer)
}

/// A driver's error: its own kind tells what the server said.
pub(crate) fn is_the_drivers(py: Python<'_>, error: &PyErr) -> bool {
    error.value(py).hasattr("diag").unwrap_or(false)
}

/// What the server said, where the exception of a driver tells it, itself or as its cause: frameworks wrap them.
fn said(py: Python<'_>, error: &PyErr) -> AskError {
    let own = server_error(error.value(py));
    let cause = || error.cause(py).and_then(|cause| server_error(cause.value(py)));
    own.or_else(cause).map_or_else(|| AskError::Lost(error.to_string()), AskError::Server)
}

/// psycopg and psycopg2 keep the fields of an error in `diag`.
fn server_error(error: &Bound<'_, PyBaseException>) -> Option<ServerError> {
    let diag = error.getattr("diag").ok()?;
    let field = |name: &str| diag.getattr(name).ok()?.extract::<Option<String>>().ok()?;
    Some(ServerError {
        severity: field("severity_nonlocalized").or_else(|| field("severity"))?,
        sqlstate: field("sqlstate")?,
        message: field("message_primary").unwrap_or_default(),
        detail: field("message_detail"),
        hint: field("message_hint"),
        routine: field("source_function"),
    })
}
