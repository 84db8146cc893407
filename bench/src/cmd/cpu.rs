//! The main figure: CPU time of the proxy itself for one transaction, beside a peer's in the same minutes.

use std::ops::Range;
use std::time::Duration;

use serde_json::json;

use crate::arena::backend::Kind;
use crate::arena::contestant::Running;
use crate::arena::pgbench::{self, Work};
use crate::arena::{self, Arena};
use crate::load::fleet::{Fleet, Until};
use crate::load::script::Protocol;
use crate::pairs::{self, Pairs, Side};
use crate::proc::CpuTime;
use crate::report::{self, Table};

/// CPU time of the proxy per transaction, in interleaved pairs against a peer.
///
/// Before PostgreSQL the load is `pgbench -S`; before the null server it is the own load generator.
/// The ratio is ours / theirs: the median of the pairs, with a 95 % bootstrap interval.
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
    /// Length of one measurement; with pgbench whole seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    #[arg(short, long, default_value_t = 64)]
    clients: usize,
}

/// The load of one protocol.
enum Load<'a> {
    Pgbench { arena: &'a Arena, protocol: Protocol, clients: usize },
    Own { fleets: Box<[Fleet; 2]> },
}

impl<'a> Load<'a> {
    fn new(
        arena: &'a Arena,
        proxies: [&Running; 2],
        protocol: Protocol,
        args: &Args,
    ) -> anyhow::Result<Self> {
        let clients = args.clients;
        Ok(match args.backend {
            Kind::Postgres => Self::Pgbench { arena, protocol, clients },
            Kind::Null | Kind::Paced(_) => Self::Own {
                fleets: Box::new([
                    super::fleet(proxies[0], clients, protocol)?,
                    super::fleet(proxies[1], clients, protocol)?,
                ]),
            },
        })
    }

    /// Loads one side; its transactions.
    fn run(&mut self, proxy: &Running, side: Side, span: Duration) -> anyhow::Result<u64> {
        match self {
            Self::Pgbench { arena, protocol, clients } => {
                pgbench::select_only(&arena.tools, proxy.port, *protocol, *clients, Work::Seconds(span))
            }
            Self::Own { fleets } => Ok(fleets[side as usize].run(Until::Elapsed(span))?.count()),
        }
    }
}

/// Runs the pairs of each protocol.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut arena = Arena::open(&args.arena, args.backend, args.clients)?;
    let circumstances = arena.circumstances();
    let [ours, theirs] = arena.pair_names()?;
    let mut table = Table::new(&["protocol", &ours, &theirs, "ratio", "sd of one pair"]);
    let mut results = Vec::new();
    for protocol in Protocol::ALL.into_iter().filter(|&one| args.protocol.is_none_or(|wanted| wanted == one))
    {
        let mut measured = Measured::default();
        for numbers in pairs::rounds(args.pairs, args.starts) {
            arena.start()?;
            measured.round(&arena, protocol, numbers, args)?;
        }
        let verdict = measured.us.verdict();
        table.row(vec![
            protocol.name().to_owned(),
            format!("{:.2} us", verdict.ours.median),
            format!("{:.2} us", verdict.theirs.median),
            verdict.ratio.to_string(),
            format!("{:.3}", verdict.ratio_deviation),
        ]);
        results.push(json!({
            "protocol": protocol,
            "unit": "microseconds of the proxy's CPU per transaction",
            "verdict": verdict,
            "pairs": measured.us,
            // The same from utime + stime: it must agree within some percent.
            "ratio_by_clock_ticks": measured.ticks.verdict().ratio,
        }));
    }
    report::publish("cpu", args.arena.json.as_deref(), &table, &circumstances, &json!(results))
}

/// CPU per transaction by two clocks.
#[derive(Default)]
struct Measured {
    us: Pairs,
    ticks: Pairs,
}

impl Measured {
    /// Some pairs, with the proxies just started.
    fn round(
        &mut self,
        arena: &Arena,
        protocol: Protocol,
        numbers: Range<usize>,
        args: &Args,
    ) -> anyhow::Result<()> {
        let proxies = arena.pair()?;
        let mut load = Load::new(arena, proxies, protocol, args)?;
        let span = Duration::from_secs_f64(args.seconds);
        for side in Side::order(numbers.start) {
            // Pools fill, caches warm.
            load.run(proxies[side as usize], side, span.min(Duration::from_secs(1)))?;
        }
        let Self { us, ticks } = self;
        us.measure(numbers, |at, side| {
            let proxy = proxies[side as usize];
            let before = CpuTime::of(proxy.pid())?;
            let transactions = load.run(proxy, side, span)? as f64;
            let used = CpuTime::of(proxy.pid())?.since(before);
            let us = used.ns as f64 / 1e3 / transactions;
            eprintln!(
                "{:8} pair {:2}/{} {:12} {us:7.2} us of CPU per transaction, {transactions} transactions",
                protocol.name(),
                at + 1,
                args.pairs,
                proxy.name
            );
            ticks.note(side, used.ticks.max(1) as f64 / transactions);
            Ok(us)
        })
    }
}
