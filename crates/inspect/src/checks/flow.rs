//! What only time shows: sessions coming and going, and where it leads.

use std::collections::BTreeSet;

use super::{Check, CheckLevel, Id, Look, Point, forecast_s};
use crate::catalog::{Sample, State};
use crate::form::{count, span};

/// Farther than this a straight line says nothing.
const FAR_S: f64 = 86_400.0;

/// New sessions a second, and transactions of each; whether the number is only a lower bound.
struct Coming {
    sessions: f64,
    per_s: f64,
    reuse: Option<f64>,
    at_least: bool,
}

pub(super) fn churn(look: &Look<'_>) -> Check {
    let limits = look.limits;
    let Some(coming) = coming(look) else {
        return Check::skip(Id::Churn, "needs two samples, some time apart");
    };
    let reused = coming.reuse.is_some_and(|reuse| reuse >= limits.reuse_warn);
    let is_bad = coming.per_s > limits.churn_warn_per_s && !reused;
    let level = if is_bad { CheckLevel::Warning } else { CheckLevel::Ok };
    let about = if coming.at_least { "at least " } else { "" };
    let reuse = match coming.reuse {
        Some(reuse) if coming.sessions > 0.0 => format!(", {reuse:.1} transactions each"),
        _ => String::new(),
    };
    let message = format!("{about}{:.1} new sessions a second{reuse}", coming.per_s);
    Check::new(Id::Churn, level, message)
        .measured(coming.per_s, "per_second", Some(limits.churn_warn_per_s), None)
        .advised("connections are opened for a few transactions each: keep them in a pool (each login costs 5 to 15 ms)")
}

/// Counters where the server has them (14 and later); otherwise those seen now and not before, which misses all that came
/// and went in between.
fn coming(look: &Look<'_>) -> Option<Coming> {
    let (before, seconds) = (look.before?, look.interval_s()?);
    let seen = newcomers(before, look.now);
    let counted = before.counters.as_ref().zip(look.now.counters.as_ref());
    let counted = counted.map(|(a, b)| (b.sessions - a.sessions, b.transactions - a.transactions));
    // Counters that go back were reset in between.
    let (sessions, reuse, at_least) = match counted.filter(|(sessions, _)| *sessions >= 0) {
        Some((sessions, transactions)) if sessions as f64 >= seen => {
            let reuse = (sessions > 0).then(|| transactions.max(0) as f64 / sessions as f64);
            (sessions as f64, reuse, false)
        }
        Some(_) | None => (seen, None, true),
    };
    Some(Coming { sessions, per_s: sessions / seconds, reuse, at_least })
}

fn newcomers(before: &Sample, now: &Sample) -> f64 {
    let known: BTreeSet<_> = before.sessions.iter().map(|session| (session.pid, &session.started)).collect();
    now.slot_holders().filter(|session| !known.contains(&(session.pid, &session.started))).count() as f64
}

pub(super) fn half_open_logins(look: &Look<'_>) -> Check {
    if look.now.facts.major() < 18 {
        return Check::skip(Id::HalfOpenLogins, "unfinished logins cannot be seen before PostgreSQL 18");
    }
    let starting = look.now.slot_holders().filter(|session| session.state == State::Starting).count() as u32;
    let warn = look.limits.half_open_warn;
    let level = if starting > warn { CheckLevel::Warning } else { CheckLevel::Ok };
    let message = match starting {
        0 => "no login is unfinished".to_owned(),
        _ => format!("{} begun and not finished", count(starting, "login")),
    };
    Check::new(Id::HalfOpenLogins, level, message)
        .measured(f64::from(starting), "sessions", Some(f64::from(warn)), None)
        .advised("each holds a slot, reserved ones too, for up to authentication_timeout: a login storm, or clients that hang")
        .unless_hidden(look.partial())
}

pub(super) fn forecast(look: &Look<'_>) -> Check {
    let here = Point::of(look.now);
    let Some(fit) = forecast_s(look.history, &here) else {
        return Check::skip(
            Id::Forecast,
            "needs earlier looks over a minute or more: --history FILE, or --watch",
        );
    };
    let warn = look.limits.full_within_warn_s;
    let (level, message) = match fit {
        // A server that is full already is for other checks to tell.
        Some(seconds) if seconds < warn && seconds > 0.0 => {
            (CheckLevel::Warning, format!("full in {} at the present slope", span(seconds)))
        }
        Some(seconds) if seconds < FAR_S => {
            (CheckLevel::Ok, format!("full in {} at the present slope", span(seconds)))
        }
        Some(_) => (CheckLevel::Ok, "full in more than a day at the present slope".to_owned()),
        None => (CheckLevel::Ok, "connections do not grow".to_owned()),
    };
    let check = Check::new(Id::Forecast, level, message)
        .advised("connwarden status shows who grows; connwarden close-idle what can go");
    match fit {
        Some(seconds) => check.measured(seconds, "seconds", Some(warn), None),
        None => check,
    }
}
