//! Asking for a password: on the terminal itself, whatever standard input is, and without showing it.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};

use inspect::report::Failure;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use wire::auth::secret::Password;
use zeroize::Zeroizing;

use super::Failed;
use crate::exit::Exit;

/// Longest password that is read.
const BYTES_MAX: usize = 1024;
/// Ctrl-C.
const INTERRUPT: u8 = 3;

/// Asks for the password of a role.
pub(super) fn password(user: &str) -> Result<Password, Failed> {
    let failed = |exit, why: String, hint: &str| Failed::new(Failure::Auth, exit, why, Some(hint.to_owned()));
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let terminal = terminal.map_err(|_| {
        let hint = "use ~/.pgpass or PGPASSWORD where nobody is there to be asked";
        failed(Exit::Usage, "there is no terminal to ask for a password on".into(), hint)
    })?;
    let question = format!("Password for {}: ", inspect::form::clean(user));
    hidden(&terminal, &question).map_err(|error| match error.kind() {
        ErrorKind::Interrupted => failed(Exit::Interrupted, "interrupted".into(), "nothing was done"),
        _ => failed(
            Exit::Unreached,
            format!("the password was not read: {error}"),
            "use ~/.pgpass or PGPASSWORD",
        ),
    })
}

/// Puts the terminal back as it was, whatever happens.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn hidden(mut terminal: &File, question: &str) -> std::io::Result<Password> {
    let before = tcgetattr(terminal)?;
    let mut silent = before.clone();
    // Ctrl-C ends the line and is seen below: a signal would leave the terminal dumb.
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
    let silence = Silence { terminal, before };
    tcsetattr(terminal, OptionalActions::Flush, &silent)?;
    terminal.write_all(question.as_bytes())?;
    let mut line = Zeroizing::new([0; BYTES_MAX]);
    let read = terminal.read(&mut *line)?;
    drop(silence);
    terminal.write_all(b"\n")?;
    let line = &line[..read];
    if line.last() == Some(&INTERRUPT) {
        return Err(Error::from(ErrorKind::Interrupted));
    }
    Ok(Password::new(line.strip_suffix(b"\n").unwrap_or(line)))
}
