//! Databases that must be vacant: whose pools have been told, who has not answered, and who asked.
//!
//! While one stands, none of its pools is granted a credit: neither for waiting clients nor for `min_pool_size`.

use std::collections::{BTreeMap, BTreeSet};

use model::config::checked::{Host, PoolSettings};
use model::id::{SliceId, Ticket, WorkerId};

use super::{Steward, StewardOutputs};
use crate::orders::Order;

/// One database of one postmaster.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: Host,
    port: u16,
    dbname: Box<str>,
}

impl Place {
    fn of(settings: &PoolSettings, dbname: &str) -> Self {
        Self { host: settings.server.host.clone(), port: settings.server.port, dbname: dbname.into() }
    }

    fn holds(&self, settings: &PoolSettings) -> bool {
        *self.dbname == *settings.dbname
            && self.port == settings.server.port
            && self.host == settings.server.host
    }
}

/// One statement that needs it.
#[derive(Clone, Debug)]
struct Vacancy {
    place: Place,
    /// Who asked, under which name.
    asked: (WorkerId, Ticket),
    /// Slices that were told.
    slices: Vec<SliceId>,
    /// Those of them that have not answered.
    left: BTreeSet<SliceId>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Vacancies {
    next: u64,
    list: BTreeMap<Ticket, Vacancy>,
}

impl Vacancies {
    /// True where no connection may be opened for a pool.
    pub(super) fn cover(&self, settings: &PoolSettings) -> bool {
        self.list.values().any(|vacancy| vacancy.place.holds(settings))
    }
}

impl Steward {
    /// A client's statement needs a database vacant.
    pub(super) fn on_vacate(
        &mut self,
        from: WorkerId,
        ticket: Ticket,
        slice: SliceId,
        database: &str,
        out: &mut StewardOutputs,
    ) {
        let place = Place::of(&self.slice_mut(slice).settings, database);
        self.vacancies.next += 1;
        let own = Ticket(self.vacancies.next);
        let mut slices = Vec::new();
        for (id, slice) in self.slices.iter().filter(|(_, slice)| place.holds(&slice.settings)) {
            slices.push(*id);
            out.orders.push((slice.home, Order::Vacate { ticket: own, slice: *id }));
        }
        let left: BTreeSet<SliceId> = slices.iter().copied().collect();
        if left.is_empty() {
            out.orders.push((from, Order::Vacant { ticket }));
        }
        self.vacancies.list.insert(own, Vacancy { place, asked: (from, ticket), slices, left });
    }

    /// A pool has let go of its database.
    pub(super) fn on_vacant(&mut self, ticket: Ticket, slice: SliceId, out: &mut StewardOutputs) {
        // The statement may have ended without it.
        let Some(vacancy) = self.vacancies.list.get_mut(&ticket) else { return };
        if vacancy.left.remove(&slice) && vacancy.left.is_empty() {
            let (asker, ticket) = vacancy.asked;
            out.orders.push((asker, Order::Vacant { ticket }));
        }
    }

    /// The statement has ended, or will never be sent.
    pub(super) fn on_vacancy_over(&mut self, from: WorkerId, ticket: Ticket, out: &mut StewardOutputs) {
        let asked = |(_, vacancy): &(&Ticket, &Vacancy)| vacancy.asked == (from, ticket);
        let Some(own) = self.vacancies.list.iter().find(asked).map(|(own, _)| *own) else { return };
        let Some(vacancy) = self.vacancies.list.remove(&own) else { return };
        for id in vacancy.slices {
            if let Some(slice) = self.slices.get(&id) {
                out.orders.push((slice.home, Order::Reopen { ticket: own, slice: id }));
            }
        }
        self.restless = true;
    }

    /// Nothing is left of a slice: nobody waits for its answer.
    pub(super) fn forget_vacating(&mut self, slice: SliceId, out: &mut StewardOutputs) {
        let tickets: Vec<Ticket> = self.vacancies.list.keys().copied().collect();
        for ticket in tickets {
            self.on_vacant(ticket, slice, out);
        }
    }
}
