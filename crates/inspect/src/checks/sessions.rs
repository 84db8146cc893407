//! Sessions that do, hold or waste something they should not.

use std::collections::BTreeMap;

use super::{Check, CheckLevel, Evidence, Id, Look};
use crate::catalog::{Contender, Sample, Session, State};
use crate::filter::Glob;
use crate::form::{NAME_CHARS_MAX, app, clean_within, contender, count, span, statement};

/// Most pieces of evidence of one check.
const EVIDENCE_MAX: usize = 10;
/// Longest statement in a message.
const QUERY_CHARS_MAX: usize = 60;
/// Programs of people, and of those who look after servers: they are not applications, and may be superusers.
const TOOLS: &[&str] = &[
    "psql*",
    "pgcli*",
    "pg_dump*",
    "pg_restore*",
    "pg_basebackup*",
    "pg_receivewal*",
    "pgadmin*",
    "dbeaver*",
    "datagrip*",
    "vacuumdb*",
    "reindexdb*",
    "patroni*",
    "barman*",
    "pgbackrest*",
    "postgres_exporter*",
    "pg_activity*",
    "connwarden*",
];

pub(super) fn idle_in_transaction(look: &Look<'_>) -> Check {
    let limits = look.limits;
    let mut idle: Vec<&Session> =
        look.now.slot_holders().filter(|session| session.state.is_idle_in_transaction()).collect();
    idle.sort_by(|a, b| b.state_age_s.unwrap_or(0.0).total_cmp(&a.state_age_s.unwrap_or(0.0)));
    let oldest = idle.first().and_then(|session| session.state_age_s).unwrap_or(0.0);
    let level = judged(oldest, limits.idle_tx_warn_s, Some(limits.idle_tx_crit_s));
    let blocks = |session: &Session| look.blocking.map_or(0, |blocking| blocking.blocked_by(session.pid));
    let message = match idle.first() {
        None => "no session is idle in transaction".to_owned(),
        Some(first) if level.is_bad() => {
            let name = app(&first.application);
            let held = match blocks(first) {
                0 => String::new(),
                waiters => format!(", and blocks {}", count(waiters, "session")),
            };
            let others = if idle.len() > 1 { format!(" ({} in all)", idle.len()) } else { String::new() };
            format!("{name} (pid {}) is idle in transaction for {}{held}{others}", first.pid, span(oldest))
        }
        Some(_) => format!("{}, oldest {}", count(idle.len() as u32, "session"), span(oldest)),
    };
    let bad = idle.iter().filter(|session| session.state_age_s.unwrap_or(0.0) > limits.idle_tx_warn_s);
    let evidence = bad.take(EVIDENCE_MAX).map(|session| {
        let blocked = blocks(session);
        let blocked = if blocked > 0 { format!(", blocks {blocked}") } else { String::new() };
        let text = format!(
            "pid {} {} since {}{blocked}: {}",
            session.pid,
            app(&session.application),
            span(session.state_age_s.unwrap_or(0.0)),
            statement(session.query.as_deref().unwrap_or_default(), QUERY_CHARS_MAX)
        );
        Evidence { text, pid: Some(session.pid), app: Some(session.application.clone()) }
    });
    let hint = if look.now.facts.idle_in_transaction_timeout_ms == 0 {
        "it keeps its locks and holds back vacuum; idle_in_transaction_session_timeout is off: 5min is a good value"
    } else {
        "it keeps its locks and holds back vacuum: see that the application ends its transactions"
    };
    Check::new(Id::IdleInTransaction, level, message)
        .measured(oldest, "seconds", Some(limits.idle_tx_warn_s), Some(limits.idle_tx_crit_s))
        .shown(evidence.collect())
        .advised(hint)
        .unless_hidden(look.partial())
}

pub(super) fn long_queries(look: &Look<'_>) -> Check {
    let warn = look.limits.long_query_warn_s;
    let mut active: Vec<(&Session, f64)> = look
        .now
        .slot_holders()
        .filter(|session| session.state == State::Active)
        .filter_map(|session| Some((session, session.query_age_s?)))
        .collect();
    active.sort_by(|a, b| b.1.total_cmp(&a.1));
    let oldest = active.first().map_or(0.0, |(_, age)| *age);
    let level = judged(oldest, warn, None);
    let long = active.iter().filter(|(_, age)| *age > warn);
    let message = match active.first() {
        None => "no statement runs".to_owned(),
        Some((first, age)) if level.is_bad() => {
            let number = count(long.clone().count() as u32, "statement");
            let verb = if long.clone().count() == 1 { "runs" } else { "run" };
            let name = app(&first.application);
            format!(
                "{number} {verb} for more than {}; the longest is {name}'s (pid {}): {}",
                span(warn),
                first.pid,
                span(*age)
            )
        }
        Some((_, age)) => format!("longest {}", span(*age)),
    };
    let evidence = long.take(EVIDENCE_MAX).map(|(session, age)| Evidence {
        text: format!(
            "pid {} {} since {}: {}",
            session.pid,
            app(&session.application),
            span(*age),
            statement(session.query.as_deref().unwrap_or_default(), QUERY_CHARS_MAX)
        ),
        pid: Some(session.pid),
        app: Some(session.application.clone()),
    });
    Check::new(Id::LongQueries, level, message)
        .measured(oldest, "seconds", Some(warn), None)
        .shown(evidence.collect())
        .advised("connwarden cancel ends a statement and keeps its session")
        .unless_hidden(look.partial())
}

pub(super) fn blocked_sessions(look: &Look<'_>) -> Check {
    let limits = look.limits;
    let Some(blocking) = look.blocking else {
        return Check::skip(Id::BlockedSessions, "nobody asked who waits for locks");
    };
    let waiting = blocking.waiting().count() as u32;
    let longest = blocking.waiting().filter_map(Contender::wait_age_s).fold(0.0, f64::max);
    let level = judged(longest, limits.blocked_warn_s, Some(limits.blocked_crit_s));
    let trees = blocking.trees();
    let message = match trees.first() {
        None => "nobody waits for a lock".to_owned(),
        Some(_) if !level.is_bad() => format!("{} for a lock, longest {}", waits(waiting), span(longest)),
        Some(tree) if tree.is_cycle => {
            format!("{} for locks in a circle, longest {}", waits(waiting), span(longest))
        }
        Some(tree) => {
            let held = format!("{} (pid {})", named(tree.root()), tree.root().pid);
            format!("{held} blocks {}, longest wait {}", count(tree.waiters(), "session"), span(longest))
        }
    };
    let evidence = trees.iter().take(EVIDENCE_MAX).map(|tree| {
        let root = tree.root();
        let state = root.state.map_or("", State::name);
        let query = statement(root.query.as_deref().unwrap_or_default(), QUERY_CHARS_MAX);
        let text = format!(
            "pid {} {} {state} blocks {}: {query}",
            root.pid,
            named(root),
            count(tree.waiters(), "session")
        );
        Evidence { text, pid: Some(root.pid), app: Some(root.application.clone()) }
    });
    Check::new(Id::BlockedSessions, level, message)
        .measured(longest, "seconds", Some(limits.blocked_warn_s), Some(limits.blocked_crit_s))
        .shown(evidence.collect())
        .advised("connwarden status --blocking shows who waits for whom")
        .unless_hidden(look.partial())
}

pub(super) fn leak_like(look: &Look<'_>) -> Check {
    let found = frozen_on_one_statement(look.now, look.limits.leak_sessions);
    let Some(worst) = found.first() else {
        return Check::new(
            Id::LeakLike,
            CheckLevel::Ok,
            "no application's sessions are frozen on one statement",
        )
        .unless_hidden(look.partial());
    };
    let level = if look.is_scarce() { CheckLevel::Warning } else { CheckLevel::Ok };
    let name = app(&worst.application);
    let message = if level.is_bad() {
        format!("{} sessions of {name} are idle on the same statement, as leaked ones are", worst.sessions)
    } else {
        format!("{} sessions of {name} are idle on the same statement; slots are plenty", worst.sessions)
    };
    let evidence = found.iter().take(EVIDENCE_MAX).map(|one| Evidence {
        text: format!(
            "{}: {} sessions idle for {} to {} on: {}",
            app(&one.application),
            one.sessions,
            span(one.youngest_s),
            span(one.oldest_s),
            statement(&one.query, QUERY_CHARS_MAX)
        ),
        pid: None,
        app: Some(one.application.clone()),
    });
    Check::new(Id::LeakLike, level, message)
        .measured(f64::from(worst.sessions), "sessions", Some(f64::from(look.limits.leak_sessions)), None)
        .shown(evidence.collect())
        .advised("look for the code behind this statement that does not give its connection back")
}

pub(super) fn superuser_application(look: &Look<'_>) -> Check {
    let found = superuser_applications(look.now);
    let Some((name, role, sessions)) = found.first() else {
        return Check::new(Id::SuperuserApplication, CheckLevel::Ok, "no application logs in as a superuser");
    };
    let level = if look.is_scarce() { CheckLevel::Warning } else { CheckLevel::Ok };
    let role = clean_within(role, NAME_CHARS_MAX);
    let message = if level.is_bad() {
        format!(
            "{} logs in as superuser {role} ({sessions}): no limit and no reserve holds it back",
            app(name)
        )
    } else {
        format!("note: {} logs in as superuser {role} ({})", app(name), count(*sessions, "session"))
    };
    let evidence = found.iter().take(EVIDENCE_MAX).map(|(name, role, sessions)| Evidence {
        text: format!(
            "{} as {}: {}",
            app(name),
            clean_within(role, NAME_CHARS_MAX),
            count(*sessions, "session")
        ),
        pid: None,
        app: Some(name.clone()),
    });
    Check::new(Id::SuperuserApplication, level, message)
        .measured(f64::from(*sessions), "sessions", None, None)
        .shown(evidence.collect())
        .advised("give it an ordinary role; then the reserved slots stay free for you")
}

/// Idle sessions of one application that all ran the same statement last.
#[derive(Clone, Debug, PartialEq)]
pub struct SameStatement {
    /// `application_name`.
    pub application: String,
    /// The statement, its literals as `?`.
    pub query: String,
    /// How many.
    pub sessions: u32,
    /// The longest idle, in seconds.
    pub oldest_s: f64,
    /// The shortest idle, in seconds.
    pub youngest_s: f64,
}

/// Groups of at least `least` idle sessions on the same statement, the largest first. A pool that was just given back looks
/// alike; what ends transactions or resets a session is what every pool runs last, and is left out.
pub fn frozen_on_one_statement(sample: &Sample, least: u32) -> Vec<SameStatement> {
    let mut found: BTreeMap<(&str, String), SameStatement> = BTreeMap::new();
    for session in sample.slot_holders() {
        let (Some(idle), Some(query)) = (session.idle_s(), session.query.as_deref()) else { continue };
        let query = without_literals(query);
        if query.is_empty() || ends_a_turn(&query) {
            continue;
        }
        let one = found.entry((&session.application, query.clone())).or_insert_with(|| SameStatement {
            application: session.application.clone(),
            query,
            sessions: 0,
            oldest_s: idle,
            youngest_s: idle,
        });
        one.sessions += 1;
        one.oldest_s = one.oldest_s.max(idle);
        one.youngest_s = one.youngest_s.min(idle);
    }
    let mut found: Vec<SameStatement> = found.into_values().filter(|one| one.sessions >= least).collect();
    found.sort_by(|a, b| b.sessions.cmp(&a.sessions).then_with(|| a.application.cmp(&b.application)));
    found
}

/// Applications, beside the tools of people, whose sessions are a superuser's: name, role, sessions; the largest first.
pub fn superuser_applications(sample: &Sample) -> Vec<(String, String, u32)> {
    let mut found: BTreeMap<(String, String), u32> = BTreeMap::new();
    for session in
        sample.slot_holders().filter(|session| session.is_superuser && !is_tool(&session.application))
    {
        let role = session.user.clone().unwrap_or_default();
        *found.entry((session.application.clone(), role)).or_default() += 1;
    }
    let mut found: Vec<_> =
        found.into_iter().map(|((name, role), sessions)| (name, role, sessions)).collect();
    found.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    found
}

/// An application in which a person works, or a maintenance job.
pub fn is_tool(application: &str) -> bool {
    Glob::any_of(TOOLS, application)
}

/// A statement that says nothing of who ran it: what a pool or a driver says last before it puts a connection back.
pub fn ends_a_turn(query: &str) -> bool {
    let first =
        query.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        first.as_str(),
        "commit"
            | "rollback"
            | "end"
            | "abort"
            | "discard"
            | "reset"
            | "deallocate"
            | "close"
            | "unlisten"
            | "set"
            | "show"
    )
}

/// Numbers and quoted texts as `?`, white space as one space: what was the same statement looks the same.
pub fn without_literals(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut rest = query.trim().chars().peekable();
    while let Some(c) = rest.next() {
        let after_word = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
        if c == '\'' {
            while rest.next().is_some_and(|c| c != '\'') {}
            out.push('?');
        } else if c.is_ascii_digit() && !after_word {
            while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '.').is_some() {}
            out.push('?');
        } else if c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn judged(value: f64, warn: f64, crit: Option<f64>) -> CheckLevel {
    if crit.is_some_and(|crit| value > crit) {
        CheckLevel::Critical
    } else if value > warn {
        CheckLevel::Warning
    } else {
        CheckLevel::Ok
    }
}

fn waits(number: u32) -> String {
    if number == 1 { "1 session waits".to_owned() } else { format!("{number} sessions wait") }
}

fn named(root: &Contender) -> String {
    contender(root.pid, root.kind.as_deref(), &root.application)
}

#[cfg(test)]
mod tests {
    use super::without_literals;

    #[test]
    fn a_statement_is_told_by_its_shape() {
        assert_eq!(
            without_literals("select *\n  from t1 where id = 42 and n = 'o''x'"),
            "select * from t1 where id = ? and n = ??"
        );
        assert_eq!(without_literals("select $1, 1.5e3, 'cut of"), "select $1, ?, ?");
    }
}
