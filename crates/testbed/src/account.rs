//! The account that servers run as: PostgreSQL and the proxy both refuse to run as root.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use rustix::fs::{Gid, Uid};

use crate::error::{Doing, Error, Result};

/// Whether the tests run as root, so that servers need another account.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The name servers run under.
pub const ROOT_STAND_IN: &str = "postgres";

/// A command that runs as an ordinary user and keeps its process id.
pub fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={ROOT_STAND_IN}"))
        .arg(format!("--regid={ROOT_STAND_IN}"))
        .args(["--clear-groups", "--"])
        .arg(program);
    command
}

/// Gives a path to the servers' account; nothing to do for an ordinary user.
pub fn own(path: &Path) -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let (uid, gid) = ids()?;
    rustix::fs::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
        .map_err(std::io::Error::from)
        .doing(format!("giving {} to {ROOT_STAND_IN}", path.display()))
}

/// The system name of the user that servers run as.
pub fn name() -> Result<String> {
    if is_root() {
        return Ok(ROOT_STAND_IN.to_owned());
    }
    let me = std::fs::metadata("/proc/self").doing("reading /proc/self")?.uid();
    Ok(passwd_line(|fields| fields.get(2) == Some(&me.to_string().as_str()))
        .map_or_else(|| me.to_string(), |fields| fields[0].clone()))
}

fn ids() -> Result<(u32, u32)> {
    static IDS: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    let found = IDS.get_or_init(|| {
        let fields = passwd_line(|fields| fields.first() == Some(&ROOT_STAND_IN))?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    });
    found.ok_or_else(|| Error::Missing {
        program: format!("the system user {ROOT_STAND_IN}"),
        hint: "scripts/needs.sh installs PostgreSQL, which brings it".to_owned(),
    })
}

fn passwd_line(wanted: impl Fn(&[&str]) -> bool) -> Option<Vec<String>> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| wanted(fields))
        .map(|fields| fields.into_iter().map(str::to_owned).collect())
}
