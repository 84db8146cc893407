//! Credits: dealt out by need, called back for who has none, taken back with what their end has taught.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use model::id::SliceId;

use super::ceiling::CeilingOf;
use super::gate::Gate;
use super::remark::Remark;
use super::share::{self, Claim};
use super::slices::Slice;
use super::{Stage, Steward, StewardOutputs};
use crate::contract::DialError;
use crate::orders::{Back, DialRefusal, Order, Replication};
use crate::time::Now;

/// Under a common ceiling every slice is looked at: with so many of them that is spaced out, by so much for each.
const DEAL_GAP: Duration = Duration::from_micros(20);
const DEAL_GAP_FROM: usize = 64;
/// A dial that nobody reports for so long beyond its timeout is no longer counted as under way.
const DIAL_LOST: Duration = Duration::from_secs(60);

/// Whose fault a failed dial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The server is not there or not able.
    Server,
    /// The server has no room, for whom the ceiling says.
    Room,
    /// This user, this database, this password.
    Pool,
    /// This process lacks something.
    Here,
}

impl Steward {
    pub(super) fn on_want(&mut self, id: SliceId, servers: u32, oldest: Option<Now>, idle: u32) {
        let slice = self.slice_mut(id);
        slice.idle = idle.min(slice.held());
        let ghosts = slice.shutting || slice.clients == 0;
        (slice.want, slice.oldest) = if ghosts { (0, None) } else { (servers, oldest) };
        slice.reserve_told &= servers > 0;
        self.restless = true;
    }

    pub(super) fn on_up(&mut self, now: Now, id: SliceId, out: &mut StewardOutputs) {
        let slice = self.slice_mut(id);
        slice.login_succeeded(now);
        slice.patience.succeeded();
        let (server, ceilings) = (slice.settings.server.name.clone(), slice.ceilings.clone());
        self.ceilings.confirm(&ceilings);
        self.health.up = Some(now);
        self.restless = true;
        if let Some(gate) = self.gates.get_mut(&server) {
            gate.ended(1);
            if gate.patience.succeeded() {
                out.remarks.push(Remark::ServerBack { server });
            }
        }
    }

    pub(super) fn on_back(
        &mut self,
        now: Now,
        id: SliceId,
        credits: u32,
        why: &Back,
        out: &mut StewardOutputs,
    ) {
        let slice = self.slice_mut(id);
        let answered = slice.back(credits);
        let dials = match why {
            Back::Closed => 0,
            Back::Unneeded | Back::Refused(_) => (slice.dials.len() as u32).min(credits),
        };
        slice.dials.drain(..dials as usize);
        // A connection that was never reported as logged in can't be under way any more.
        let beyond = slice.dials.len().saturating_sub(slice.granted() as usize);
        slice.dials.drain(..beyond);
        if slice.granted() == 0 && slice.clients == 0 {
            slice.unused_since = Some(now);
        }
        let (server, ceilings) = (slice.settings.server.name.clone(), slice.ceilings.clone());
        self.ceilings.give(&ceilings, credits, answered);
        if let Some(gate) = self.gates.get_mut(&server) {
            gate.ended(dials + beyond as u32);
        }
        if let Back::Refused(refusal) = why {
            self.on_refused(now, id, refusal, out);
        }
        self.restless = true;
    }

    /// Draws the lesson of a refused dial.
    fn on_refused(&mut self, now: Now, id: SliceId, refusal: &DialRefusal, out: &mut StewardOutputs) {
        let slice = match self.slices.get_mut(&id) {
            Some(slice) => slice,
            None => return,
        };
        let server = slice.settings.server.name.clone();
        let retry = slice.settings.server_login_retry;
        match fault(refusal) {
            Fault::Here => {
                slice.patience.rest(now);
                out.remarks.push(Remark::OutOfResources);
                return;
            }
            Fault::Server => {
                let pause = self.gates.get_mut(&server).and_then(|gate| gate.failed(now, &mut self.random));
                if let Some(pause) = pause {
                    out.remarks.push(Remark::ServerFailing { server, why: refusal.clone(), pause });
                }
            }
            Fault::Pool => {
                if let Some(pause) = slice.patience.failed(now, retry, &mut self.random) {
                    let (key, why) = (slice.key.clone(), refusal.clone());
                    out.remarks.push(Remark::PoolFailing { key, why, pause });
                }
            }
            Fault::Room => {
                let limit = no_room(slice, refusal);
                if self.ceilings.lower(&limit, now) {
                    let connections = self.ceilings.learned(&limit).unwrap_or(0);
                    out.remarks.push(Remark::CeilingLowered { limit, connections });
                }
            }
        }
        self.health.refused = Some(now);
    }

    /// Forgets dials whose end nobody has reported.
    pub(super) fn expire_dials(&mut self, now: Now) {
        for slice in self.slices.values_mut() {
            let Some(timeout) = slice.settings.server_connect_timeout else { continue };
            let lost = |began: &Now| now.since(*began) > timeout + DIAL_LOST;
            while slice.dials.front().is_some_and(lost) {
                slice.dials.pop_front();
                if let Some(gate) = self.gates.get_mut(&slice.settings.server.name) {
                    gate.ended(1);
                }
            }
        }
    }

    /// Deals credits out and calls credits back, where anybody may be waiting for one.
    pub(super) fn deal(&mut self, now: Now, out: &mut StewardOutputs) {
        if !self.restless || matches!(self.stage, Stage::Leaving { .. } | Stage::Finished) {
            self.restless = false;
            self.dealt = now;
            return;
        }
        let needy = self.slices.values().any(|slice| self.lacks(slice, now));
        let overfull = self.ceilings.any_overfull();
        if !needy && !overfull {
            self.restless = false;
            self.dealt = now;
            return;
        }
        let common = overfull
            || self
                .slices
                .values()
                .any(|slice| self.lacks(slice, now) && self.ceilings.is_shared(&slice.ceilings));
        if common && self.slices.len() > DEAL_GAP_FROM && now < self.dealt.plus(self.gap()) {
            return;
        }
        self.dealt = now;
        self.probe(now);
        let goals = self.goals(now, common);
        if common {
            self.call_back(&goals, out);
        }
        self.restless = self.hand_out(now, goals, out);
    }

    /// The shortest time between two looks at all slices.
    pub(super) fn gap(&self) -> Duration {
        DEAL_GAP.saturating_mul(u32::try_from(self.slices.len()).unwrap_or(u32::MAX))
    }

    /// True where the slice could use one more, were there no one else.
    fn lacks(&self, slice: &Slice, now: Now) -> bool {
        self.may_grow(slice, now) && self.wish(slice, now) > slice.held()
    }

    fn may_grow(&self, slice: &Slice, now: Now) -> bool {
        let stopped = self.errands.is_paused(&slice.key.database) || self.vacancies.cover(&slice.settings);
        !slice.shutting && slice.patience.is_over(now) && !stopped
    }

    /// Connections a slice would hold, were there no one else.
    fn wish(&self, slice: &Slice, now: Now) -> u32 {
        slice.work().max(slice.floor()).min(slice.size(now))
    }

    /// Where a learned ceiling is full and somebody waits, it is time to see whether it still stands.
    fn probe(&mut self, now: Now) {
        let waiting: Vec<_> = self
            .slices
            .values()
            .filter(|slice| self.lacks(slice, now))
            .map(|slice| slice.ceilings.clone())
            .collect();
        for at in waiting.into_iter().flatten() {
            self.ceilings.probe(at, now);
        }
    }

    /// How many credits each slice should hold.
    fn goals(&self, now: Now, common: bool) -> Vec<(SliceId, u32)> {
        if !common {
            let alone = |(id, slice): (&SliceId, &Slice)| {
                let goal = if self.may_grow(slice, now) { self.wish(slice, now) } else { 0 };
                (*id, goal.max(slice.held()))
            };
            return self.slices.iter().map(alone).collect();
        }
        let claims: Vec<_> = self.slices.values().map(|slice| self.claim(slice, now)).collect();
        let shares = share::fill(&claims, &mut self.ceilings.rooms());
        self.slices.keys().copied().zip(shares).collect()
    }

    fn claim<'a>(&self, slice: &'a Slice, now: Now) -> Claim<'a> {
        let (grows, held) = (self.may_grow(slice, now), slice.held());
        let most = if grows { slice.size(now) } else { held.min(slice.size(now)) };
        let (work, floor) =
            if slice.shutting { (0, 0) } else { (slice.work().min(most), slice.floor().min(most)) };
        Claim {
            ceilings: &slice.ceilings,
            floor,
            work,
            held,
            weight: slice.settings.weight,
            settling: slice.is_settling(now),
            oldest: slice.oldest.filter(|_| slice.want > 0).unwrap_or(Now::NEVER),
        }
    }

    /// Calls back what others lack, ceiling by ceiling: from who holds more than its share, idle ones first.
    fn call_back(&mut self, goals: &[(SliceId, u32)], out: &mut StewardOutputs) {
        let mut lack = vec![0u32; self.ceilings.len()];
        for (id, goal) in goals {
            let slice = &self.slices[id];
            for at in &slice.ceilings {
                lack[*at] = lack[*at].saturating_add(goal.saturating_sub(slice.held()));
            }
        }
        let rooms = self.ceilings.rooms();
        let mut asked: Vec<u32> = vec![0; goals.len()];
        for (at, room) in rooms.iter().enumerate() {
            let (used, mut coming) = self.ceilings.held(at);
            let under = |(_, (id, _)): &(usize, &(SliceId, u32))| self.slices[id].ceilings.contains(&at);
            let mut victims: Vec<_> = goals
                .iter()
                .enumerate()
                .filter(under)
                .map(|(index, (id, goal))| {
                    let surplus = self.slices[id].held().saturating_sub(*goal);
                    (index, &self.slices[id], surplus)
                })
                .filter(|(_, _, surplus)| *surplus > 0)
                .collect();
            coming += victims.iter().map(|(index, _, _)| asked[*index]).sum::<u32>();
            let mut need = used.saturating_add(lack[at]).saturating_sub(*room).saturating_sub(coming);
            victims.sort_by_key(|(index, slice, _)| (Reverse(over_size(slice)), Reverse(slice.idle), *index));
            for idle_only in [true, false] {
                for (index, slice, surplus) in &victims {
                    let most = if idle_only { slice.idle.min(*surplus) } else { *surplus };
                    let more = most.saturating_sub(asked[*index]).min(need);
                    asked[*index] += more;
                    need -= more;
                }
            }
        }
        for ((id, _), credits) in goals.iter().zip(asked).filter(|(_, credits)| *credits > 0) {
            let slice = match self.slices.get_mut(id) {
                Some(slice) => slice,
                None => continue,
            };
            slice.ask_back(credits);
            self.ceilings.ask_back(&slice.ceilings, credits);
            out.orders.push((slice.home, Order::Revoke { slice: *id, credits }));
        }
    }

    /// Hands out what may be dialled now, one by one: who holds least first, then who has been waiting longest. True
    /// where somebody still lacks something.
    fn hand_out(&mut self, now: Now, goals: Vec<(SliceId, u32)>, out: &mut StewardOutputs) -> bool {
        let mut line = BinaryHeap::new();
        for (id, goal) in goals {
            let slice = &self.slices[&id];
            if goal > slice.held() && self.may_grow(slice, now) {
                let oldest = slice.oldest.unwrap_or(Now::NEVER);
                line.push(Reverse((slice.held(), oldest, id, goal)));
            }
        }
        let mut grants = std::collections::BTreeMap::<SliceId, u32>::new();
        let mut lacking = false;
        while let Some(Reverse((held, oldest, id, goal))) = line.pop() {
            if !self.may_dial(now, id) {
                lacking = true;
                continue;
            }
            let slice = self.slice_mut(id);
            slice.grant(1, now);
            let ceilings = slice.ceilings.clone();
            self.ceilings.take(&ceilings, 1);
            *grants.entry(id).or_default() += 1;
            if held + 1 < goal {
                line.push(Reverse((held + 1, oldest, id, goal)));
            }
        }
        for (slice, credits) in grants {
            self.tell_reserve(now, slice, out);
            out.orders.push((self.slices[&slice].home, Order::Grant { slice, credits }));
        }
        lacking
    }

    /// True where every ceiling has room and the server's door is open; the door counts the dial.
    fn may_dial(&mut self, now: Now, id: SliceId) -> bool {
        let slice = &self.slices[&id];
        self.ceilings.has_room(&slice.ceilings)
            && self.gates.get_mut(&slice.settings.server.name).is_some_and(|gate: &mut Gate| gate.pass(now))
    }

    fn tell_reserve(&mut self, now: Now, id: SliceId, out: &mut StewardOutputs) {
        let slice = self.slice_mut(id);
        if over_size(slice) && !slice.reserve_told {
            slice.reserve_told = true;
            let waited = slice.oldest.map(|oldest| now.since(oldest)).unwrap_or_default();
            out.remarks.push(Remark::ReserveUsed { key: slice.key.clone(), waited });
        }
    }
}

/// True while the reserve is in use: what comes back first.
fn over_size(slice: &Slice) -> bool {
    slice.held() > slice.settings.pool_size
}

/// Whose fault a failed dial is, by what the server said. Codes: appendix "PostgreSQL Error Codes".
fn fault(refusal: &DialRefusal) -> Fault {
    let code = match refusal {
        DialRefusal::Socket(DialError::Local) => return Fault::Here,
        DialRefusal::Socket(
            DialError::Refused | DialError::Unresolved | DialError::Unreachable | DialError::TimedOut,
        )
        | DialRefusal::Lost
        | DialRefusal::TimedOut => return Fault::Server,
        DialRefusal::Credentials(_) => return Fault::Pool,
        DialRefusal::Server { code, .. } => code.as_ref().map_or("", |code| code.as_str()),
    };
    match code {
        "53300" => Fault::Room,
        // Shutting down, crashed, starting up; out of memory or disk; internal and system errors.
        _ if matches!(code.get(..2), Some("53" | "58" | "XX")) => Fault::Server,
        "57P01" | "57P02" | "57P03" => Fault::Server,
        _ => Fault::Pool,
    }
}

/// Which ceiling a 53300 is about: its text is translated, the routine that says it is not.
fn no_room(slice: &Slice, refusal: &DialRefusal) -> CeilingOf {
    let server = slice.settings.server.name.clone();
    let routine = match refusal {
        DialRefusal::Server { routine, .. } => &**routine,
        DialRefusal::Socket(_) | DialRefusal::Lost | DialRefusal::TimedOut | DialRefusal::Credentials(_) => {
            ""
        }
    };
    match (routine, slice.key.replication) {
        ("InitializeSessionUserId", _) => CeilingOf::Role { server, role: slice.settings.login.user.clone() },
        ("CheckMyDatabase", _) => CeilingOf::ServerDatabase { server, dbname: slice.settings.dbname.clone() },
        (_, Replication::Logical | Replication::Physical) => CeilingOf::Walsenders(server),
        (_, Replication::No) => CeilingOf::Server(server),
    }
}
