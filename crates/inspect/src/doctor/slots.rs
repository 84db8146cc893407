//! Slots: how many there are, who keeps some back, and what a restart would change.

use model::preset::{RESERVED, SUPERUSER_RESERVED};

use super::{Effect, Evidence, Outcome, Remedy, Severity, no_value};
use crate::census::Totals;
use crate::form::{clean, count, span};

/// Below it a `max_connections` is never called too large.
const UNUSED_SLOTS_MIN: u32 = 200;
/// In per cent of the usable slots: fewer taken, and nobody seems to need the rest.
const UNUSED_PERCENT: f64 = 10.0;
/// A server that has run for less has shown nothing yet.
const UNUSED_UPTIME_S: f64 = 86_400.0;

/// Lines of the configuration files that the server cannot use.
pub(super) fn config_files(evidence: &Evidence) -> Outcome {
    let Some(lines) = &evidence.setup.files else {
        return Outcome::Skipped("configuration files are shown to superusers only".to_owned());
    };
    let pending = &evidence.sample.facts.pending_restart;
    // The server complains about these, too, although nothing is wrong with them.
    let waits = |name: &Option<String>| {
        name.as_ref().is_some_and(|name| pending.contains(name) || evidence.setup.is_on_command_line(name))
    };
    let broken: Vec<String> = lines
        .iter()
        .filter(|line| line.error.is_some() && !waits(&line.name))
        .map(|line| {
            let name = line.name.as_deref().map(|name| format!(" ({})", clean(name))).unwrap_or_default();
            format!(
                "{}:{}{name}: {}",
                clean(&line.file),
                line.line,
                clean(line.error.as_deref().unwrap_or_default())
            )
        })
        .collect();
    if broken.is_empty() {
        return Outcome::Fine("every line of the configuration files can be used".to_owned());
    }
    Outcome::advised(
        Severity::Critical,
        format!("the server cannot use {} of its configuration files: {}", count(broken.len() as u32, "line"), broken.join("; ")),
        "a running server keeps its old values and ignores the whole reload; at the next start it may refuse to come up",
        vec![Remedy::Sql("SELECT sourcefile, sourceline, name, setting, error FROM pg_file_settings WHERE error IS NOT NULL;".to_owned(), Effect::Now)],
    )
}

/// `ALTER SYSTEM` is not enough for a setting that only a start reads.
pub(super) fn restart_waiting(evidence: &Evidence) -> Outcome {
    let pending = &evidence.sample.facts.pending_restart;
    if pending.is_empty() {
        return Outcome::Fine("no changed setting waits for a restart".to_owned());
    }
    let change = |name: &String| {
        let now = evidence.setup.setting(name).map_or("?", |setting| setting.value.as_str());
        // The last line of a name wins.
        let mut lines = evidence.setup.files.iter().flatten().rev();
        let written =
            lines.find(|line| line.name.as_ref() == Some(name)).and_then(|line| line.value.as_deref());
        match written {
            Some(new) => format!("{}: {} now, {} after a restart", clean(name), clean(now), clean(new)),
            None => format!("{}: {} now, the new value is shown to superusers only", clean(name), clean(now)),
        }
    };
    let changes: Vec<String> = pending.iter().map(change).collect();
    Outcome::advised(
        Severity::Warning,
        format!(
            "{} for a restart: {}",
            if changes.len() == 1 { "a change waits" } else { "changes wait" },
            changes.join("; ")
        ),
        "pg_reload_conf() does not apply these settings, whatever it returns: until a restart the old value holds, and \
         whoever counts on the new one is wrong",
        Vec::new(),
    )
}

/// Slots for superusers.
pub(super) fn superuser_reserved(evidence: &Evidence) -> Outcome {
    let facts = &evidence.sample.facts;
    let kept = facts.superuser_reserved;
    if kept >= SUPERUSER_RESERVED {
        return Outcome::Fine(format!(
            "{kept} of {} slots are kept back for superusers",
            facts.max_connections
        ));
    }
    let severity = if kept == 0 { Severity::Critical } else { Severity::Warning };
    let what = if kept == 0 {
        "no slot is kept back for superusers (superuser_reserved_connections = 0)".to_owned()
    } else {
        format!("only {} kept back for superusers", count(kept, "slot"))
    };
    Outcome::advised(
        severity,
        what,
        format!(
            "when applications hold all {} slots, nobody can log in to relieve the server: everybody reads \"sorry, too \
             many clients already\"",
            facts.max_connections
        ),
        vec![evidence.set("superuser_reserved_connections", SUPERUSER_RESERVED.to_string())],
    )
}

/// Slots for roles that are no superusers, since 16.
pub(super) fn reserved(evidence: &Evidence) -> Outcome {
    const NAME: &str = "reserved_connections";
    let Some(kept) = evidence.setup.number(NAME) else { return no_value(evidence, NAME, 16) };
    if kept >= f64::from(RESERVED) {
        return Outcome::Fine(format!("{kept} slots are kept back for pg_use_reserved_connections"));
    }
    Outcome::advised(
        Severity::Advice,
        format!(
            "reserved_connections is {kept}: only superusers get in when applications have filled the server"
        ),
        "a monitoring role that is no superuser is locked out when it is needed most; reserved slots let it in \
         without making it one",
        vec![
            evidence.set(NAME, RESERVED.to_string()),
            Remedy::Sql(
                "GRANT pg_use_reserved_connections TO \"connwarden\";  -- the role you monitor with: connwarden grants prints all it needs"
                    .to_owned(),
                Effect::Now,
            ),
        ],
    )
}

/// Far more slots than anybody takes.
pub(super) fn unused(evidence: &Evidence) -> Outcome {
    let facts = &evidence.sample.facts;
    let taken = Totals::of(&evidence.sample).total;
    let usable = facts.usable();
    let share = f64::from(taken) * 100.0 / f64::from(usable.max(1));
    if facts.max_connections < UNUSED_SLOTS_MIN || share >= UNUSED_PERCENT {
        return Outcome::Fine(format!("{taken} of {usable} usable slots are taken"));
    }
    if facts.uptime_s < UNUSED_UPTIME_S {
        return Outcome::Skipped(format!(
            "the server has run for {} only: too short to call slots unused",
            span(facts.uptime_s)
        ));
    }
    Outcome::advised(
        Severity::Advice,
        format!("max_connections is {}, and {taken} are taken now", facts.max_connections),
        "one look cannot show the peak, so watch it for a day first. Slots cost shared memory and locks even when empty, and \
         a limit far above the need lets a leak grow until memory ends instead of until the limit",
        Vec::new(),
    )
}

/// Walsenders' own slots, the way in when the others are gone.
pub(super) fn wal_senders(evidence: &Evidence) -> Outcome {
    let facts = &evidence.sample.facts;
    let max = facts.max_wal_senders;
    if max == 0 {
        let mut write = vec![evidence.set("max_wal_senders", "10")];
        if evidence.setup.word("wal_level") == Some("minimal") {
            write.push(evidence.set("wal_level", "replica"));
        }
        return Outcome::advised(
            Severity::Advice,
            "max_wal_senders is 0: no standby, no online backup, and no way in beside the ordinary slots",
            "walsenders have slots of their own: when every other slot is gone, a replication login still gets in and can \
             end sessions",
            write,
        );
    }
    if evidence.sample.is_partial() {
        return Outcome::Skipped("walsenders are shown to pg_monitor only".to_owned());
    }
    let taken = Totals::of(&evidence.sample).walsenders;
    if taken + 1 < max {
        return Outcome::Fine(format!("{taken} of {max} walsender slots are taken"));
    }
    Outcome::advised(
        Severity::Warning,
        format!("{taken} of {max} walsender slots are taken"),
        "the next standby or backup is refused with \"number of requested standby connections exceeds max_wal_senders\", \
         and so is the way in that a full server leaves open",
        vec![evidence.set("max_wal_senders", (max + 5).to_string())],
    )
}
