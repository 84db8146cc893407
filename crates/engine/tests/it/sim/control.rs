//! A plain steward: one server's credits, first come first served. It keeps the contract and nothing more, so that a
//! worker is tested against any honest steward, not against ours only. Which one a world has, its seed says: see `office`.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::orders::{Admission, Back, Note, Order, PoolKey};
use engine::refuse::Refusal;
use model::config::checked::{Config, NoSuch};
use model::id::{PoolId, PublicId, SliceId, WorkerId};

use crate::rng::Rng;

/// What the steward knows of a slice.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) key: PoolKey,
    pub(crate) home: WorkerId,
    pub(crate) size: u32,
    pub(crate) wants: u32,
    pub(crate) idle: u32,
    /// Credits sent and not come back.
    pub(crate) granted: u32,
    revoked: u32,
    /// No grant before that moment: a dial was refused.
    rests_until: u64,
    /// When it was given something last.
    served_at: u64,
}

/// The steward.
pub(crate) struct Control {
    pub(crate) config: Arc<Config>,
    pub(crate) slices: BTreeMap<SliceId, Known>,
    by_key: BTreeMap<PoolKey, SliceId>,
    /// Connections all slices may have together.
    pub(crate) allowed: u32,
    workers: u16,
    next: u64,
    pub(crate) clients: i64,
    rng: Rng,
}

/// A letter of the steward.
pub(crate) type Mail = (WorkerId, Order);

impl Control {
    pub(crate) fn new(config: Arc<Config>, allowed: u32, workers: u16, rng: Rng) -> Self {
        Self {
            config,
            slices: BTreeMap::new(),
            by_key: BTreeMap::new(),
            allowed,
            workers,
            next: 0,
            clients: 0,
            rng,
        }
    }

    pub(crate) fn granted(&self) -> u32 {
        self.slices.values().map(|known| known.granted).sum()
    }

    /// A worker has said something.
    pub(crate) fn note(&mut self, now: u64, from: WorkerId, note: Note) -> Vec<Mail> {
        let mut mail = Vec::new();
        match note {
            Note::Knock { conn, key } => {
                let verdict = self.admit(&key, &mut mail);
                mail.push((from, Order::Admit { conn, verdict }));
            }
            Note::Left { .. } => self.clients -= 1,
            Note::Want { slice, servers, idle, .. } => {
                if let Some(known) = self.slices.get_mut(&slice) {
                    known.wants = servers;
                    known.idle = idle;
                }
                self.share(now, &mut mail);
            }
            Note::Back { slice, credits, why } => {
                if let Some(known) = self.slices.get_mut(&slice) {
                    known.granted =
                        known.granted.checked_sub(credits).expect("no more comes back than was granted");
                    known.revoked = known.revoked.saturating_sub(credits);
                    match why {
                        Back::Refused(_) => known.rests_until = now + 40_000,
                        Back::Unneeded => known.wants = 0,
                        Back::Closed => {}
                    }
                }
                self.share(now, &mut mail);
            }
            Note::Cancel { to, conn, pid, secret } => {
                mail.push((to, Order::Cancel { from: (from, conn), pid, secret }));
            }
            Note::CancelDone { at } => mail.push((at.0, Order::CancelDone { conn: at.1 })),
            // This one leaves it to the server: see the worlds of the engine's own.
            Note::Vacate { ticket, .. } => mail.push((from, Order::Vacant { ticket })),
            Note::Up { .. }
            | Note::Vacant { .. }
            | Note::VacancyOver { .. }
            | Note::Shut { .. }
            | Note::Done { .. }
            | Note::Page { .. }
            | Note::Recorded { .. }
            | Note::Drained => {}
        }
        mail
    }

    fn admit(&mut self, key: &PoolKey, mail: &mut Vec<Mail>) -> Result<Admission, Refusal> {
        let settings = self.config.pool(&key.database, &key.user).map_err(|error| match error {
            NoSuch::User => Refusal::WrongPassword { user: (&*key.user).into() },
            NoSuch::Database | NoSuch::Console | NoSuch::Server => {
                Refusal::NoSuchDatabase { database: (&*key.database).into() }
            }
        })?;
        let slice = match self.by_key.get(key) {
            Some(slice) => *slice,
            None => {
                let slice = SliceId(self.slices.len() as u32 + 1);
                let home = WorkerId(self.rng.below(u64::from(self.workers)) as u16);
                let size = settings.pool_size;
                self.slices.insert(
                    slice,
                    Known {
                        key: key.clone(),
                        home,
                        size,
                        wants: 0,
                        idle: 0,
                        granted: 0,
                        revoked: 0,
                        rests_until: 0,
                        served_at: 0,
                    },
                );
                self.by_key.insert(key.clone(), slice);
                mail.push((home, self.open(slice, false)));
                slice
            }
        };
        self.next += 1;
        self.clients += 1;
        let home = self.slices[&slice].home;
        Ok(Admission { public: PublicId(self.next), home, slice })
    }

    fn open(&self, slice: SliceId, stale: bool) -> Order {
        let known = &self.slices[&slice];
        let settings = self.config.pool(&known.key.database, &known.key.user).expect("it was there before");
        Order::Open {
            slice,
            pool: PoolId(slice.0),
            key: known.key.clone(),
            settings: Arc::new(settings),
            stale,
        }
    }

    /// A changed configuration.
    pub(crate) fn reload(&self) -> Vec<Mail> {
        let mut mail: Vec<Mail> = (0..self.workers)
            .map(|worker| (WorkerId(worker), Order::Configure(self.config.clone())))
            .collect();
        mail.extend(self.slices.iter().map(|(slice, known)| (known.home, self.open(*slice, true))));
        mail
    }

    /// To be called now and then.
    pub(crate) fn tick(&mut self, now: u64) -> Vec<Mail> {
        let mut mail = Vec::new();
        self.share(now, &mut mail);
        mail
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        self.slices.iter().map(|(slice, known)| format!("{slice:?} {known:?}")).collect()
    }

    fn share(&mut self, now: u64, mail: &mut Vec<Mail>) {
        let mut free = self.allowed.saturating_sub(self.granted());
        let mut hungry = None;
        // Who has nothing comes first, or the others' wishes would starve it.
        let mut order: Vec<SliceId> = self.slices.keys().copied().collect();
        order.sort_by_key(|slice| (self.slices[slice].granted > 0, self.slices[slice].served_at));
        for slice in order {
            let Some(known) = self.slices.get_mut(&slice) else { continue };
            if now < known.rests_until || known.wants == 0 {
                continue;
            }
            let credits = known.wants.min(known.size.saturating_sub(known.granted)).min(free);
            if credits > 0 {
                known.granted += credits;
                known.served_at = now;
                known.wants -= credits;
                free -= credits;
                mail.push((known.home, Order::Grant { slice, credits }));
            } else if known.granted == 0 {
                hungry = Some(slice);
            }
        }
        if let Some(hungry) = hungry
            && free == 0
        {
            self.take_back(now, hungry, mail);
        }
    }

    /// Somebody has nothing: the richest gives one back, idle ones first.
    fn take_back(&mut self, now: u64, hungry: SliceId, mail: &mut Vec<Mail>) {
        let rich = self
            .slices
            .iter_mut()
            .filter(|(slice, known)| {
                // What was just given is kept for a while, or two that share one credit would never use it.
                **slice != hungry && known.granted > known.revoked && known.served_at + 30_000 < now
            })
            .max_by_key(|(_, known)| (known.idle > 0, known.granted - known.revoked));
        if let Some((slice, known)) = rich
            && known.revoked == 0
        {
            known.revoked += 1;
            mail.push((known.home, Order::Revoke { slice: *slice, credits: 1 }));
        }
    }
}
