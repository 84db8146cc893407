//! How far the slow answers lie from the usual ones, when many clients wait for few servers.

use std::time::Duration;

use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::{self, Arena};
use crate::load::fleet::Until;
use crate::load::script::Protocol;
use crate::pairs::Pairs;
use crate::report::{self, Table};

/// p99 / p50 under many clients before the null server, by turns with a peer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arena: arena::Args,
    /// Numbers of clients.
    #[arg(short, long, value_delimiter = ',', default_value = "100,1000,5000")]
    clients: Vec<usize>,
    #[arg(short = 'M', long, value_enum, default_value = "simple")]
    protocol: Protocol,
    /// Measurements of each side; the median counts.
    #[arg(long, default_value_t = 9)]
    pairs: usize,
    /// Length of one measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// The null server takes so many milliseconds for each query, so that both sides carry the same load; 0: at memory
    /// speed, so that each side goes as fast as it can.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    work: u64,
}

/// Runs the turns for each number of clients.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let most = args.clients.iter().copied().max().unwrap_or(1);
    let mut arena =
        Arena::open(&args.arena, if args.work > 0 { Kind::Paced(args.work) } else { Kind::Null }, most)?;
    let circumstances = arena.circumstances();
    let names = arena.pair_names()?;
    arena.start()?;
    let proxies = arena.pair()?;
    let [ours, theirs] = names.each_ref().map(|name| format!("{name} p99/p50"));
    let [ours_p99, theirs_p99] = names.each_ref().map(|name| format!("{name} p99"));
    let mut table = Table::new(&["clients", &ours, &theirs, "ratio", &ours_p99, &theirs_p99]);
    let mut results = Vec::new();
    let span = Duration::from_secs_f64(args.seconds);
    for &clients in &args.clients {
        let mut fleets = [
            super::fleet(proxies[0], clients, args.protocol)?,
            super::fleet(proxies[1], clients, args.protocol)?,
        ];
        for fleet in &mut fleets {
            fleet.run(Until::Elapsed(span.min(Duration::from_secs(1))))?;
        }
        let mut p99 = Pairs::default();
        let mut runs = Vec::new();
        let mut tails = Pairs::default();
        tails.measure(0..args.pairs, |at, side| {
            let figures = fleets[side as usize].run(Until::Elapsed(span))?.figures();
            let name = &proxies[side as usize].name;
            let tail = figures.p99_us / figures.p50_us;
            eprintln!(
                "{clients:5} clients {:2}/{} {name:12} p50 {:9.0} us  p99 {:9.0} us  p99/p50 {tail:.2}  {:.0}/s",
                at + 1,
                args.pairs,
                figures.p50_us,
                figures.p99_us,
                figures.per_second
            );
            p99.note(side, figures.p99_us);
            runs.push(json!({ "proxy": name, "figures": figures }));
            Ok(tail)
        })?;
        let (verdict, p99) = (tails.verdict(), p99.verdict());
        table.row(vec![
            clients.to_string(),
            format!("{:.2}", verdict.ours.median),
            format!("{:.2}", verdict.theirs.median),
            verdict.ratio.to_string(),
            format!("{:.1} ms", p99.ours.median / 1e3),
            format!("{:.1} ms", p99.theirs.median / 1e3),
        ]);
        results.push(json!({ "clients": clients, "p99_by_p50": verdict, "p99_us": p99, "runs": runs }));
    }
    report::publish("tail", args.arena.json.as_deref(), &table, &circumstances, &json!(results))
}
