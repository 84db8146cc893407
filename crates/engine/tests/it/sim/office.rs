//! Who deals out credits: the plain steward or the engine's own. A worker has to get on with either, and with the engine's
//! own every credit is counted a second time here, from its letters alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::orders::{Note, Order, Scope};
use engine::steward::{Answer, Command, Steward, StewardInput, StewardOutputs};
use engine::time::Now;
use model::config::checked::Config;
use model::id::{SliceId, Ticket, WorkerId};

use super::control::{Control, Mail};
use super::proxy::Operator;
use crate::rng::Rng;

/// The engine's steward, and what its letters add up to.
pub(crate) struct Own {
    steward: Steward,
    out: StewardOutputs,
    config: Arc<Config>,
    tickets: u64,
    granted: BTreeMap<SliceId, u32>,
    /// Connections all slices may have together, where that is configured.
    allowed: Option<u32>,
}

/// A steward.
pub(crate) enum Office {
    Plain(Control),
    Own(Box<Own>),
}

impl Office {
    pub(crate) fn own(config: Arc<Config>, workers: u16, rng: &mut Rng) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&rng.u64().to_le_bytes());
        Self::Own(Box::new(Own {
            steward: Steward::new(seed, workers, config.clone()),
            out: StewardOutputs::default(),
            allowed: config.proxy.max_db_connections.max(),
            config,
            tickets: 0,
            granted: BTreeMap::new(),
        }))
    }

    /// A worker has said something.
    pub(crate) fn note(&mut self, now: u64, from: WorkerId, note: Note) -> Vec<Mail> {
        match self {
            Self::Plain(plain) => plain.note(now, from, note),
            Self::Own(own) => {
                if let Note::Back { slice, credits, .. } = &note {
                    let held = own.granted.entry(*slice).or_default();
                    *held = held.checked_sub(*credits).expect("no more comes back than was granted");
                }
                own.on(now, StewardInput::Note(from, note))
            }
        }
    }

    /// It is time.
    pub(crate) fn tick(&mut self, now: u64) -> Vec<Mail> {
        match self {
            Self::Plain(plain) => plain.tick(now),
            Self::Own(own) => own.on(now, StewardInput::Tick),
        }
    }

    /// When to be told of time next.
    pub(crate) fn wake(&self, now: u64) -> u64 {
        match self {
            Self::Plain(_) => now + 100_000,
            Self::Own(own) => own.steward.wake().0,
        }
    }

    /// An operator's command.
    pub(crate) fn operator(
        &mut self,
        now: u64,
        ticket: Ticket,
        workers: u16,
        operator: Operator,
    ) -> Vec<Mail> {
        match self {
            Self::Plain(plain) => {
                let order: fn(Ticket) -> Order = match operator {
                    Operator::Reload => return plain.reload(),
                    Operator::Pause => |ticket| Order::Pause { ticket, scope: Scope::All },
                    Operator::Resume => |ticket| Order::Resume { ticket, scope: Scope::All },
                    Operator::Reconnect => |ticket| Order::Reconnect { ticket, scope: Scope::All },
                };
                (0..workers).map(|worker| (WorkerId(worker), order(ticket))).collect()
            }
            Self::Own(own) => own.on(
                now,
                match operator {
                    Operator::Reload => StewardInput::Configure(own.config.clone()),
                    Operator::Pause => StewardInput::Command(ticket, Command::Pause(Scope::All)),
                    Operator::Resume => StewardInput::Command(ticket, Command::Resume(Scope::All)),
                    Operator::Reconnect => StewardInput::Command(ticket, Command::Reconnect(Scope::All)),
                },
            ),
        }
    }

    /// Credits of a slice that were sent and have not come back.
    pub(crate) fn granted(&self, slice: SliceId) -> u32 {
        match self {
            Self::Plain(plain) => plain.slices.get(&slice).map_or(0, |known| known.granted),
            Self::Own(own) => own.granted.get(&slice).copied().unwrap_or(0),
        }
    }

    /// The engine's steward counts as its letters do, and stays within what it was allowed.
    pub(crate) fn agrees(&mut self, now: u64) -> Result<(), String> {
        let Self::Own(own) = self else { return Ok(()) };
        let total: u32 = own.granted.values().sum();
        if own.allowed.is_some_and(|allowed| total > allowed) {
            return Err(format!("{total} credits are out; {:?} are allowed", own.allowed));
        }
        own.tickets += 1;
        let ticket = Ticket(own.tickets);
        own.on(now, StewardInput::Command(ticket, Command::Books));
        let books = own.out.answers.iter().find_map(|(to, answer)| match answer {
            Answer::Books(books) if *to == ticket => Some(books),
            _ => None,
        });
        let books = books.ok_or("the steward does not show its books")?;
        for pool in &books.pools {
            let counted = own.granted.get(&pool.slice).copied().unwrap_or(0);
            if pool.granted != counted {
                return Err(format!(
                    "{:?} has {counted} credits, its books say {}",
                    pool.slice, pool.granted
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        match self {
            Self::Plain(plain) => plain.describe(),
            Self::Own(own) => vec![format!("granted {:?}, {:?}", own.granted, own.steward)],
        }
    }
}

impl Own {
    fn on(&mut self, now: u64, input: StewardInput) -> Vec<Mail> {
        self.out.clear();
        self.steward.on(Now(now), input, &mut self.out);
        let mail = std::mem::take(&mut self.out.orders);
        for (_, order) in &mail {
            if let Order::Grant { slice, credits } = order {
                *self.granted.entry(*slice).or_default() += credits;
            }
        }
        mail
    }
}
