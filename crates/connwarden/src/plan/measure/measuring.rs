//! One measurement on its way: calibration, then a round for each size.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use inspect::report::Failure;
use plan::measure::{Calibration, Load, MeasureReport, MeasuredReport, Round};
use plan::script::Script;
use plan::simulate::{Arrivals, Hold, Scenario, Server, Spreading};

use super::pool::{APPLICATION, Pool};
use super::round::{self, GRACE, Play, Stop};
use super::{MeasureOptions, WARM_UP_PART, calibrating, tell};
use crate::exit::Exit;
use crate::server::{Entrance, Failed};
use crate::value;

/// One measurement on its way.
pub(super) struct Measuring {
    script: Rc<Script>,
    variables: Rc<BTreeMap<String, i64>>,
    sizes: Vec<u32>,
    load: Load,
    duration: Duration,
    cores: u32,
    cores_assumed: bool,
    seed: u64,
    entrance: Entrance,
    /// The connections of the round that is played.
    pool: Option<Rc<Pool>>,
}

impl Measuring {
    pub(super) fn of(options: &MeasureOptions, script: Script, sizes: Vec<u32>, entrance: Entrance) -> Self {
        let largest = sizes.last().copied().unwrap_or(1);
        let here = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self {
            script: Rc::new(script),
            variables: Rc::new(options.what.variables()),
            load: options.load(largest),
            sizes,
            duration: options.duration,
            cores: options.cores.unwrap_or(u32::try_from(here).unwrap_or(u32::MAX)),
            cores_assumed: options.cores.is_none(),
            seed: options.seed,
            entrance,
            pool: None,
        }
    }

    /// All of it. Dropped on its way, it leaves connections to [`Measuring::end`].
    pub(super) async fn all(&mut self) -> Result<MeasureReport, Failed> {
        // Whatever is to be asked or told at the door is asked and told once, before many come in.
        let first = self.entrance.connect(APPLICATION).await?;
        first.close_and_wait(GRACE).await;
        let calibration = self.calibrate().await?;
        let mut rows = Vec::new();
        for size in self.sizes.clone() {
            let what = format!("{size} connections");
            let round = self.round(&what, size, self.load, self.duration).await?;
            if round.timings.is_empty() && round.waiting_at_end == 0 {
                return Err(nothing_ended(&what, self.duration));
            }
            let outcome = plan::simulate::run(&self.scenario(&calibration, size));
            rows.push(MeasuredReport::of(size, &round, outcome.as_ref().map_err(Vec::as_slice)));
        }
        Ok(MeasureReport::of(self.load, self.cores, self.cores_assumed, &calibration, rows))
    }

    /// Ends the connections of the round that is played, if one is. The number of those that did not leave in time.
    pub(super) async fn end(&mut self) -> u32 {
        match self.pool.take() {
            Some(pool) => pool.close().await,
            None => 0,
        }
    }

    /// Alone, then flat out: what the simulation knows of this script and this server.
    async fn calibrate(&mut self) -> Result<Calibration, Failed> {
        let largest = self.sizes.last().copied().unwrap_or(1);
        let alone = self.calibrating("alone", 1).await?;
        let full = self.calibrating("flat out", largest).await?;
        Ok(Calibration::of(&alone, &full, largest, self.cores))
    }

    async fn calibrating(&mut self, what: &str, size: u32) -> Result<Round, Failed> {
        let counted = calibrating(self.duration);
        let round = self.round(what, size, Load::Clients(size), counted).await?;
        if round.timings.is_empty() { Err(nothing_ended(what, counted)) } else { Ok(round) }
    }

    async fn round(&mut self, what: &str, size: u32, load: Load, counted: Duration) -> Result<Round, Failed> {
        tell(&format!("{what}: opening"));
        let warm_up = counted.mul_f64(WARM_UP_PART);
        let pool = Rc::new(Pool::new(self.entrance.clone(), warm_up + counted + GRACE));
        self.pool = Some(Rc::clone(&pool));
        for _ in 0..size {
            pool.grow().await?;
        }
        tell(&format!("{what}: {}", value::said(counted)));
        let play = Play {
            script: Rc::clone(&self.script),
            variables: Rc::clone(&self.variables),
            load,
            warm_up,
            counted,
            seed: self.seed,
        };
        let played = round::play(play, Rc::clone(&pool)).await;
        tell(&format!("{what}: closing"));
        let staying = self.end().await;
        let mut round = played.map_err(|stop| stopped(stop, &pool))?;
        round.staying = staying;
        match &round.first_failure {
            Some(why) if round.timings.is_empty() => Err(nothing(
                format!("the script does not run: {why}"),
                "try it with psql first; pgbench -i makes the tables of the built-in scripts; --timeout gives it more time",
            )),
            Some(_) | None => Ok(round),
        }
    }

    fn scenario(&self, calibration: &Calibration, pool_size: u32) -> Scenario {
        let duration_s = self.duration.as_secs_f64() * (1.0 + WARM_UP_PART);
        Scenario {
            arrivals: match self.load {
                Load::Clients(count) => Arrivals::Clients { count, think_s: 0.0 },
                Load::Rate(rate_per_s) => Arrivals::Poisson { rate_per_s },
            },
            hold: Hold::Empirical(calibration.holds_s.clone()),
            application_share: calibration.application_share,
            pool_size,
            processes: 1,
            spreading: Spreading::Random,
            server: Server { cores: Some(self.cores), sigma: 0.0, kappa: 0.0 },
            waiting_max: None,
            wait_timeout_s: None,
            duration_s,
            warm_up_s: self.duration.as_secs_f64() * WARM_UP_PART,
            seed: self.seed,
        }
    }
}

fn nothing(message: String, hint: &str) -> Failed {
    Failed::new(Failure::Config, Exit::Nothing, message, Some(hint.to_owned()))
}

fn nothing_ended(what: &str, counted: Duration) -> Failed {
    let counted = value::said(counted);
    nothing(
        format!("{what}: no run of the script ended in the {counted} that count"),
        "raise --duration: half of it, and a second at least, is what each calibrating round has",
    )
}

fn stopped(stop: Stop, pool: &Pool) -> Failed {
    match stop {
        Stop::LeftOpen => nothing(
            "the script leaves a transaction open; it was rolled back".into(),
            "end it with END, COMMIT or ROLLBACK: a pool would lend the connection with the transaction in it",
        ),
        Stop::Unfit(finding) => {
            let place = finding.place.map(|place| format!("{place}: ")).unwrap_or_default();
            nothing(format!("{place}{}", finding.message), &finding.fix)
        }
        Stop::NoneLeft => {
            let message = "no connection is left, and none can be had";
            match pool.first_missing() {
                Some(mut failed) => {
                    failed.report.message = format!("{message}: {}", failed.report.message);
                    failed
                }
                None => Failed::new(Failure::Network, Exit::Unreached, message.into(), None),
            }
        }
    }
}
