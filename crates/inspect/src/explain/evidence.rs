//! What a sample says about a cause. Pure: each witness looks at one scene.

use super::Finding::{self, NotSeen, Seen, Untold};
use crate::catalog::{Blocking, LimitKind, Sample, Session, State};
use crate::census::{By, Totals, Utilization, group};
use crate::checks::{Limits, frozen_on_one_statement, superuser_applications};
use crate::form::{NAME_CHARS_MAX, app, clean_within, contender, count, percent, span};

/// A server that is younger may still be filling up again.
const YOUNG_S: f64 = 600.0;

/// What there is to look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The server.
    pub sample: &'a Sample,
    /// Who waits for whose locks.
    pub blocking: Option<&'a Blocking>,
    /// Where the checks draw their lines.
    pub limits: &'a Limits,
}

impl Scene<'_> {
    fn totals(&self) -> Totals {
        Totals::of(self.sample)
    }
}

/// Only the server's own words, or the application's, can tell.
pub(super) fn untold(_: &Scene<'_>) -> Finding {
    Untold
}

/// How full it is now.
pub(super) fn full(scene: &Scene<'_>) -> Finding {
    let totals = scene.totals();
    let share = Utilization::of(&totals, &scene.sample.facts).of_usable_percent;
    let said = format!(
        "{} of {} usable slots taken ({})",
        totals.total,
        scene.sample.facts.usable(),
        percent(share)
    );
    if share > scene.limits.utilization.crit { Seen(said) } else { NotSeen(said) }
}

/// An application whose role is a superuser.
pub(super) fn superuser_application(scene: &Scene<'_>) -> Finding {
    match superuser_applications(scene.sample).first() {
        Some((name, role, sessions)) => {
            let role = clean_within(role, NAME_CHARS_MAX);
            Seen(format!("{} logs in as superuser {role}: {}", app(name), count(*sessions, "session")))
        }
        None => NotSeen("no application logs in as a superuser now".into()),
    }
}

/// No slot is kept back.
pub(super) fn no_reserve(scene: &Scene<'_>) -> Finding {
    match scene.sample.facts.superuser_reserved {
        0 => Seen("superuser_reserved_connections is 0".into()),
        slots => NotSeen(format!("superuser_reserved_connections is {slots}")),
    }
}

/// Logins that are not finished.
pub(super) fn half_open(scene: &Scene<'_>) -> Finding {
    let starting = scene.totals().starting;
    match (scene.sample.facts.major() >= 18, starting) {
        (false, _) => Untold,
        (true, 0) => NotSeen("no login is unfinished now".into()),
        (true, _) => Seen(format!("{} begun and not finished", count(starting, "login"))),
    }
}

/// One application holds most.
pub(super) fn one_application(scene: &Scene<'_>) -> Finding {
    // A login that is not finished has no name yet.
    let groups = group(scene.sample, &[By::App], |session| session.state != State::Starting);
    let total: u32 = groups.iter().map(|group| group.total).sum();
    let Some(top) = groups.first() else { return NotSeen("nobody is connected now".into()) };
    let share = f64::from(top.total) * 100.0 / f64::from(total.max(1));
    let said = format!("{} holds {} of {} sessions ({share:.0}%)", app(&top.keys[0]), top.total, total);
    if share >= 50.0 && total >= 5 { Seen(said) } else { NotSeen(format!("the largest: {said}")) }
}

/// Sessions frozen on one statement.
pub(super) fn same_statement(scene: &Scene<'_>) -> Finding {
    match frozen_on_one_statement(scene.sample, scene.limits.leak_sessions).first() {
        Some(one) => Seen(format!(
            "{} sessions of {} are idle on: {}",
            one.sessions,
            app(&one.application),
            clean_within(&one.query, 60)
        )),
        None if scene.sample.is_partial() => Untold,
        None => NotSeen("no application's sessions are idle on one statement".into()),
    }
}

/// Most sessions do nothing.
pub(super) fn mostly_idle(scene: &Scene<'_>) -> Finding {
    let totals = scene.totals();
    if scene.sample.is_partial() {
        return Untold;
    }
    let oldest =
        totals.oldest_idle_s.map(|age| format!(", the oldest for {}", span(age))).unwrap_or_default();
    let said = format!("{} of {} sessions are idle{oldest}", totals.idle, totals.total);
    if totals.total > 0 && totals.idle * 2 > totals.total { Seen(said) } else { NotSeen(said) }
}

/// Transactions that wait for their clients.
pub(super) fn idle_in_transaction(scene: &Scene<'_>) -> Finding {
    let idle = scene.sample.slot_holders().filter(|session| session.state.is_idle_in_transaction());
    let oldest = idle.max_by(|a, b| a.state_age_s.unwrap_or(0.0).total_cmp(&b.state_age_s.unwrap_or(0.0)));
    match oldest {
        Some(one) => Seen(format!(
            "{} (pid {}) is idle in transaction for {}",
            app(&one.application),
            one.pid,
            span(one.state_age_s.unwrap_or(0.0))
        )),
        None if scene.sample.is_partial() => Untold,
        None => NotSeen("no session is idle in transaction now".into()),
    }
}

/// Sessions that wait for locks.
pub(super) fn blocked(scene: &Scene<'_>) -> Finding {
    let trees = scene.blocking.map(Blocking::trees).unwrap_or_default();
    match trees.first() {
        Some(tree) => {
            let (root, waiters) = (tree.root(), count(tree.waiters(), "session"));
            let name = contender(root.pid, root.kind.as_deref(), &root.application);
            let pid = if root.pid == 0 { String::new() } else { format!(" (pid {})", root.pid) };
            Seen(format!("{name}{pid} holds up {waiters}"))
        }
        None if scene.sample.is_partial() || scene.blocking.is_none() => Untold,
        None => NotSeen("nobody waits for a lock now".into()),
    }
}

/// Statements that run for long.
pub(super) fn long_statement(scene: &Scene<'_>) -> Finding {
    let active = scene.sample.slot_holders().filter(|session| session.state == State::Active);
    let age = |session: &Session| session.query_age_s.unwrap_or(0.0);
    match active.max_by(|a, b| age(a).total_cmp(&age(b))) {
        Some(one) if age(one) > 30.0 => Seen(format!(
            "{} (pid {}) runs a statement for {}",
            app(&one.application),
            one.pid,
            span(age(one))
        )),
        _ if scene.sample.is_partial() => Untold,
        _ => NotSeen("no statement runs for more than 30s now".into()),
    }
}

/// A role at its limit.
pub(super) fn role_limit(scene: &Scene<'_>) -> Finding {
    limit(scene, LimitKind::Role, "role")
}

/// A database at its limit.
pub(super) fn database_limit(scene: &Scene<'_>) -> Finding {
    limit(scene, LimitKind::Database, "database")
}

fn limit(scene: &Scene<'_>, kind: LimitKind, what: &str) -> Finding {
    let mut held = scene.sample.limits.iter().filter(|limit| limit.kind == kind && limit.can_fill());
    match held.next() {
        None => NotSeen(format!("no {what} has a CONNECTION LIMIT")),
        Some(top) => {
            let name = clean_within(&top.name, NAME_CHARS_MAX);
            let said = format!("{what} {name} has {} of {} connections", top.used, top.limit);
            if top.percent() > scene.limits.role_and_database.warn {
                Seen(said)
            } else {
                NotSeen(format!("the fullest: {said}"))
            }
        }
    }
}

/// All walsenders' slots are taken.
pub(super) fn walsenders(scene: &Scene<'_>) -> Finding {
    let (used, all) = (scene.totals().walsenders, scene.sample.facts.max_wal_senders);
    let said = format!("{used} of {all} walsenders");
    if used >= all { Seen(said) } else { NotSeen(said) }
}

/// It was started not long ago.
pub(super) fn restarted(scene: &Scene<'_>) -> Finding {
    let uptime = scene.sample.facts.uptime_s;
    let said = format!("the server is up for {}", span(uptime));
    if uptime < YOUNG_S { Seen(said) } else { NotSeen(said) }
}

/// A new max_connections waits for a restart.
pub(super) fn pending_restart(scene: &Scene<'_>) -> Finding {
    let pending = &scene.sample.facts.pending_restart;
    match pending.iter().find(|name| name.contains("connections")) {
        Some(name) => Seen(format!("a new value of {name} waits for a restart")),
        None => NotSeen("no limit waits for a restart".into()),
    }
}

/// `idle_in_transaction_session_timeout`.
pub(super) fn idle_in_transaction_timeout(scene: &Scene<'_>) -> Finding {
    timeout("idle_in_transaction_session_timeout", Some(scene.sample.facts.idle_in_transaction_timeout_ms))
}

/// `idle_session_timeout`.
pub(super) fn idle_session_timeout(scene: &Scene<'_>) -> Finding {
    timeout("idle_session_timeout", scene.sample.facts.idle_session_timeout_ms)
}

/// `transaction_timeout`.
pub(super) fn transaction_timeout(scene: &Scene<'_>) -> Finding {
    timeout("transaction_timeout", scene.sample.facts.transaction_timeout_ms)
}

fn timeout(name: &str, value_ms: Option<i64>) -> Finding {
    match value_ms {
        None => NotSeen(format!("this version has no {name}")),
        Some(0) => {
            NotSeen(format!("{name} is off for this role; another role, database or session may set its own"))
        }
        Some(ms) => Seen(format!("{name} is {}", span(ms as f64 / 1_000.0))),
    }
}

/// A standby.
pub(super) fn standby(scene: &Scene<'_>) -> Finding {
    if scene.sample.facts.in_recovery {
        Seen("this server is a standby, or recovers".into())
    } else {
        NotSeen("this server is no standby".into())
    }
}

/// Sessions without a name.
pub(super) fn unnamed(scene: &Scene<'_>) -> Finding {
    match scene.sample.slot_holders().filter(|session| session.application.is_empty()).count() as u32 {
        0 => NotSeen("every session has an application_name".into()),
        number => Seen(format!("{} without an application_name", count(number, "session"))),
    }
}

/// We see only a part.
pub(super) fn partial(scene: &Scene<'_>) -> Finding {
    let user = clean_within(&scene.sample.facts.user, NAME_CHARS_MAX);
    if scene.sample.is_partial() {
        Seen(format!("{user} is no member of pg_monitor or pg_read_all_stats"))
    } else {
        NotSeen(format!("{user} sees all"))
    }
}

/// The server lets us in now.
pub(super) fn reachable(scene: &Scene<'_>) -> Finding {
    NotSeen(format!("it answers now; up for {}", span(scene.sample.facts.uptime_s)))
}
