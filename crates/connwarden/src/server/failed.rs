//! Why a command has no answer: what is told, and what is left behind.

use inspect::connect::{AskError, ConnectError};
use inspect::form::clean;
use inspect::report::{Failure, FailureReport};
use inspect::settings::{Origin, SettingsError};

use crate::config::Refusal;
use crate::exit::Exit;
use crate::output::{Form, OutputOptions};
use crate::say;

/// Why a command has no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    /// What is told.
    pub(crate) report: FailureReport,
    /// What is left behind.
    pub(crate) exit: Exit,
}

impl Failed {
    pub(crate) fn new(code: Failure, exit: Exit, message: String, hint: Option<String>) -> Self {
        Self { report: FailureReport::new(code, message, hint), exit }
    }

    /// Tells it: JSON where JSON was asked for, words on standard error elsewhere.
    pub(crate) fn say(self, output: &OutputOptions) -> Exit {
        if output.form() == Form::Json {
            say::json(&self.report);
        }
        self.tell()
    }

    /// Nothing about the server is known by it: our own words were wrong, or somebody stopped us.
    pub(crate) fn is_ours(&self) -> bool {
        self.exit != Exit::Unreached
    }

    /// Tells it in words.
    pub(crate) fn tell(self) -> Exit {
        let mut text = format!("error: {}", self.report.message);
        if let Some(hint) = &self.report.hint {
            text.extend(hint.lines().map(|line| format!("\n  = {line}")));
        }
        // The server's words are a stranger's.
        let lines: Vec<String> = text.lines().map(clean).collect();
        say::err(&lines.join("\n"));
        self.exit
    }
}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        Self { report: FailureReport::from(&error), exit: Exit::Unreached }
    }
}

impl From<AskError> for Failed {
    fn from(error: AskError) -> Self {
        let mut report = FailureReport::from(&error);
        if let AskError::TimedOut(_) = error {
            report.hint = Some("give it more time with --timeout 30s".to_owned());
        }
        Self { report, exit: Exit::Unreached }
    }
}

impl From<SettingsError> for Failed {
    fn from(error: SettingsError) -> Self {
        let exit = match &error.origin {
            Origin::Flag(_) | Origin::Dsn(_) => Exit::Usage,
            Origin::Service { .. } | Origin::Variable(_) | Origin::Default => Exit::Unreached,
        };
        Self { report: FailureReport::from(&error), exit }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).to_owned();
        Self::new(Failure::Config, Exit::Refused, message, None)
    }
}
