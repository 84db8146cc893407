//! A proxy to be measured: which program, how it is configured, how it runs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use rustix::process::Signal;
use serde::Serialize;

use crate::arena::{DBNAME, USER};
use crate::child::{Child, Terms, free_port};
use crate::line::Place;
use crate::load::script::Target;

const PGBOUNCER_INI: &str = include_str!("../../conf/pgbouncer.ini");
const CONNWARDEN_TOML: &str = include_str!("../../conf/connwarden.toml");
/// Under valgrind a start takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// `NAME=PATH` of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Named {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                if !name.chars().all(plain) {
                    bail!("the name {name:?} has other signs than letters, digits and . _ -");
                }
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            Some(_) | None => Err(anyhow!("write NAME=PATH, as in pgbouncer=/usr/sbin/pgbouncer")),
        }
    }
}

/// How a program is configured and called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Face {
    PgBouncer,
    Connwarden,
}

/// A program that exists and said what it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) version: String,
    face: Face,
}

impl Contestant {
    /// Asks the program for its version; that tells its face too.
    pub(crate) fn meet(named: &Named) -> anyhow::Result<Self> {
        let shown = named.path.display();
        let path =
            fs::canonicalize(&named.path).with_context(|| format!("{}: no program {shown}", named.name))?;
        let output = Command::new(&path)
            .arg("--version")
            .output()
            .with_context(|| format!("{}: cannot run {shown}", named.name))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.lines().next().unwrap_or_default().trim().to_owned();
        let face = match version.split(' ').next() {
            Some("PgBouncer") => Face::PgBouncer,
            Some("connwarden") => Face::Connwarden,
            Some(_) | None => bail!("{shown} --version says {version:?}: neither PgBouncer nor connwarden"),
        };
        Ok(Self { name: named.name.clone(), path, version, face })
    }

    fn argv(&self, config: &Path) -> Vec<OsString> {
        let path = self.path.clone().into_os_string();
        let config = config.as_os_str().to_owned();
        match self.face {
            Face::PgBouncer => vec![path, config],
            Face::Connwarden => vec![path, "proxy".into(), "--config".into(), config],
        }
    }

    fn template(&self) -> (&'static str, &'static str) {
        match self.face {
            Face::PgBouncer => ("pgbouncer.ini", PGBOUNCER_INI),
            Face::Connwarden => ("connwarden.toml", CONNWARDEN_TOML),
        }
    }

    /// PgBouncer takes SIGTERM as "when all clients have left"; SIGINT lets go at once of who does nothing.
    fn farewell(&self) -> Signal {
        match self.face {
            Face::PgBouncer => Signal::INT,
            Face::Connwarden => Signal::TERM,
        }
    }
}

/// The numbers both configurations are filled with.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sizes {
    pub(crate) pool: usize,
    pub(crate) clients_max: usize,
}

/// A contestant that listens.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: String,
    pub(crate) port: u16,
    child: Child,
}

impl Running {
    /// Writes the configuration into a folder of its own and starts the program.
    pub(crate) fn start(
        contestant: &Contestant,
        server_port: u16,
        sizes: Sizes,
        terms: &Terms,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let (file, template) = contestant.template();
        let config = folder.join(file);
        let filled = template
            .replace("@LISTEN_PORT@", &port.to_string())
            .replace("@SERVER_PORT@", &server_port.to_string())
            .replace("@POOL@", &sizes.pool.to_string())
            .replace("@MAX_CLIENTS@", &sizes.clients_max.to_string())
            .replace("@DBNAME@", DBNAME)
            .replace("@USER@", USER)
            .replace("@DIR@", &folder.display().to_string());
        fs::write(&config, filled)?;
        fs::write(folder.join("userlist.txt"), format!("\"{USER}\" \"\"\n"))?;
        let argv = contestant.argv(&config);
        let mut child = Child::spawn(&contestant.name, &argv, terms, folder, contestant.farewell())?;
        child.wait_for_port(port, PATIENCE)?;
        Ok(Self { name: contestant.name.clone(), port, child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Its last words, for an error.
    pub(crate) fn log_tail(&self) -> String {
        self.child.log_tail()
    }

    pub(crate) fn target(&self) -> Target {
        let place = Place::Tcp(([127, 0, 0, 1], self.port).into());
        Target { place, user: USER.to_owned(), dbname: DBNAME.to_owned() }
    }

    /// Ends it and waits; a wrapper has written its results then.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.child.stop(PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_name_and_a_path() {
        let named: Named = "pgbouncer=/usr/sbin/pgbouncer".parse().unwrap();
        assert_eq!((named.name.as_str(), named.path), ("pgbouncer", PathBuf::from("/usr/sbin/pgbouncer")));
        assert!("/usr/sbin/pgbouncer".parse::<Named>().is_err());
        assert!("a/b=/x".parse::<Named>().is_err());
    }
}
