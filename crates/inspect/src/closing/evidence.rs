//! What sessions hold besides a slot, as far as the server shows it.
//!
//! Seen: advisory locks, by the lock table; temporary tables of the database we are logged in to, by their schemas.
//! Not seen: temporary tables in other databases, LISTEN (only the last statement can be looked at), cursors WITH HOLD,
//! prepared statements, settings. A prepared transaction belongs to no session: closing one does not touch it.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::Action;
use crate::connect::{Answer, Answers, AskError};

/// Who holds advisory locks.
const ADVISORY: &str =
    "SELECT DISTINCT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid IS NOT NULL";
/// Which temporary schemas of this database hold tables. The schema's number is the backend's number.
const TEMPORARY: &str = "\
SELECT DISTINCT substring(n.nspname FROM 9)::int AS slot
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence = 't' AND n.nspname ~ '^pg_temp_[0-9]+$'";
/// All that the statistics know of that number.
const BACKENDS: &str = "\
SELECT slot, pg_catalog.pg_stat_get_backend_pid(slot) AS pid
  FROM pg_catalog.pg_stat_get_backend_idset() AS slots(slot) ORDER BY slot";
/// What held locks tell of it.
const LOCKED: &str = "\
SELECT DISTINCT split_part(virtualtransaction, '/', 1)::int AS slot, pid
  FROM pg_catalog.pg_locks WHERE pid IS NOT NULL";
/// Since this version the statistics number backends as the schemas do; before, they only keep their order.
const NUMBERED_ALIKE_SINCE: u32 = 16;

/// Process ids of sessions that would lose something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Hold advisory locks: an idle session can hold only those of the session.
    pub advisory: BTreeSet<i32>,
    /// Have temporary tables; before version 16 perhaps some that only might have them.
    pub temporary: BTreeSet<i32>,
}

impl Evidence {
    /// Looks, where the action spares who holds something: only `close-idle` does.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn take_for(action: Action, server: &mut impl Answers) -> Result<Self, AskError> {
        match action {
            Action::CloseIdle => Self::take(server).await,
            Action::ForceClose | Action::Cancel => Ok(Self::default()),
        }
    }

    /// Looks. To be taken after the sample it is used with: who has changed since is no victim anyway.
    ///
    /// # Errors
    /// As [`Answers::answers`].
    pub async fn take(server: &mut impl Answers) -> Result<Self, AskError> {
        let answers = server.answers(&[ADVISORY, TEMPORARY, BACKENDS, LOCKED]).await?;
        let [advisory, temporary, backends, locked] = answers.as_slice() else {
            return Err(AskError::Shape(format!("{} answers to 4 questions", answers.len())));
        };
        let schemas = temporary.rows().map(|row| row.value("slot")).collect::<Result<BTreeSet<i32>, _>>()?;
        let (backends, locked) = (pairs(backends)?, pairs(locked)?);
        let temporary = if server.major() >= NUMBERED_ALIKE_SINCE {
            backends.iter().filter(|(slot, _)| schemas.contains(slot)).map(|(_, pid)| *pid).collect()
        } else {
            let order: Vec<i32> = backends.iter().map(|(_, pid)| *pid).collect();
            possible_owners(&schemas, &order, &locked.iter().map(|(slot, pid)| (*pid, *slot)).collect())
        };
        let advisory = advisory.rows().map(|row| row.value("pid")).collect::<Result<_, _>>()?;
        Ok(Self { advisory, temporary })
    }
}

fn pairs(answer: &Answer) -> Result<Vec<(i32, i32)>, AskError> {
    let pairs = answer.rows().map(|row| Ok((row.value("slot")?, row.maybe("pid")?)));
    let pairs = pairs.collect::<Result<Vec<(i32, Option<i32>)>, AskError>>()?;
    Ok(pairs.into_iter().filter_map(|(slot, pid)| Some((slot, pid?))).collect())
}

/// Backends in the order of their slots, some slots being free: a slot's number lies between what the neighbours whose
/// number is known leave over. Everybody who may have one of the schemas' numbers is named.
fn possible_owners(schemas: &BTreeSet<i32>, order: &[i32], known: &BTreeMap<i32, i32>) -> BTreeSet<i32> {
    let mut low = 0;
    let lows: Vec<i32> = order
        .iter()
        .map(|pid| {
            low = known.get(pid).copied().unwrap_or(low + 1);
            low
        })
        .collect();
    let mut high = i32::MAX;
    let highs = order.iter().rev().map(|pid| {
        high = known.get(pid).copied().unwrap_or(high.saturating_sub(1));
        high
    });
    let highs: Vec<i32> = highs.collect();
    let ranges = lows.into_iter().zip(highs.into_iter().rev()).map(|(low, high)| low..=high);
    let owners =
        order.iter().zip(ranges).filter(|(_, range)| schemas.iter().any(|slot| range.contains(slot)));
    owners.map(|(pid, _)| *pid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(schemas: &[i32], known: &[(i32, i32)]) -> Vec<i32> {
        let order = [101, 102, 103, 104, 105];
        possible_owners(&schemas.iter().copied().collect(), &order, &known.iter().copied().collect())
            .into_iter()
            .collect()
    }

    #[test]
    fn known_neighbours_tell_whose_a_schema_is() {
        assert_eq!(owners(&[4], &[(103, 3), (105, 5)]), [104]);
        assert_eq!(owners(&[2], &[(103, 3)]), [102], "below a known one without a gap");
        assert_eq!(owners(&[7], &[(103, 7)]), [103]);
        assert!(owners(&[9], &[(105, 5)]).is_empty(), "left behind by a crash");
        assert!(owners(&[], &[]).is_empty());
    }

    #[test]
    fn whoever_may_be_the_owner_is_named() {
        assert_eq!(owners(&[4], &[(102, 2), (105, 6)]), [103, 104], "a slot between them is free");
        assert_eq!(owners(&[6], &[(103, 3)]), [104, 105]);
        assert_eq!(owners(&[2], &[]), [101, 102]);
    }
}
