//! What a client costs that only stays connected.

use std::time::Duration;

use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::contestant::Running;
use crate::arena::{self, Arena};
use crate::load::fleet::Until;
use crate::load::script::Protocol;
use crate::proc::resident_bytes;
use crate::report::{self, Table};

/// Resident memory of the proxy for each client at rest.
///
/// Memory in the kernel's sockets is not counted: it is the same for every proxy.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arena: arena::Args,
    #[arg(short, long, default_value_t = 10_000)]
    clients: usize,
    /// Every client asks once before it rests, with this protocol.
    #[arg(long, value_enum)]
    touch: Option<Protocol>,
    /// Rest before the memory is read again.
    #[arg(long, default_value_t = 10.0)]
    rest_seconds: f64,
}

/// Resident bytes at three moments.
struct Resident {
    before: u64,
    logged_in: u64,
    rested: u64,
}

/// Measures each contestant by itself.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // One after the other: ten thousand clients of two proxies are more descriptors than many a machine allows.
    let arena = Arena::open_for(&args.arena, Kind::Null, args.clients, 1)?;
    let mut table = Table::new(&["proxy", "before", "logged in", "after rest", "per client"]);
    let mut results = Vec::new();
    for at in 0..arena.contestants().len() {
        let proxy = arena.start_one(at, Vec::new())?;
        let resident = measure(&proxy, args)?;
        let per_client = (resident.rested as f64 - resident.before as f64) / args.clients as f64;
        let kib = |bytes: u64| format!("{} KiB", bytes / 1024);
        table.row(vec![
            proxy.name.clone(),
            kib(resident.before),
            kib(resident.logged_in),
            kib(resident.rested),
            format!("{per_client:.0} B"),
        ]);
        results.push(json!({
            "proxy": proxy.name,
            "clients": args.clients,
            "touched": args.touch,
            "resident_bytes_before": resident.before,
            "resident_bytes_logged_in": resident.logged_in,
            "resident_bytes_rested": resident.rested,
            "bytes_per_client": per_client,
        }));
        proxy.stop()?;
    }
    report::publish("idle", args.arena.json.as_deref(), &table, &arena.circumstances(), &json!(results))
}

fn measure(proxy: &Running, args: &Args) -> anyhow::Result<Resident> {
    // One client comes and goes first: what the proxy allocates once is not a client's cost.
    super::fleet(proxy, 1, Protocol::Simple)?.run(Until::Transactions(1))?;
    std::thread::sleep(Duration::from_millis(200));
    let before = resident_bytes(proxy.pid())?;
    eprintln!("{}: {} KiB before, logging in {} clients", proxy.name, before / 1024, args.clients);
    let mut fleet = super::fleet(proxy, args.clients, args.touch.unwrap_or(Protocol::Simple))?;
    if args.touch.is_some() {
        fleet.run(Until::Transactions(args.clients as u64))?;
    }
    let logged_in = resident_bytes(proxy.pid())?;
    eprintln!("{}: {} KiB logged in, resting", proxy.name, logged_in / 1024);
    std::thread::sleep(Duration::from_secs_f64(args.rest_seconds));
    let rested = resident_bytes(proxy.pid())?;
    Ok(Resident { before, logged_in, rested })
}
