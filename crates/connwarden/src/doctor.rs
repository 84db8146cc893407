//! `connwarden doctor`: advice, and the lines of a preset.

use clap::{Args, ValueEnum};
use inspect::catalog::{Sample, Setup, Wants};
use inspect::doctor::preset::{For, Format, Sheet};
use inspect::doctor::{BACKEND_BYTES, Evidence, Finding, examine};
use inspect::form::doctor as form;
use inspect::local;
use inspect::report::DoctorReport;
use model::preset::Preset;

use crate::exit::Exit;
use crate::output::{Form, OutputOptions};
use crate::server::{Failed, ServerOptions};
use crate::{say, value};

const EXAMPLES: &str = "\
Nothing is written to the server: run what it prints yourself, or put it into a file.
A rule that could not look says so, with the reason. Backends are measured where the
server runs on this machine and we may read its processes.

Examples:
  connwarden doctor -h db.internal -U postgres
  connwarden doctor --preset production --format conf > 50-connections.conf
  connwarden doctor --preset production --format compose --memory 4GB
  connwarden doctor --preset staging --format sql --memory 8GB --server-version 16
  connwarden doctor -o json | jq '.advice[].id'

Exit codes: 0 done, whatever was found; 3 server not reached, 64 usage.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct DoctorOptions {
    /// Add the lines of a preset
    #[arg(long, value_enum, value_name = "PRESET")]
    preset: Option<Environment>,
    /// Print the preset's lines and nothing else
    #[arg(long, value_enum, value_name = "FORMAT", requires = "preset", conflicts_with = "output")]
    format: Option<Lines>,
    /// Memory the server has, as 4GB; measured where it runs on this machine
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
    /// Ask no server: print the preset's lines for this version
    #[arg(long, value_name = "MAJOR", value_parser = major, requires = "format")]
    server_version: Option<u32>,
    /// Also what is in order
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Environment {
    Development,
    Staging,
    Production,
    HighLoad,
}

impl From<Environment> for Preset {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Development => Self::Development,
            Environment::Staging => Self::Staging,
            Environment::Production => Self::Production,
            Environment::HighLoad => Self::HighLoad,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lines {
    /// A piece of postgresql.conf
    Conf,
    /// The command of a service in a compose file
    Compose,
    /// ALTER SYSTEM statements
    Sql,
}

impl From<Lines> for Format {
    fn from(lines: Lines) -> Self {
        match lines {
            Lines::Conf => Self::Conf,
            Lines::Compose => Self::Compose,
            Lines::Sql => Self::Sql,
        }
    }
}

/// Memory of a machine.
fn memory(text: &str) -> Result<u64, String> {
    let bytes = value::size(text)?;
    if bytes < 64 << 20 { Err("between 64MB and 1024TB".to_owned()) } else { Ok(bytes) }
}

/// A major version; what stands behind a dot does not matter.
pub(crate) fn major(text: &str) -> Result<u32, String> {
    let number = text.split('.').next().unwrap_or_default();
    let major = number.parse().map_err(|_| "write the version's first number, like 16".to_owned())?;
    if major < 12 { Err("PostgreSQL 12 is the oldest that is known".to_owned()) } else { Ok(major) }
}

/// `doctor`.
pub(crate) async fn run(options: DoctorOptions) -> Exit {
    let preset = options.preset.map(Preset::from);
    if let (Some(preset), Some(format), Some(major)) = (preset, options.format, options.server_version) {
        let wanted = For { major, memory_bytes: options.memory, backend_bytes: BACKEND_BYTES, setup: None };
        say::out(&Sheet::of(preset, wanted).write(format.into()));
        return Exit::Done;
    }
    match look(&options).await {
        Ok((evidence, place)) => {
            tell(&options, &evidence, &place, preset);
            Exit::Done
        }
        Err(failed) => failed.say(&options.output),
    }
}

async fn look(options: &DoctorOptions) -> Result<(Evidence, String), Failed> {
    let mut connection = options.server.connect("connwarden doctor").await?;
    let sample = Sample::take(&mut connection, Wants::ALL).await?;
    let setup = Setup::take(&mut connection).await?;
    let facts = &sample.facts;
    let pids: Vec<i32> = sample.slot_holders().map(|session| session.pid).collect();
    let machine = local::machine(facts.pid, &facts.user, &facts.dbname, &pids);
    let announced_pid = connection.announced_pid();
    let place = connection.place().to_owned();
    connection.close().await;
    Ok((Evidence { sample, setup, machine, memory_said_bytes: options.memory, announced_pid }, place))
}

fn tell(options: &DoctorOptions, evidence: &Evidence, place: &str, preset: Option<Preset>) {
    let sheet = preset.map(|preset| Sheet::of(preset, evidence.wants()));
    if let (Some(format), Some(sheet)) = (options.format, &sheet) {
        say::out(&sheet.write(format.into()));
        return;
    }
    let findings: Vec<Finding> = examine(evidence);
    let report = DoctorReport::of(evidence, &findings, place, sheet.as_ref());
    let lines = || sheet.as_ref().map(|sheet| format!("\n{}", sheet.write(Format::Conf))).unwrap_or_default();
    match options.output.form() {
        Form::Human => {
            say::out(&format!("{}{}", form::human(&report, options.output.style(), options.all), lines()));
        }
        Form::Plain => say::out(&format!("{}{}", form::plain(&report), lines())),
        Form::Json => say::json(&report),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(
            ["4GB", "4GiB", "4g", "1.5 GB", "512MB"].map(|text| memory(text).unwrap() >> 20),
            [4096, 4096, 4096, 1536, 512]
        );
        for text in ["4", "", "GB", "4 apples", "1MB", "-4GB", "9e99GB"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_told_by_their_first_number() {
        assert_eq!(["16", "16.4", "18"].map(|text| major(text).unwrap()), [16, 16, 18]);
        assert!(major("9.6").is_err() && major("sixteen").is_err());
    }
}
