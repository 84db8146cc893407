//! Finding the file, reading it, and loading it again at a reload by the same way.

use std::path::{Path, PathBuf};

use model::catalog::{self, Section};
use model::config::checked::{Checks, Target};
use model::config::load::{self, Loaded, Override, load, load_checks, load_made};
use model::config::report::{Place, Report, Source};
use model::config::server_url;
use model::limits;

use super::outside::World;
use crate::exit::Exit;
use crate::say;

/// What the operator gave: enough to load the configuration now, and again at a reload.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// `--config`.
    config: Option<PathBuf>,
    /// `--server`.
    server: Option<String>,
    /// Settings of the command line: option, key, value.
    settings: Vec<(String, String, String)>,
    /// The configuration is for the proxy, which needs something to serve.
    serves: bool,
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No file, or one that can't be read.
    File(String),
    /// Mistakes.
    Report(Report),
    /// The URL of `--server`.
    Url(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::File(text) | Refusal::Url(text) => f.write_str(text),
            Refusal::Report(report) => report.fmt(f),
        }
    }
}

impl Refusal {
    /// Tells the operator.
    pub(crate) fn say(&self) -> Exit {
        say::err(&self.to_string());
        Exit::Refused
    }
}

impl Given {
    /// A file, the one named or the first found.
    pub(crate) fn file(config: Option<PathBuf>) -> Self {
        Self { config, server: None, settings: Vec::new(), serves: false }
    }

    /// What `proxy` was given.
    pub(crate) fn proxy(
        config: Option<PathBuf>,
        server: Option<String>,
        settings: Vec<(String, String, String)>,
    ) -> Self {
        Self { config, server, settings, serves: true }
    }

    /// Reads and checks it all; reads files and the environment.
    pub(crate) fn load(&self) -> Result<Loaded, Refusal> {
        let overrides = self.overrides();
        if let Some(url) = &self.server {
            let url = server_url::parse(url).map_err(|refused| {
                let fix = refused.fix.map(|fix| format!("\n  = {fix}")).unwrap_or_default();
                Refusal::Url(format!("--server: error: {}{fix}", refused.problem))
            })?;
            return load_made(url.to_config(), "--server", &overrides, &World::here())
                .map_err(Refusal::Report);
        }
        let path = self.path()?;
        let text = read(&path)?;
        let world = World::beside(&path);
        let source = Source { path: path.display().to_string(), text };
        let loaded = load(source, &overrides, &world).map_err(Refusal::Report)?;
        if self.serves && loaded.config.is_for_looking_only() {
            return Err(Refusal::File(format!(
                "{}: error: the file has nothing to serve\n  \
                 = add [server.main], [database.\"*\"] and [user.app]: connwarden config init --output - shows them",
                path.display()
            )));
        }
        Ok(loaded)
    }

    /// One target of the file.
    fn target(&self, name: &str) -> Result<Target, Refusal> {
        let path = self.path()?;
        let source = Source { path: path.display().to_string(), text: read(&path)? };
        let (target, warnings) =
            load::target(source, name, &World::beside(&path)).map_err(Refusal::Report)?;
        for warning in warnings {
            say::err(&warning);
        }
        Ok(target)
    }

    /// `[checks]` of the file; the defaults where there is no file and nobody named one.
    pub(crate) fn checks(&self) -> Result<Checks, Refusal> {
        let named = self.config.is_some() || variable("CONNWARDEN_CONFIG").is_some();
        if !named && !places().iter().any(|path| path.exists()) {
            return Ok(Checks::with_defaults());
        }
        let path = self.path()?;
        let text = read(&path)?;
        load_checks(Source { path: path.display().to_string(), text }).map_err(Refusal::Report)
    }

    fn path(&self) -> Result<PathBuf, Refusal> {
        if let Some(path) = &self.config {
            return Ok(path.clone());
        }
        if let Some(path) = variable("CONNWARDEN_CONFIG") {
            return Ok(path.into());
        }
        let places = places();
        places.iter().find(|path| path.exists()).cloned().ok_or_else(|| {
            let looked: Vec<String> = places.iter().map(|path| format!("  {}", path.display())).collect();
            Refusal::File(format!(
                "error: there is no configuration file. Looked for:\n  $CONNWARDEN_CONFIG (not set)\n{}\n  \
                 = write one with: connwarden config init\n  \
                 = or serve one database without: connwarden proxy --server \"$DATABASE_URL\"",
                looked.join("\n")
            ))
        })
    }

    fn overrides(&self) -> Vec<Override> {
        // systemd makes this directory for the unit alone; with several, the first is the unit's own.
        let runtime = variable("RUNTIME_DIRECTORY").map(|dirs| Override {
            section: Section::Proxy,
            key: "unix_socket_dir".into(),
            text: dirs.split(':').next().unwrap_or(&dirs).to_owned(),
            place: Place::Environment("RUNTIME_DIRECTORY".into()),
        });
        let settings = self.settings.iter().map(|(option, key, text)| Override {
            section: if catalog::find(Section::Admin, key).is_some() {
                Section::Admin
            } else {
                Section::Proxy
            },
            key: key.clone(),
            text: text.clone(),
            place: Place::CommandLine(option.clone()),
        });
        runtime.into_iter().chain(settings).collect()
    }
}

/// What `--target` stands for, in the file that was named or the first that is found. Warnings are told.
pub(crate) fn target(name: &str, config: Option<PathBuf>) -> Result<Target, Refusal> {
    Given::file(config).target(name)
}

/// Where a file is looked for when nobody names one.
fn places() -> Vec<PathBuf> {
    let user = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
    let mut places = vec![PathBuf::from("connwarden.toml")];
    places.extend(user.map(|dir| dir.join("connwarden/connwarden.toml")));
    places.push("/etc/connwarden/connwarden.toml".into());
    places
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn read(path: &Path) -> Result<String, Refusal> {
    let refused = |why: String| Refusal::File(format!("{}: error: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| refused(reason(&error)))?;
    if size.is_dir() {
        return Err(refused("this is a directory; name the file in it".into()));
    }
    if size.len() > limits::FILE_BYTES_MAX {
        return Err(refused(format!("{} bytes are too many for a configuration", size.len())));
    }
    let bytes = std::fs::read(path).map_err(|error| refused(reason(&error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        refused(format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}

/// An error of the system in our words.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "the file does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "this user may not read the file".into(),
        _ => error.to_string(),
    }
}

/// Warnings of a configuration that was accepted.
pub(crate) fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        say::err(&loaded.source.describe("warning", warning));
    }
}
