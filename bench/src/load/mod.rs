//! The load generator: clients that speak the protocol, on one thread, and a record of how long answers took.

mod client;
pub(crate) mod fleet;
pub(crate) mod outcome;
pub(crate) mod script;
mod storm;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::line::Place;
use fleet::{Fleet, Until};
use script::{Protocol, Script, Target};

/// Load a PostgreSQL-speaking server and print latencies as JSON.
///
/// Only trust authentication, only what listens on this machine. Every client asks again as soon as it is answered.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Port on 127.0.0.1.
    #[arg(long, default_value_t = 6432, conflicts_with = "socket")]
    port: u16,
    /// A unix socket instead.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    #[arg(long, default_value = "bench")]
    user: String,
    #[arg(long, default_value = "bench")]
    dbname: String,
    /// Clients that ask; with --storm, visits at one time.
    #[arg(short, long, default_value_t = 64)]
    clients: usize,
    /// More clients that log in and rest meanwhile.
    #[arg(long, default_value_t = 0, conflicts_with = "storm")]
    idle: usize,
    #[arg(short = 'M', long, value_enum, default_value = "simple")]
    protocol: Protocol,
    /// Stop after this many seconds.
    #[arg(short = 'T', long, default_value_t = 5.0, conflicts_with = "count")]
    seconds: f64,
    /// Stop after this many transactions instead, over all clients.
    #[arg(short = 't', long)]
    count: Option<u64>,
    /// Connect, ask once, leave, again.
    #[arg(long)]
    storm: bool,
    /// The statement; it has no parameters.
    #[arg(long, default_value = "select 1")]
    query: String,
}

/// Runs the load and prints its figures.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let place = match &args.socket {
        Some(path) => Place::Unix(path.clone()),
        None => Place::Tcp(SocketAddr::from(([127, 0, 0, 1], args.port))),
    };
    let target = Target { place, user: args.user.clone(), dbname: args.dbname.clone() };
    let until = match args.count {
        Some(count) => Until::Transactions(count),
        None => Until::Elapsed(Duration::from_secs_f64(args.seconds)),
    };
    let mut answer = json!({
        "target": target.place.to_string(),
        "protocol": args.protocol,
        "clients": args.clients,
        "idle": args.idle,
    });
    if args.storm {
        let script = Script::new(&target, args.protocol, &args.query);
        answer["storm"] = json!(storm::run(&target, args.clients, until, &script)?.figures());
    } else {
        // Held until the run is over, resting.
        let _idle = Fleet::login(&target, args.idle, Protocol::Simple, &args.query)?;
        let mut fleet = Fleet::login(&target, args.clients, args.protocol, &args.query)?;
        answer["logins"] = json!(fleet.logins.figures());
        answer["transactions"] = json!(fleet.run(until)?.figures());
    }
    println!("{answer:#}");
    Ok(())
}
