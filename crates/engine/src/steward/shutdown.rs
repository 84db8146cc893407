//! The end of the process, in as many steps as the operator wants.

use std::time::Duration;

use model::id::WorkerId;

use super::remark::Remark;
use super::{Answer, Command, Steward, StewardOutputs};
use crate::orders::{Drain, Order, Scope};
use crate::time::Now;

/// How to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// Clients leave when they are idle; after `drain_timeout` who is left is sent away.
    Drain,
    /// Wait until all clients have left by themselves.
    WaitForClients,
    /// Wait until all servers are released.
    WaitForServers,
    /// Everybody leaves now.
    Now,
}

/// How far the process is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// At work.
    Running,
    /// No new clients; those that are here may finish, up to this moment.
    Draining {
        /// In which way.
        how: Shutdown,
        /// When patience ends.
        until: Now,
    },
    /// Everybody is sent away; workers have until this moment to say that they are empty.
    Leaving {
        /// When the process ends all the same.
        until: Now,
    },
    /// Nobody is left: the process may end.
    Finished,
}

/// How long workers may take to send everybody away.
const LEAVING: Duration = Duration::from_secs(3);

impl Steward {
    /// Begins to end, or ends faster. No answer where the end itself is the answer.
    pub(super) fn shutdown(&mut self, now: Now, how: Shutdown, out: &mut StewardOutputs) -> Option<Answer> {
        match self.stage {
            Stage::Running => {}
            Stage::Draining { how: present, .. } if how > present => {}
            Stage::Draining { .. } => return Some(Answer::Done),
            Stage::Leaving { .. } | Stage::Finished => return None,
        }
        out.remarks.push(Remark::Draining(how));
        let timeout = self.config.proxy.drain_timeout;
        let until = if how == Shutdown::Drain { now.plus_maybe(timeout) } else { Now::NEVER };
        self.stage = Stage::Draining { how, until };
        match how {
            Shutdown::Drain => self.order_drain(Drain::WhenIdle, out),
            Shutdown::WaitForClients => self.order_drain(Drain::WhenLeft, out),
            Shutdown::WaitForServers => {
                self.order_drain(Drain::WhenLeft, out);
                self.errands.pause(&Scope::All);
                self.send(None, Command::Pause(Scope::All), out);
            }
            Shutdown::Now => {
                self.leave_now(now, out);
                return None;
            }
        }
        Some(Answer::Done)
    }

    /// What WAIT_FOR_SERVERS waits for.
    pub(super) fn on_all_paused(&mut self, now: Now, out: &mut StewardOutputs) {
        if matches!(self.stage, Stage::Draining { how: Shutdown::WaitForServers, .. }) {
            self.leave_now(now, out);
        }
    }

    /// Time has passed.
    pub(super) fn on_drain_time(&mut self, now: Now, out: &mut StewardOutputs) {
        match self.stage {
            Stage::Draining { until, .. } if now >= until => {
                out.remarks.push(Remark::DrainOver);
                self.leave_now(now, out);
            }
            Stage::Leaving { until } if now >= until => self.stage = Stage::Finished,
            Stage::Running | Stage::Draining { .. } | Stage::Leaving { .. } | Stage::Finished => {}
        }
    }

    /// A worker is empty; as nobody is let in any more, it stays so.
    pub(super) fn on_drained(&mut self, from: WorkerId) {
        self.drained[usize::from(from.0)] = true;
        if self.stage != Stage::Running && self.drained.iter().all(|drained| *drained) {
            self.stage = Stage::Finished;
        }
    }

    fn leave_now(&mut self, now: Now, out: &mut StewardOutputs) {
        self.stage = Stage::Leaving { until: now.plus(LEAVING) };
        self.order_drain(Drain::Now, out);
    }

    fn order_drain(&mut self, drain: Drain, out: &mut StewardOutputs) {
        out.orders.extend(self.every_worker().map(|worker| (worker, Order::Drain(drain))));
    }
}
