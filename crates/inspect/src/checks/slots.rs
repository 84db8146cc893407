//! Slots: how many are taken, how many are left, and whose limits are near.

use super::{Check, CheckLevel, Evidence, Id, Look};
use crate::catalog::{Limit, LimitKind};
use crate::census::{By, Group, group};
use crate::form::{NAME_CHARS_MAX, app, clean_within, count, percent};
use crate::quote;

/// Longest name in a message.
/// The settings of slots. Their change needs a restart.
const SLOT_SETTINGS: [&str; 3] =
    ["max_connections", "superuser_reserved_connections", "reserved_connections"];

pub(super) fn utilization(look: &Look<'_>) -> Check {
    let (used, limits) = (look.used_percent(), look.limits.utilization);
    let facts = &look.now.facts;
    let message = format!("{} of {} usable slots taken", percent(used), facts.usable());
    let hint = match largest(look) {
        Some(top) => format!("most are held by {} ({}): connwarden status", app(&top.keys[0]), top.total),
        None => "connwarden status".to_owned(),
    };
    Check::new(Id::Utilization, limits.level(used).into(), message)
        .measured(used, "percent", Some(limits.warn), Some(limits.crit))
        .advised(hint)
}

pub(super) fn reserve(look: &Look<'_>) -> Check {
    let (facts, total) = (&look.now.facts, look.totals().total);
    let (usable, kept) = (facts.usable(), facts.superuser_reserved + facts.reserved);
    let left = usable.saturating_sub(total);
    let least = if usable < 20 { usable / 4 } else { look.limits.left_crit };
    let beyond = total.saturating_sub(usable);
    let names = if facts.reserved > 0 {
        format!("{}+{} slots", facts.superuser_reserved, facts.reserved)
    } else {
        count(facts.superuser_reserved, "slot")
    };
    let check = |level, message: String| {
        Check::new(Id::Reserve, level, message).measured(
            f64::from(left),
            "slots",
            None,
            Some(f64::from(least)),
        )
    };
    if total >= facts.max_connections {
        let hint = "end idle sessions now: connwarden close-idle; a superuser may be refused, too";
        check(CheckLevel::Critical, "every slot is taken, those kept back for administrators too".into())
            .advised(hint)
    } else if left < least {
        let message = match left {
            0 => format!(
                "no slot left for applications; {} of {kept} kept back are free",
                kept - beyond.min(kept)
            ),
            _ => format!("only {} left for applications", count(left, "slot")),
        };
        check(CheckLevel::Critical, message).advised("connwarden close-idle shows which sessions can go")
    } else if kept == 0 {
        let level = if look.is_scarce() { CheckLevel::Warning } else { CheckLevel::Ok };
        let hint =
            "set superuser_reserved_connections = 3: when the server is full nobody can get in to look";
        check(level, format!("no slot is kept back for administrators; {} left", count(left, "slot")))
            .advised(hint)
    } else {
        check(CheckLevel::Ok, format!("{names} free for administrators, {left} for applications"))
    }
}

pub(super) fn idle_hoarding(look: &Look<'_>) -> Check {
    let (totals, limits) = (look.totals(), look.limits);
    let idle = if totals.total == 0 { 0.0 } else { f64::from(totals.idle) * 100.0 / f64::from(totals.total) };
    let hoards = idle > limits.idle_warn_percent && look.used_percent() > limits.idle_gate_percent;
    let level = if hoards { CheckLevel::Warning } else { CheckLevel::Ok };
    let message = if hoards {
        format!("{} of {} sessions are idle while slots get scarce", totals.idle, totals.total)
    } else if idle > limits.idle_warn_percent {
        format!("{idle:.0}% idle, and slots are plenty")
    } else {
        format!("{idle:.0}% of {} idle", count(totals.total, "session"))
    };
    let hint = match idlest(look) {
        Some(top) => {
            format!(
                "smaller pools, or a pooler, for {} ({} idle): connwarden close-idle",
                app(&top.keys[0]),
                top.idle
            )
        }
        None => "smaller pools, or a pooler".to_owned(),
    };
    Check::new(Id::IdleHoarding, level, message)
        .measured(idle, "percent", Some(limits.idle_warn_percent), None)
        .advised(hint)
        .unless_hidden(look.partial())
}

pub(super) fn limits_of(look: &Look<'_>, kind: LimitKind) -> Check {
    let (id, what) = match kind {
        LimitKind::Role => (Id::RoleLimits, "role"),
        LimitKind::Database => (Id::DatabaseLimits, "database"),
    };
    let thresholds = look.limits.role_and_database;
    let held = look.now.limits.iter().filter(|limit| limit.kind == kind && limit.can_fill());
    let held: Vec<&Limit> = held.collect();
    let Some(top) = held.first() else {
        return Check::new(id, CheckLevel::Ok, format!("no {what} has a limit"));
    };
    let name = clean_within(&top.name, NAME_CHARS_MAX);
    let level = thresholds.level(top.percent());
    let message = if level == crate::census::Level::Ok {
        format!("highest {:.0}% ({name})", top.percent())
    } else {
        format!("{what} {name} has {} of {} connections", top.used, top.limit)
    };
    let near = held.iter().filter(|limit| limit.percent() > thresholds.warn);
    let evidence = near.map(|limit| Evidence {
        text: format!(
            "{what} {}: {} of {}",
            clean_within(&limit.name, NAME_CHARS_MAX),
            limit.used,
            limit.limit
        ),
        ..Evidence::default()
    });
    let alter = if kind == LimitKind::Role { "ROLE" } else { "DATABASE" };
    let flag = if kind == LimitKind::Role { "user" } else { "db" };
    Check::new(id, level.into(), message)
        .measured(top.percent(), "percent", Some(thresholds.warn), Some(thresholds.crit))
        .advised(format!(
            "connwarden status --by {flag},app; ALTER {alter} {} CONNECTION LIMIT n;",
            quote::name(&top.name)
        ))
        .shown(evidence.collect())
}

pub(super) fn pending_restart(look: &Look<'_>) -> Check {
    let pending = &look.now.facts.pending_restart;
    let slots: Vec<&str> =
        pending.iter().map(String::as_str).filter(|name| SLOT_SETTINGS.contains(name)).collect();
    if !slots.is_empty() {
        let verb = if slots.len() == 1 { "waits" } else { "wait" };
        let message = format!("a new value of {} {verb} for a restart", slots.join(", "));
        return Check::new(Id::PendingRestart, CheckLevel::Warning, message)
            .advised("a reload does not apply it: restart PostgreSQL when that suits");
    }
    let message = match pending.len() {
        0 => "no setting waits for a restart".to_owned(),
        _ => format!("limits are applied; waiting for a restart: {}", clean_within(&pending.join(", "), 60)),
    };
    Check::new(Id::PendingRestart, CheckLevel::Ok, message)
}

fn largest(look: &Look<'_>) -> Option<Group> {
    group(look.now, &[By::App], |_| true).into_iter().next()
}

fn idlest(look: &Look<'_>) -> Option<Group> {
    group(look.now, &[By::App], |_| true).into_iter().max_by_key(|group| group.idle)
}
