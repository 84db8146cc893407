//! Where warning and critical begin: defaults, then `[checks]` of the file, then options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use inspect::census::Thresholds;
use inspect::checks::Limits;
use model::config::checked::Checks;

use crate::config::{Given, Refusal};
use crate::value::{duration, percent};

/// Options that stand for a threshold.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Thresholds (above it is bad; also [checks] of connwarden.toml)")]
pub(crate) struct ThresholdOptions {
    /// Slots taken, in per cent of the usable ones [70]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    warn: Option<f64>,
    /// The same, critical [85]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    crit: Option<f64>,
    /// Idle sessions, in per cent of all, once 60 % of the slots are taken [50]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    idle_warn: Option<f64>,
    /// Idle in a transaction [1m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle_tx_warn: Option<Duration>,
    /// The same, critical [5m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle_tx_crit: Option<Duration>,
    /// Age of a running statement [5m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    long_query_warn: Option<Duration>,
    /// New sessions a second, of fewer than 3 transactions each [20]
    #[arg(long, value_name = "N")]
    churn_warn: Option<u32>,
}

impl ThresholdOptions {
    /// The thresholds that hold.
    pub(crate) fn over(&self, mut limits: Limits) -> Result<Limits, String> {
        let set = |place: &mut f64, value: Option<f64>| *place = value.unwrap_or(*place);
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        set(&mut limits.utilization.warn, self.warn);
        set(&mut limits.utilization.crit, self.crit);
        set(&mut limits.idle_warn_percent, self.idle_warn);
        set(&mut limits.idle_tx_warn_s, seconds(self.idle_tx_warn));
        set(&mut limits.idle_tx_crit_s, seconds(self.idle_tx_crit));
        set(&mut limits.long_query_warn_s, seconds(self.long_query_warn));
        set(&mut limits.churn_warn_per_s, self.churn_warn.map(f64::from));
        match limits.out_of_order() {
            Some((warn, crit)) => Err(format!("--{warn} is above --{crit}: there would be no warning")),
            None => Ok(limits),
        }
    }
}

/// Thresholds of the file, the one named or the first found; the defaults without one.
pub(crate) fn of_file(config: Option<PathBuf>) -> Result<Limits, Refusal> {
    Given::file(config).checks().map(|checks| of(&checks))
}

fn of(checks: &Checks) -> Limits {
    let percents = |warn: u8, crit: u8| Thresholds { warn: warn.into(), crit: crit.into() };
    Limits {
        utilization: percents(checks.warn.0, checks.crit.0),
        idle_warn_percent: checks.idle_warn.0.into(),
        idle_tx_warn_s: checks.idle_tx_warn.as_secs_f64(),
        idle_tx_crit_s: checks.idle_tx_crit.as_secs_f64(),
        churn_warn_per_s: checks.churn_warn.into(),
        role_and_database: percents(checks.limit_warn.0, checks.limit_crit.0),
        long_query_warn_s: checks.long_query_warn.as_secs_f64(),
        blocked_warn_s: checks.blocked_warn.as_secs_f64(),
        blocked_crit_s: checks.blocked_crit.as_secs_f64(),
        full_within_warn_s: checks.full_within_warn.as_secs_f64(),
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use model::config::load::load_checks;
    use model::config::report::Source;

    use super::*;

    #[test]
    fn the_defaults_of_the_file_are_those_of_the_checks() {
        assert_eq!(of(&Checks::with_defaults()), Limits::default());
    }

    #[test]
    fn every_threshold_of_the_file_reaches_its_check() {
        let text = "[checks]\nwarn = \"1%\"\ncrit = \"2%\"\nidle_warn = \"3%\"\nidle_tx_warn = \"4s\"\nidle_tx_crit = \"5s\"\n\
                    long_query_warn = \"6s\"\nchurn_warn = 7\nlimit_warn = \"8%\"\nlimit_crit = \"9%\"\nblocked_warn = \"10s\"\n\
                    blocked_crit = \"11s\"\nfull_within_warn = \"12s\"\n";
        let checks = load_checks(Source { path: "c.toml".into(), text: text.into() }).unwrap();
        let limits = of(&checks);
        let reached = [
            limits.utilization.warn,
            limits.utilization.crit,
            limits.idle_warn_percent,
            limits.idle_tx_warn_s,
            limits.idle_tx_crit_s,
            limits.long_query_warn_s,
            limits.churn_warn_per_s,
            limits.role_and_database.warn,
            limits.role_and_database.crit,
            limits.blocked_warn_s,
            limits.blocked_crit_s,
            limits.full_within_warn_s,
        ];
        assert_eq!(reached, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn an_option_wins_over_the_file_and_no_warning_comes_behind_its_alarm() {
        let options = ThresholdOptions { warn: Some(80.0), ..ThresholdOptions::default() };
        assert_eq!(
            options.over(Limits::default()).unwrap().utilization,
            Thresholds { warn: 80.0, crit: 85.0 }
        );
        let options = ThresholdOptions { warn: Some(90.0), ..ThresholdOptions::default() };
        assert!(options.over(Limits::default()).is_err());
    }
}
