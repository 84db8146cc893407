//! All checks, and what they come to.

use super::{Check, CheckLevel, Id, Look, flow, planned, sessions, slots};
use crate::catalog::LimitKind;
use crate::form::{clean, grant_that_mends, hidden_from};

/// Runs the checks that are wanted; an empty list wants all that can be of use: without a plan none asks for it. They come in
/// the order of [`Id::ALL`].
pub fn run(look: &Look<'_>, wanted: &[Id]) -> Vec<Check> {
    let of_use = |id: Id| id != Id::PlanExceeded || look.plan.is_some();
    let is_wanted = |id: &Id| wanted.contains(id) || (wanted.is_empty() && of_use(*id));
    Id::ALL.into_iter().filter(is_wanted).map(|id| one(look, id)).collect()
}

fn one(look: &Look<'_>, id: Id) -> Check {
    match id {
        Id::Login => Check::new(id, CheckLevel::Ok, format!("let in as {}", clean(&look.now.facts.user))),
        Id::Utilization => slots::utilization(look),
        Id::Reserve => slots::reserve(look),
        Id::IdleInTransaction => sessions::idle_in_transaction(look),
        Id::IdleHoarding => slots::idle_hoarding(look),
        Id::Churn => flow::churn(look),
        Id::HalfOpenLogins => flow::half_open_logins(look),
        Id::RoleLimits => slots::limits_of(look, LimitKind::Role),
        Id::DatabaseLimits => slots::limits_of(look, LimitKind::Database),
        Id::LongQueries => sessions::long_queries(look),
        Id::BlockedSessions => sessions::blocked_sessions(look),
        Id::PendingRestart => slots::pending_restart(look),
        Id::Forecast => flow::forecast(look),
        Id::LeakLike => sessions::leak_like(look),
        Id::PlanExceeded => planned::plan_exceeded(look),
        Id::SuperuserApplication => sessions::superuser_application(look),
        Id::Visibility => visibility(look),
    }
}

fn visibility(look: &Look<'_>) -> Check {
    if !look.partial() {
        return Check::new(Id::Visibility, CheckLevel::Ok, "the states of all sessions are seen");
    }
    let user = &look.now.facts.user;
    let mut check = Check::skip(Id::Visibility, hidden_from(user));
    check.hint = Some(grant_that_mends(user));
    check
}

/// The only check there is when nobody let us in. A server that is full is the very thing that is watched: critical. Any
/// other failure says nothing about its connections.
pub fn refused(is_full: bool, message: &str, hint: Option<&str>) -> Check {
    let mut check = if is_full {
        Check::new(
            Id::Login,
            CheckLevel::Critical,
            format!("refused because the server is full: {}", clean(message)),
        )
    } else {
        Check::skip(Id::Login, clean(message))
    };
    check.hint = hint.map(|hint| clean(&hint.lines().collect::<Vec<_>>().join("; ")));
    check
}

/// The worst level; what was skipped does not count.
pub fn worst(checks: &[Check]) -> CheckLevel {
    checks
        .iter()
        .map(|check| check.level)
        .filter(|level| *level != CheckLevel::Skip)
        .max()
        .unwrap_or(CheckLevel::Ok)
}

/// The check whose message is the verdict's sentence: of the worst ones that which is closest to the cause; where all is
/// well, how full the server is.
pub fn leading(checks: &[Check]) -> Option<&Check> {
    let worst = worst(checks);
    if worst.is_bad() {
        let bad = checks.iter().filter(|check| check.level == worst);
        return bad.min_by_key(|check| check.id.closeness_to_the_cause());
    }
    let told = |check: &&Check| check.level == CheckLevel::Ok;
    checks
        .iter()
        .find(|check| check.id == Id::Utilization)
        .or_else(|| checks.iter().find(told))
        .or(checks.first())
}
