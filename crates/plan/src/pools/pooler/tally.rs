//! The sum of a pooler's pools under the limits above them.

use std::collections::BTreeMap;

use crate::Number;
use crate::pools::sums;

/// Pools beyond this many are not added up one by one; the sum is then far above every server's limit anyhow.
const POOLS_MAX: usize = 10_000;

/// One pool: what it opens for one user of one database.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) database: String,
    pub(super) user: String,
    /// Its size and its reserve.
    pub(super) most: Number,
    pub(super) kept: u32,
}

/// The pools, and how many connections a database and a user may have over all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    entries: Vec<Entry>,
    by_database: BTreeMap<String, Number>,
    by_user: BTreeMap<String, Number>,
}

impl Tally {
    pub(super) fn add(&mut self, entry: Entry) {
        if self.entries.len() < POOLS_MAX {
            self.entries.push(entry);
        }
    }

    pub(super) fn limit_database(&mut self, name: &str, limit: Option<Number>) {
        if let Some(limit) = limit.filter(|limit| limit.value > 0) {
            self.by_database.insert(name.to_owned(), limit);
        }
    }

    pub(super) fn limit_user(&mut self, name: &str, limit: Option<Number>) {
        if let Some(limit) = limit.filter(|limit| limit.value > 0) {
            self.by_user.insert(name.to_owned(), limit);
        }
    }

    /// The most connections: no more than the databases' limits allow, and no more than the users'.
    pub(super) fn most(&self) -> Number {
        let of_databases = self.under(|entry| &entry.database, &self.by_database);
        let of_users = self.under(|entry| &entry.user, &self.by_user);
        sums::at_most(of_databases, &of_users)
    }

    /// What is kept open.
    pub(super) fn kept(&self) -> u32 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.kept.min(entry.most.value)))
    }

    fn under(&self, key: impl Fn(&Entry) -> &String, limits: &BTreeMap<String, Number>) -> Number {
        let mut groups: BTreeMap<&String, Vec<Number>> = BTreeMap::new();
        for entry in &self.entries {
            groups.entry(key(entry)).or_default().push(entry.most.clone());
        }
        sums::of(groups.into_iter().map(|(name, parts)| {
            let sum = sums::of(parts);
            match limits.get(name) {
                Some(limit) => sums::at_most(sum, limit),
                None => sum,
            }
        }))
    }
}
