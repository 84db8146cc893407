//! The command line: what can be written, and what `--help` says about it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use model::config::checked::SecretText;

use crate::closing::cancel::CancelOptions;
use crate::closing::close_idle::CloseIdleOptions;
use crate::closing::force_close::ForceCloseOptions;
use crate::doctor::DoctorOptions;
use crate::explain::ExplainOptions;
use crate::grants::GrantsOptions;
use crate::health::HealthOptions;
use crate::monitor::{MonitorOptions, ReplayOptions};
use crate::paper::{CompletionsOptions, ManOptions};
use crate::plan::PlanOptions;
use crate::status::StatusOptions;

/// The version line: `connwarden 0.1.0 (1a2b3c4, 2026-01-31)`.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CONNWARDEN_BUILD"), ")");

const EXAMPLES: &str = "\
Examples:
  connwarden status -h db.internal -U postgres     who holds the connections
  connwarden plan check                            what the services deployed from here may open
  connwarden proxy --server \"$DATABASE_URL\"        serve one database, no file
  connwarden config init --from \"$DATABASE_URL\"    a file made from what the server has
  connwarden config check                          all that is wrong with it
  connwarden proxy                                 serve what the file says

The file is the first found of --config, $CONNWARDEN_CONFIG, ./connwarden.toml,
$XDG_CONFIG_HOME/connwarden/connwarden.toml and /etc/connwarden/connwarden.toml.

Exit codes: 0 done, 2 nothing done, 3 server not reached, 64 usage,
78 configuration refused, 130 interrupted.";

/// Keeps a PostgreSQL server inside its connection limit.
#[derive(Debug, Parser)]
#[command(name = "connwarden", version = VERSION, after_help = EXAMPLES)]
#[command(disable_help_flag = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    help: HelpOption,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// In the commands that log in, `-h` is the host.
#[derive(Args, Clone, Debug)]
pub(crate) struct HelpOption {
    /// Print help
    #[arg(short = 'h', short_alias = '?', long, action = ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show who holds the connections of a server
    Status(Box<StatusOptions>),
    /// Judge a server's connections: one verdict, for people and for monitoring
    Health(Box<HealthOptions>),
    /// Say what an error text, an SQLSTATE or a check means, and what to do
    Explain(Box<ExplainOptions>),
    /// Watch a server: a live view on a terminal, a line per look in a pipe
    Monitor(Box<MonitorOptions>),
    /// Look at what `monitor --record` wrote
    Replay(Box<ReplayOptions>),
    /// Close sessions that do nothing and would lose nothing
    CloseIdle(Box<CloseIdleOptions>),
    /// Close sessions whatever they do
    ForceClose(Box<ForceCloseOptions>),
    /// Cancel running statements; their sessions stay
    Cancel(Box<CancelOptions>),
    /// Advise on settings and roles, with what to write
    Doctor(Box<DoctorOptions>),
    /// Print the rights that looking and acting need, as SQL
    Grants(Box<GrantsOptions>),
    /// Add up what deployed services may open, and size their pools
    #[command(disable_help_flag = true, disable_help_subcommand = true)]
    Plan(PlanOptions),
    /// Serve: pool the connections of many clients over few of the server
    Proxy(Box<ProxyOptions>),
    /// Write, check and show the configuration
    #[command(disable_help_flag = true, disable_help_subcommand = true)]
    Config {
        #[command(flatten)]
        help: HelpOption,
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// Print completions for a shell
    Completions(CompletionsOptions),
    /// Print the manual
    Man(ManOptions),
}

const CHECK: &str = "\
Every mistake is reported at once, each with its place and what to write
instead. Secrets are fetched as a start would fetch them and never printed.

Examples:
  connwarden config check
  connwarden config check --config /etc/connwarden/connwarden.toml

Exit codes: 0 it can be used (warnings go to standard error), 78 refused.";

const SHOW: &str = "\
The output is a file that says the same: behind each value stands where it came
from. Secrets print ***.

Examples:
  connwarden config show --changed         only what somebody set
  connwarden config show | grep timeout";

const INIT: &str = "\
With --from, the server is asked for its databases, its roles and its limit.
Passwords are not written into the file: it names variables of the environment.
A password that is not in the DSN is taken from $PGPASSWORD or ~/.pgpass.

Examples:
  connwarden config init
  connwarden config init --from postgres://postgres@db.internal/postgres
  connwarden config init --output -        look at it first";

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say all that is wrong with the configuration
    #[command(after_help = CHECK)]
    Check(CheckOptions),
    /// Print every setting with its value and where it came from
    #[command(after_help = SHOW)]
    Show(ShowOptions),
    /// Write a starter file
    #[command(after_help = INIT)]
    Init(InitOptions),
}

#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    help: HelpOption,
    #[command(flatten)]
    pub(crate) file: FileOption,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct FileOption {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct ShowOptions {
    #[command(flatten)]
    help: HelpOption,
    #[command(flatten)]
    pub(crate) file: FileOption,
    /// Leave the defaults out
    #[arg(long)]
    pub(crate) changed: bool,
}

#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct InitOptions {
    #[command(flatten)]
    help: HelpOption,
    /// Ask this server for its databases and roles: a URL or "host=... user=..."
    #[arg(long, value_name = "DSN", value_parser = crate::server::secret)]
    pub(crate) from: Option<SecretText>,
    /// Where to write; - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "connwarden.toml")]
    pub(crate) output: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

const PROXY: &str = "\
Options win over the file. Any setting of [proxy] and [admin] can be given by
--set; docs/settings.md lists them all.

Examples:
  connwarden proxy
  connwarden proxy --server \"$DATABASE_URL\" --listen-port 6432 --pool-size 10
  connwarden proxy --config shop.toml --set query_timeout=30s

Then:
  psql -h 127.0.0.1 -p 6432 -U USER DBNAME
  psql -h 127.0.0.1 -p 6432 -U USER connwarden -c 'SHOW POOLS'";

#[derive(Args, Clone, Debug)]
#[command(after_help = PROXY, disable_help_flag = true)]
pub(crate) struct ProxyOptions {
    #[command(flatten)]
    pub(crate) help: HelpOption,
    /// The configuration file
    #[arg(short, long, value_name = "FILE", conflicts_with = "server")]
    pub(crate) config: Option<PathBuf>,
    /// No file: serve this database for this user, with this password on both sides
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Write the bound addresses here once clients can connect
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingOptions,
}

/// Options that stand for a setting. Their values are read by the configuration's own rules.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingOptions {
    /// Addresses to listen on, apart by commas; * for all
    #[arg(long, value_name = "ADDR")]
    listen_addr: Option<String>,
    /// Port to listen on; 0 lets the system choose
    #[arg(short = 'p', long, value_name = "PORT")]
    listen_port: Option<String>,
    /// Directory of the unix socket; empty for none
    #[arg(long, value_name = "DIR")]
    unix_socket_dir: Option<String>,
    /// Threads that relay
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Servers per pool (default_pool_size)
    #[arg(long, value_name = "N")]
    pool_size: Option<String>,
    /// session, transaction or statement
    #[arg(long, value_name = "MODE")]
    pool_mode: Option<String>,
    /// Clients that may be connected
    #[arg(long, value_name = "N")]
    max_client_conn: Option<String>,
    /// Address for /metrics, /livez and /readyz
    #[arg(long, value_name = "ADDR:PORT")]
    metrics_listen: Option<String>,
    /// How long a stop waits for work in progress
    #[arg(long, value_name = "TIME")]
    drain_timeout: Option<String>,
    /// human, json or journal
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// More log; repeatable
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Any setting of [proxy] or [admin]; repeatable
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

/// `KEY=VALUE`; the value may be empty.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

impl SettingOptions {
    /// What was given: the option as it was written, the key, the value. `--set` comes last and wins.
    pub(crate) fn given(&self) -> Vec<(String, String, String)> {
        let named = [
            ("--listen-addr", "listen_addr", &self.listen_addr),
            ("--listen-port", "listen_port", &self.listen_port),
            ("--unix-socket-dir", "unix_socket_dir", &self.unix_socket_dir),
            ("--workers", "workers", &self.workers),
            ("--pool-size", "default_pool_size", &self.pool_size),
            ("--pool-mode", "pool_mode", &self.pool_mode),
            ("--max-client-conn", "max_client_conn", &self.max_client_conn),
            ("--metrics-listen", "metrics_listen", &self.metrics_listen),
            ("--drain-timeout", "drain_timeout", &self.drain_timeout),
            ("--log-format", "log_format", &self.log_format),
        ];
        let named = named.into_iter().filter_map(|(option, key, value)| {
            value.as_ref().map(|value| (option.to_owned(), key.to_owned(), value.clone()))
        });
        let verbose = (self.verbose > 0)
            .then(|| ("--verbose".to_owned(), "verbose".to_owned(), self.verbose.min(3).to_string()));
        let set = self.set.iter().map(|(key, value)| (format!("--set {key}"), key.clone(), value.clone()));
        named.chain(verbose).chain(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        super::Cli::command().debug_assert();
    }

    /// Clap itself looks for this in builds with debug assertions only.
    #[test]
    fn no_two_arguments_of_a_command_share_a_name() {
        let mut root = super::Cli::command();
        root.build();
        for command in std::iter::once(&root).chain(root.get_subcommands()) {
            let mut names: Vec<String> = Vec::new();
            for argument in command.get_arguments() {
                names.push(argument.get_id().to_string());
                names.extend(argument.get_long().map(|long| format!("--{long}")));
                names.extend(argument.get_short().map(|short| format!("-{short}")));
            }
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "{}", command.get_name());
        }
    }
}
