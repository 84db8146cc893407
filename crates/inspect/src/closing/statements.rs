//! The statements that act, as text. Whoever they name is still the one that was listed, or nobody is.

use crate::catalog::{Session, State};

/// Who a session is: its process id, and when it began to the microsecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pid: i32,
    started: String,
}

impl Person {
    /// `None` where we were not shown enough.
    pub(super) fn of(session: &Session) -> Option<Self> {
        Some(Self { pid: session.pid, started: moment(session.started.as_deref()?)? })
    }

    fn condition(&self) -> String {
        format!(
            "a.pid = {} AND a.backend_start = '{}'::timestamptz AND a.backend_type = 'client backend' \
             AND a.pid <> pg_catalog.pg_backend_pid()",
            self.pid, self.started
        )
    }

    /// What it does now; no row once it is gone.
    pub(super) fn look(&self) -> String {
        format!(
            "SELECT a.state, a.state_change::text AS state_change FROM pg_catalog.pg_stat_activity a WHERE {}",
            self.condition()
        )
    }

    /// Ends it, whatever it does now.
    pub(super) fn terminate(&self, wait_ms: Option<u64>) -> String {
        terminate(&self.condition(), wait_ms)
    }
}

/// Who a session is, and that it has done nothing since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unchanged {
    person: Person,
    state: State,
    changed: Option<String>,
}

impl Unchanged {
    /// `None` where we were not shown enough.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let changed = match &session.changed {
            Some(text) => Some(moment(text)?),
            None => None,
        };
        Some(Self { person: Person::of(session)?, state: session.state, changed })
    }

    fn condition(&self) -> String {
        let changed = self.changed.as_ref().map_or_else(
            || "a.state_change IS NULL".to_owned(),
            |changed| format!("a.state_change = '{changed}'::timestamptz"),
        );
        format!("{} AND a.state = '{}' AND {changed}", self.person.condition(), self.state.name())
    }

    /// Ends it.
    pub(super) fn terminate(&self, wait_ms: Option<u64>) -> String {
        terminate(&self.condition(), wait_ms)
    }

    /// Cancels its statement.
    pub(super) fn cancel(&self) -> String {
        format!(
            "SELECT pg_catalog.pg_cancel_backend(a.pid) AS done FROM pg_catalog.pg_stat_activity a WHERE {}",
            self.condition()
        )
    }
}

/// With a wait the reply means that it is gone; PostgreSQL has that since version 14.
fn terminate(condition: &str, wait_ms: Option<u64>) -> String {
    let wait = wait_ms.map(|ms| format!(", {ms}")).unwrap_or_default();
    format!(
        "SELECT pg_catalog.pg_terminate_backend(a.pid{wait}) AS done FROM pg_catalog.pg_stat_activity a \
         WHERE {condition}"
    )
}

/// Sessions that hold a slot, besides ours.
pub(super) const TAKEN: &str = "\
SELECT count(*) AS taken FROM pg_catalog.pg_stat_activity
 WHERE pid <> pg_catalog.pg_backend_pid()
   AND (backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))";

/// A time as the server wrote it and as it may be written back; `None` for anything else.
fn moment(text: &str) -> Option<String> {
    let is_time = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | ' ');
    (!text.is_empty() && text.chars().all(is_time)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::tests::someone;

    #[test]
    fn a_victim_is_named_by_all_that_it_was() {
        let unchanged = Unchanged::of(&someone(7)).unwrap();
        let sql = unchanged.terminate(Some(2_000));
        for part in [
            "pg_terminate_backend(a.pid, 2000)",
            "a.pid = 7 AND",
            "a.backend_start = '2026-01-01 00:00:00.000007+00'::timestamptz",
            "a.state_change = '2026-01-01 00:10:00.000001+00'::timestamptz",
            "a.state = 'idle'",
            "a.backend_type = 'client backend'",
            "a.pid <> pg_catalog.pg_backend_pid()",
        ] {
            assert!(sql.contains(part), "{part} in {sql}");
        }
        assert!(unchanged.terminate(None).contains("pg_terminate_backend(a.pid) "), "before version 14");
        assert!(
            unchanged.cancel().contains("pg_cancel_backend(a.pid)")
                && unchanged.cancel().contains("a.state = 'idle'")
        );
        assert!(!Person::of(&someone(7)).unwrap().terminate(None).contains("state"));
    }

    #[test]
    fn whoever_we_were_not_shown_cannot_be_named() {
        assert_eq!(Person::of(&Session { started: None, ..someone(7) }), None);
        for text in ["", "'; drop table a; --", "now()", "infinity"] {
            assert_eq!(Person::of(&Session { started: Some(text.to_owned()), ..someone(7) }), None, "{text}");
            assert_eq!(
                Unchanged::of(&Session { changed: Some(text.to_owned()), ..someone(7) }),
                None,
                "{text}"
            );
        }
        let untracked = Unchanged::of(&Session { changed: None, ..someone(7) }).unwrap();
        assert!(untracked.cancel().contains("a.state_change IS NULL"));
    }
}
