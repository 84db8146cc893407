//! Exit codes: one table for all commands.

use std::process::ExitCode;

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
    /// The server was not reached.
    Unreached,
    /// The command line was not understood.
    Usage,
    /// The configuration was refused.
    Refused,
    /// Stopped by Ctrl-C.
    Interrupted,
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
            Exit::Usage => 64,
            Exit::Refused => 78,
            Exit::Interrupted => 130,
        })
    }
}
