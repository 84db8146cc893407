//! Timeouts: which are missing, and for whom.

use std::time::Duration;

use super::{Effect, Evidence, Outcome, Remedy, Severity, listed, no_value, span_setting};
use crate::catalog::State;
use crate::census::Totals;
use crate::form::{count, span};
use crate::quote;

const MINUTE_MS: u64 = 60_000;
const HOUR_S: f64 = 3_600.0;
/// Idle in transaction for longer is an accident.
const IDLE_IN_TRANSACTION_S: f64 = 60.0;
/// A transaction that is open for longer deserves a limit.
const LONG_TRANSACTION_S: f64 = 300.0;
/// Most roles that statements are printed for.
const ROLES_MAX: usize = 10;
const STATEMENT: &str = "60s";
const LOCK: &str = "5s";

/// `idle_in_transaction_session_timeout`.
pub(super) fn idle_in_transaction(evidence: &Evidence) -> Outcome {
    const NAME: &str = "idle_in_transaction_session_timeout";
    let Some(millis) = evidence.setup.millis(NAME) else { return no_value(evidence, NAME, 0) };
    if (1..=60 * MINUTE_MS).contains(&millis) {
        return Outcome::Fine(format!("sessions idle in transaction are ended after {}", said(millis)));
    }
    let roles = evidence.application_roles();
    if !roles.is_empty() && roles.iter().all(|(role, _)| evidence.role_has(role, NAME)) {
        return Outcome::Fine(format!("every connected application's role has an {NAME}"));
    }
    let totals = Totals::of(&evidence.sample);
    let seen = match totals.oldest_idle_in_transaction_s {
        Some(age) => {
            format!("{} now, the oldest for {}", count(totals.idle_in_transaction, "session"), span(age))
        }
        None if evidence.sample.is_partial() => "other roles' states are hidden".to_owned(),
        None => "none now".to_owned(),
    };
    let hurts = totals.oldest_idle_in_transaction_s.is_some_and(|age| age > IDLE_IN_TRANSACTION_S);
    let what = if millis == 0 {
        format!("sessions may stay idle in transaction for ever ({seen})")
    } else {
        format!("sessions may stay idle in transaction for {} ({seen})", said(millis))
    };
    Outcome::advised(
        if hurts || millis == 0 { Severity::Warning } else { Severity::Advice },
        what,
        "a transaction whose client forgot it keeps its slot, its row locks, and vacuum from cleaning up after everybody \
         else. Its client gets 25P03 and loses only work that it had left lying",
        vec![evidence.set(NAME, "5min")],
    )
}

/// `idle_session_timeout`, since 14: a cure for people's sessions, a harm for pools.
pub(super) fn idle_session(evidence: &Evidence) -> Outcome {
    const NAME: &str = "idle_session_timeout";
    let Some(millis) = evidence.setup.millis(NAME) else { return no_value(evidence, NAME, 14) };
    let pooled = evidence.is_behind_pooler() || evidence.seems_pooled();
    if millis > 0 && pooled {
        return Outcome::advised(
            Severity::Warning,
            format!(
                "idle_session_timeout is {} for the whole server, and a pooler keeps sessions here",
                said(millis)
            ),
            "it ends the pooler's idle server sessions, too: the next client pays for a login, or gets 57P05. Set it for \
             the roles of people instead, and let the pooler age its servers",
            vec![evidence.set(NAME, "0"), Remedy::Pooler("server_idle_timeout = 600".to_owned())],
        );
    }
    if millis > 0 {
        return Outcome::Fine(format!("idle sessions are ended after {}", said(millis)));
    }
    if let Some(skipped) = evidence.is_partial() {
        return skipped;
    }
    let old =
        evidence.sample.slot_holders().filter(|session| session.idle_s().is_some_and(|age| age > HOUR_S));
    let users = old.filter_map(|session| session.user.as_deref());
    let mut roles: Vec<&str> = users.filter(|role| !evidence.role_has(role, NAME)).collect();
    let number = roles.len() as u32;
    roles.sort_unstable();
    roles.dedup();
    if number == 0 {
        return Outcome::Fine("no session has been idle for over an hour".to_owned());
    }
    let sql = |role: &&str| {
        Remedy::Sql(
            format!("ALTER ROLE {} SET idle_session_timeout = '1h';", quote::name(role)),
            Effect::NewSessions,
        )
    };
    Outcome::advised(
        Severity::Advice,
        format!("{} idle for over an hour ({})", count(number, "session"), listed(roles.iter().copied())),
        "each holds a slot for nothing. An application's pool opens it again at once, so make that pool smaller; for roles \
         of people and scripts a timeout does it. Never for a role that a pooler logs in with: its idle servers are meant \
         to wait",
        roles.iter().take(ROLES_MAX).map(sql).collect(),
    )
}

/// `transaction_timeout`, since 17.
pub(super) fn transaction(evidence: &Evidence) -> Outcome {
    const NAME: &str = "transaction_timeout";
    let Some(millis) = evidence.setup.millis(NAME) else { return no_value(evidence, NAME, 17) };
    if millis > 0 {
        return Outcome::Fine(format!("transactions are ended after {}", said(millis)));
    }
    if let Some(skipped) = evidence.is_partial() {
        return skipped;
    }
    let long = |age: Option<f64>| age.is_some_and(|age| age > LONG_TRANSACTION_S);
    let old = evidence.applications().filter(|session| !session.is_superuser && long(session.xact_age_s));
    let users = old.filter_map(|session| session.user.as_deref());
    let mut roles: Vec<&str> = users.filter(|role| !evidence.role_has(role, NAME)).collect();
    let number = roles.len() as u32;
    roles.sort_unstable();
    roles.dedup();
    if number == 0 {
        return Outcome::Fine("no application has a transaction open for over 5 minutes".to_owned());
    }
    let sql = |role: &&str| {
        let text = format!("ALTER ROLE {} SET transaction_timeout = '10min';", quote::name(role));
        Remedy::Sql(text, Effect::NewSessions)
    };
    Outcome::advised(
        Severity::Advice,
        format!(
            "{} of applications open for over 5 minutes ({})",
            count(number, "transaction"),
            listed(roles.iter().copied())
        ),
        "a long transaction keeps its slot and holds vacuum back in every table. Set the limit for the application's role \
         and not for the server: a backup is one long transaction",
        roles.iter().take(ROLES_MAX).map(sql).collect(),
    )
}

/// `statement_timeout` of application roles.
pub(super) fn statement(evidence: &Evidence) -> Outcome {
    let why = "a statement without a limit runs until somebody ends it; under load such statements pile up until the slots \
               are gone. A limit for the role leaves backups, migrations and administrators alone: they have other roles";
    for_roles(evidence, "statement_timeout", STATEMENT, why)
}

/// `lock_timeout` of application roles.
pub(super) fn lock(evidence: &Evidence) -> Outcome {
    let why = "one ALTER TABLE that waits for a lock makes everybody behind it wait, each in a slot: a lock queue is how a \
               quiet server fills in seconds. With a limit the application gets 55P03 and may try again";
    for_roles(evidence, "lock_timeout", LOCK, why)
}

fn for_roles(evidence: &Evidence, name: &'static str, value: &str, why: &str) -> Outcome {
    let setup = &evidence.setup;
    // Where our own session set one, the files are the next best witness.
    let everywhere = match setup.millis(name) {
        Some(millis) => millis > 0,
        None => setup.is_set_in_files(name).unwrap_or(false),
    };
    if everywhere {
        return Outcome::Fine(format!("the server sets {name}"));
    }
    let roles = evidence.application_roles();
    if roles.is_empty() {
        return Outcome::Fine("no application is connected".to_owned());
    }
    let without: Vec<&str> =
        roles.iter().map(|(role, _)| *role).filter(|role| !evidence.role_has(role, name)).collect();
    if without.is_empty() {
        return Outcome::Fine(format!("every connected application's role has a {name}"));
    }
    let sql = |role: &&str| {
        let text = format!("ALTER ROLE {} SET {name} = '{value}';", quote::name(role));
        Remedy::Sql(text, Effect::NewSessions)
    };
    Outcome::advised(
        Severity::Advice,
        format!("no {name} for {}", listed(without.iter().copied())),
        why,
        without.iter().take(ROLES_MAX).map(sql).collect(),
    )
}

/// `authentication_timeout`, and logins that never finish.
pub(super) fn authentication(evidence: &Evidence) -> Outcome {
    const NAME: &str = "authentication_timeout";
    const HALF_OPEN_MAX: usize = 5;
    let Some(millis) = evidence.setup.millis(NAME) else { return no_value(evidence, NAME, 0) };
    let half_open = evidence.sample.slot_holders().filter(|session| session.state == State::Starting).count();
    let seen = if evidence.major() >= 18 && !evidence.sample.is_partial() {
        format!("{half_open} half-open now")
    } else {
        "half-open logins cannot be seen here".to_owned()
    };
    if millis < MINUTE_MS && half_open <= HALF_OPEN_MAX {
        return Outcome::Fine(format!("a login has {} ({seen})", said(millis)));
    }
    let severity = if half_open > HALF_OPEN_MAX { Severity::Warning } else { Severity::Advice };
    Outcome::advised(
        severity,
        format!("a login that never finishes holds a slot for {} ({seen})", said(millis)),
        "it counts before anybody knows who it is, so it takes reserved slots, too: a storm of logins, or clients that stop \
         before they send their password, lock superusers out",
        vec![evidence.set(NAME, "15s")],
    )
}

fn said(millis: u64) -> String {
    span_setting(Duration::from_millis(millis))
}
