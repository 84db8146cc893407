//! Places for clients: exact counts, because one mind gives them out and hears of every departure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::refuse::Refusal;

/// The limits that hold for one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlaceLimits {
    /// `max_client_conn`.
    pub all: u32,
    /// `max_db_client_connections`.
    pub database: Option<u32>,
    /// `max_user_client_connections`.
    pub user: Option<u32>,
}

/// Clients by database and by user.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    all: u32,
    databases: BTreeMap<Arc<str>, u32>,
    users: BTreeMap<Arc<str>, u32>,
    admitted: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Places {
    /// Takes a place, or says which limit is reached: the widest first.
    pub(super) fn take(
        &mut self,
        database: &Arc<str>,
        user: &Arc<str>,
        limits: PlaceLimits,
    ) -> Result<(), Refusal> {
        if self.all >= limits.all {
            return Err(Refusal::TooManyClients);
        }
        if limits.database.is_some_and(|max| self.of_database(database) >= max) {
            return Err(Refusal::TooManyDatabaseClients { database: (&**database).into() });
        }
        if limits.user.is_some_and(|max| self.of_user(user) >= max) {
            return Err(Refusal::TooManyUserClients { user: (&**user).into() });
        }
        self.all += 1;
        self.admitted += 1;
        *self.databases.entry(database.clone()).or_default() += 1;
        *self.users.entry(user.clone()).or_default() += 1;
        Ok(())
    }

    /// Gives a place back.
    pub(super) fn give(&mut self, database: &Arc<str>, user: &Arc<str>) {
        assert!(self.all > 0, "no client leaves that was not admitted");
        self.all -= 1;
        one_less(&mut self.databases, database);
        one_less(&mut self.users, user);
    }

    /// Counts a refusal, whoever decided it.
    pub(super) fn count(&mut self, refusal: &Refusal) {
        *self.refused.entry(refusal.label()).or_default() += 1;
    }

    pub(super) fn all(&self) -> u32 {
        self.all
    }

    pub(super) fn admitted(&self) -> u64 {
        self.admitted
    }

    pub(super) fn of_database(&self, name: &str) -> u32 {
        self.databases.get(name).copied().unwrap_or(0)
    }

    pub(super) fn of_user(&self, name: &str) -> u32 {
        self.users.get(name).copied().unwrap_or(0)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.users.iter().map(|(name, count)| (name, *count))
    }

    pub(super) fn databases(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.databases.iter().map(|(name, count)| (name, *count))
    }

    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refused.iter().map(|(label, count)| (*label, *count))
    }
}

fn one_less(counts: &mut BTreeMap<Arc<str>, u32>, name: &Arc<str>) {
    let count = counts.get_mut(name);
    assert!(count.as_ref().is_some_and(|count| **count > 0), "no client leaves that was not admitted");
    if let Some(count) = count {
        *count -= 1;
        if *count == 0 {
            counts.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_named_when_it_is_reached_and_a_departure_makes_room() {
        let (d, e, u, v): (Arc<str>, Arc<str>, Arc<str>, Arc<str>) =
            ("d".into(), "e".into(), "u".into(), "v".into());
        let limits = PlaceLimits { all: 3, database: Some(2), user: Some(1) };
        let mut places = Places::default();
        assert_eq!(places.take(&d, &u, limits), Ok(()));
        assert_eq!(places.take(&d, &u, limits), Err(Refusal::TooManyUserClients { user: "u".into() }));
        assert_eq!(places.take(&d, &v, limits), Ok(()));
        let other: Arc<str> = "w".into();
        assert_eq!(
            places.take(&d, &other, limits),
            Err(Refusal::TooManyDatabaseClients { database: "d".into() })
        );
        assert_eq!(places.take(&e, &other, limits), Ok(()));
        assert_eq!(places.take(&e, &"x".into(), limits), Err(Refusal::TooManyClients));
        places.give(&d, &u);
        assert_eq!(places.take(&e, &u, limits), Ok(()));
        assert_eq!((places.all(), places.of_database("d"), places.of_user("u")), (3, 1, 1));
    }
}
