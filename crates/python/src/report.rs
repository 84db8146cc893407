//! What was found, as a document and in words.

use inspect::catalog::Sample;
use inspect::census::Level;
use inspect::explain::find;
use inspect::form;
use inspect::report::{CloseReport, ExplainReport, HealthReport, StatusReport};
use plan::report::{Judgement, PlanReport};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use text::Style;

use crate::options;

/// A report: the same document and the same words as the command of the same name.
#[pyclass(frozen, module = "connwarden")]
pub(crate) struct Report(pub(crate) Told);

/// Which report.
pub(crate) enum Told {
    Status(Box<StatusReport>),
    Health(Box<HealthReport>, Option<Box<Sample>>),
    /// With the seconds after which somebody looked who came back.
    Close(Box<CloseReport>, f64),
    Plan(Box<PlanReport>),
    Explain(Box<ExplainReport>),
}

#[pymethods]
impl Report {
    /// The document, as JSON. Its shape is `schema`'s.
    fn json(&self) -> PyResult<String> {
        let json = match &self.0 {
            Told::Status(report) => serde_json::to_string(report),
            Told::Health(report, _) => serde_json::to_string(report),
            Told::Close(report, _) => serde_json::to_string(report),
            Told::Plan(report) => serde_json::to_string(report),
            Told::Explain(report) => serde_json::to_string(report),
        };
        json.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// In words. `form`: `human` or `plain`; of health also `line`, `nagios` and `prometheus`.
    #[pyo3(signature = (form = "human", *, colour = false, ascii = false, width = None, top = 20))]
    fn text(
        &self,
        form: &str,
        colour: bool,
        ascii: bool,
        width: Option<usize>,
        top: usize,
    ) -> PyResult<String> {
        let style = options::style(colour, ascii, width);
        self.0
            .text(form, style, top)
            .ok_or_else(|| PyValueError::new_err(format!("there is no form {form:?} of this report")))
    }

    /// `ok`, `warning`, `critical` or `unknown`.
    #[getter]
    fn level(&self) -> &'static str {
        let names = ["ok", "warning", "critical", "unknown"];
        names.get(usize::from(self.0.code())).copied().unwrap_or("unknown")
    }

    /// What the command would leave behind: 0 ok, 1 warning, 2 critical, 3 unknown.
    #[getter]
    fn exit_code(&self) -> u8 {
        self.0.code()
    }

    fn __repr__(&self) -> String {
        format!("<connwarden.Report: {}, {}>", self.0.name(), self.level())
    }
}

impl Told {
    fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Health(..) => "health",
            Self::Close(..) => "close",
            Self::Plan(_) => "plan",
            Self::Explain(_) => "explain",
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Status(report) => match report.utilization.level {
                Level::Ok => 0,
                Level::Warning => 1,
                Level::Critical => 2,
            },
            Self::Health(report, _) => report.exit_code,
            Self::Plan(report) => match report.verdict {
                Judgement::Ok => 0,
                Judgement::Warning => 1,
                Judgement::Critical => 2,
                Judgement::Unknown => 3,
            },
            Self::Close(..) | Self::Explain(_) => 0,
        }
    }

    fn text(&self, named: &str, style: Style, top: usize) -> Option<String> {
        let bare = Style { colour: false, ..style };
        Some(match (self, named) {
            (Self::Status(report), "human") => form::status::human(report, style, top),
            (Self::Status(report), "plain") => form::status::plain(report, style.marks, top),
            (Self::Health(report, _), "human") => form::health::human(report, style),
            (Self::Health(report, _), "plain") => form::health::plain(report),
            (Self::Health(report, _), "line") => form::health::line(report),
            (Self::Health(report, _), "nagios") => form::nagios::line(report),
            (Self::Health(report, sample), "prometheus") => form::prometheus::text(report, sample.as_deref()),
            (Self::Close(report, recheck), "human" | "plain") if report.applied => {
                form::close::done(report, *recheck)
            }
            (Self::Close(report, _), "human") => form::close::plan(report, style),
            (Self::Close(report, _), "plain") => form::close::plain(report),
            (Self::Plan(report), "human") => plan::form::human::budget(report, style),
            (Self::Plan(report), "plain") => plan::form::human::budget(report, bare),
            (Self::Explain(report), "human") => form::explain::text(report, style),
            (Self::Explain(report), "plain") => form::explain::text(report, bare),
            _ => return None,
        })
    }
}

/// What an error text or an SQLSTATE means, and what to do: the page, as a report.
#[pyfunction]
pub(crate) fn explain(text: &str) -> Report {
    Report(Told::Explain(Box::new(ExplainReport::of(text, &find(text), None))))
}
