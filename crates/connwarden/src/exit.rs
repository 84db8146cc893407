//! Exit codes: one table for all commands.

use std::process::ExitCode;

use clap::ValueEnum;

/// What a command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; all is well.
    Done,
    /// A check says: look at it.
    Warning,
    /// A check says: act.
    Critical,
    /// Some of it was done.
    Partly,
    /// Nothing was done.
    Nothing,
    /// Ctrl-C.
    Interrupted,
    /// The server was not reached.
    Unreached,
    /// The command line was not understood.
    Usage,
    /// The configuration was refused.
    Refused,
}

/// From which verdict on the exit code is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Warn,
    Crit,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Warning => 1,
            Exit::Critical => 2,
            Exit::Partly => 1,
            Exit::Nothing => 2,
            Exit::Unreached => 3,
            Exit::Interrupted => 130,
            Exit::Usage => 64,
            Exit::Refused => 78,
        })
    }
}
