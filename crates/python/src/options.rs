//! What callers say: sessions that are meant, thresholds, and the way a text shall look.

use std::collections::BTreeMap;

use inspect::census::By;
use inspect::checks::{Id, Limits};
use inspect::filter::{Filter, Flags, Span};
use text::{Marks, Style};

use crate::error::Trouble;

/// Sessions that are meant, by the names of the options of a command line: each a list, any of whose entries may fit.
pub(crate) type Meant = BTreeMap<String, Vec<String>>;

/// The filter.
pub(crate) fn filter(meant: Meant) -> Result<Filter, Trouble> {
    let mut flags = Flags::default();
    for (name, values) in meant {
        let place = match name.as_str() {
            "app" => &mut flags.app,
            "user" => &mut flags.user,
            "db" => &mut flags.db,
            "client" => &mut flags.client,
            "state" => &mut flags.state,
            "pid" => &mut flags.pid,
            "query_match" => &mut flags.query_match,
            "where" => &mut flags.conditions,
            _ => {
                return Err(Trouble::Mistake(format!(
                    "only: {name:?} is none of app, user, db, client, state, pid, query_match, where"
                )));
            }
        };
        *place = values;
    }
    Filter::of_flags(&flags).map_err(Trouble::mistake)
}

/// `app`, `user`, ...
pub(crate) fn by(names: &[String]) -> Result<Vec<By>, Trouble> {
    let one = |name: &String| match name.as_str() {
        "app" => Ok(By::App),
        "user" => Ok(By::User),
        "db" => Ok(By::Db),
        "client" => Ok(By::Client),
        "state" => Ok(By::State),
        _ => Err(Trouble::Mistake(format!("by: {name:?} is none of app, user, db, client, state"))),
    };
    names.iter().map(one).collect()
}

/// Names of checks.
pub(crate) fn checks(names: &[String]) -> Result<Vec<Id>, Trouble> {
    let one = |name: &String| {
        Id::from_name(name).ok_or_else(|| {
            Trouble::Mistake(format!("check {name:?}: they are {}", Id::ALL.map(Id::name).join(", ")))
        })
    };
    names.iter().map(one).collect()
}

/// Thresholds by the names of the options of `connwarden health`, in percent, seconds or sessions a second.
pub(crate) fn limits(given: &BTreeMap<String, f64>) -> Result<Limits, Trouble> {
    let mut limits = Limits::default();
    for (name, value) in given {
        let place = match name.as_str() {
            "warn" => &mut limits.utilization.warn,
            "crit" => &mut limits.utilization.crit,
            "idle_warn" => &mut limits.idle_warn_percent,
            "idle_tx_warn" => &mut limits.idle_tx_warn_s,
            "idle_tx_crit" => &mut limits.idle_tx_crit_s,
            "long_query_warn" => &mut limits.long_query_warn_s,
            "churn_warn" => &mut limits.churn_warn_per_s,
            _ => {
                return Err(Trouble::Mistake(format!(
                    "threshold {name:?}: they are warn, crit, idle_warn, idle_tx_warn, idle_tx_crit, long_query_warn, churn_warn"
                )));
            }
        };
        if !value.is_finite() || *value < 0.0 {
            return Err(Trouble::Mistake(format!("threshold {name}: {value} is no threshold")));
        }
        *place = *value;
    }
    match limits.out_of_order() {
        Some((warn, crit)) => {
            let text = format!("{warn} is above {crit}: there would be no warning");
            Err(Trouble::Mistake(text.replace('-', "_")))
        }
        None => Ok(limits),
    }
}

/// Seconds as a span.
pub(crate) fn span(name: &str, seconds: f64) -> Result<Span, Trouble> {
    let ms = (seconds * 1_000.0).round();
    let wrong = || Trouble::Mistake(format!("{name}: {seconds} seconds is no length of time"));
    if !(0.0..=1e13).contains(&ms) {
        return Err(wrong());
    }
    format!("{ms:.0}ms").parse().map_err(|_| wrong())
}

/// How text for people looks.
pub(crate) fn style(colour: bool, ascii: bool, width: Option<usize>) -> Style {
    Style { colour, marks: if ascii { Marks::Ascii } else { Marks::Unicode }, width }
}
