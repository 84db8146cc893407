//! Mean latency of a lone client.

use std::time::Duration;

use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::{self, Arena};
use crate::load::fleet::Until;
use crate::load::script::Protocol;
use crate::pairs::{self, Pairs};
use crate::report::{self, Table};

/// Mean latency of one client, in interleaved pairs against a peer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arena: arena::Args,
    /// What stands behind the proxies.
    #[arg(long, value_enum, default_value = "postgres")]
    backend: Kind,
    /// One protocol instead of all three.
    #[arg(short = 'M', long, value_enum)]
    protocol: Option<Protocol>,
    #[arg(long, default_value_t = 40)]
    pairs: usize,
    /// Start both proxies anew this many times among the pairs.
    #[arg(long, default_value_t = 8)]
    starts: usize,
    /// Length of one measurement.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// Runs the pairs of each protocol.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut arena = Arena::open(&args.arena, args.backend, 1)?;
    let circumstances = arena.circumstances();
    let [ours, theirs] = arena.pair_names()?;
    let mut table = Table::new(&["protocol", &ours, &theirs, "ratio", "sd of one pair"]);
    let mut results = Vec::new();
    let span = Duration::from_secs_f64(args.seconds);
    for protocol in Protocol::ALL.into_iter().filter(|&one| args.protocol.is_none_or(|wanted| wanted == one))
    {
        let mut means = Pairs::default();
        for numbers in pairs::rounds(args.pairs, args.starts) {
            arena.start()?;
            let proxies = arena.pair()?;
            let mut fleets = [super::fleet(proxies[0], 1, protocol)?, super::fleet(proxies[1], 1, protocol)?];
            for fleet in &mut fleets {
                fleet.run(Until::Elapsed(span.min(Duration::from_secs(1))))?;
            }
            means.measure(numbers, |at, side| {
                let mean = fleets[side as usize].run(Until::Elapsed(span))?.figures().mean_us;
                let name = &proxies[side as usize].name;
                eprintln!(
                    "{:8} pair {:2}/{} {name:12} {mean:7.2} us mean",
                    protocol.name(),
                    at + 1,
                    args.pairs
                );
                Ok(mean)
            })?;
        }
        let verdict = means.verdict();
        table.row(vec![
            protocol.name().to_owned(),
            format!("{:.1} us", verdict.ours.median),
            format!("{:.1} us", verdict.theirs.median),
            verdict.ratio.to_string(),
            format!("{:.3}", verdict.ratio_deviation),
        ]);
        results.push(json!({
            "protocol": protocol,
            "unit": "microseconds of mean latency, one client",
            "verdict": verdict,
            "pairs": means,
        }));
    }
    report::publish("latency", args.arena.json.as_deref(), &table, &circumstances, &json!(results))
}
