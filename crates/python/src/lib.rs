//! `connwarden._core`: the census, verdicts, forms and sums of the commands, for Python.
//!
//! Nothing is decided here. A look goes over a connection of ours, or over one of the caller's: then a Python function
//! puts the statements, and this module reads what came back. What Python shows are the same reports in the same words.

mod asker;
mod closing;
mod error;
mod options;
mod planner;
mod report;
mod server;

use pyo3::prelude::*;

/// What `connwarden` knows of servers and plans.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::closing::Closing;
    #[pymodule_export]
    use super::error::{ConnwardenError, failure};
    #[pymodule_export]
    use super::planner::{Plan, plan_check, presets, waiting};
    #[pymodule_export]
    use super::report::{Report, explain};
    #[pymodule_export]
    use super::server::Server;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
