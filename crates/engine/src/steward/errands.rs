//! Operators' commands: each becomes an order to every worker and is answered when the last worker has answered.
//! The words of errors are PgBouncer's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::config::checked::RESERVED;
use model::id::{Ticket, WorkerId};

use super::remark::Remark;
use super::shutdown::Stage;
use super::{Answer, Command, Steward, StewardOutputs};
use crate::orders::{Order, Scope};
use crate::time::Now;

/// One command under way.
#[derive(Clone, Debug)]
struct Errand {
    /// Who is told; nobody, where the steward itself gave the order.
    asked: Option<Ticket>,
    command: Command,
    /// Workers that have not answered.
    left: BTreeSet<WorkerId>,
    found: bool,
}

/// Commands under way, and what they left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Errands {
    next: u64,
    list: BTreeMap<Ticket, Errand>,
    pages: BTreeMap<Ticket, Ticket>,
    paused: bool,
    paused_databases: BTreeSet<Arc<str>>,
    /// Paused by a KILL of everything: a bare RESUME ends it.
    killed: BTreeSet<Arc<str>>,
    disabled: BTreeSet<Arc<str>>,
}

impl Errands {
    fn ticket(&mut self) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }

    /// A ticket whose answer nobody waits for.
    pub(super) fn nobody(&mut self) -> Ticket {
        self.ticket()
    }

    /// Takes a page's question off the list.
    pub(super) fn finish(&mut self, ticket: Ticket) -> Option<Ticket> {
        self.pages.remove(&ticket)
    }

    pub(super) fn is_paused(&self, database: &str) -> bool {
        self.paused || self.paused_databases.contains(database)
    }

    pub(super) fn is_paused_itself(&self, database: &str) -> bool {
        self.paused_databases.contains(database)
    }

    pub(super) fn is_all_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn is_disabled(&self, database: &str) -> bool {
        self.disabled.contains(database)
    }

    /// Databases that are paused or disabled by name.
    pub(super) fn stopped(&self) -> impl Iterator<Item = &Arc<str>> {
        self.paused_databases.iter().chain(&self.disabled)
    }

    pub(super) fn pause(&mut self, scope: &Scope) {
        match scope {
            Scope::All => self.paused = true,
            Scope::Database(name) => {
                self.paused_databases.insert(name.clone());
            }
        }
    }
}

impl Steward {
    pub(super) fn on_command(
        &mut self,
        now: Now,
        ticket: Ticket,
        command: Command,
        out: &mut StewardOutputs,
    ) {
        // Whoever records tells more of it than that.
        let acts =
            !matches!(command, Command::Page(..) | Command::Books | Command::Number | Command::Record(_));
        let told = acts.then(|| command.clone());
        match self.obey(now, ticket, command, out) {
            Ok(Some(answer)) => out.answers.push((ticket, answer)),
            Ok(None) => {}
            Err(text) => return out.answers.push((ticket, Answer::Error(text))),
        }
        out.remarks.extend(told.map(Remark::Commanded));
    }

    /// `Ok(None)`: the answer comes later.
    fn obey(
        &mut self,
        now: Now,
        ticket: Ticket,
        command: Command,
        out: &mut StewardOutputs,
    ) -> Result<Option<Answer>, String> {
        match &command {
            Command::Pause(scope) => {
                self.known(scope, "pause")?;
                self.not_paused()?;
                self.errands.pause(scope);
            }
            Command::Resume(scope) => {
                self.restless = true;
                return self.resume(ticket, scope, out);
            }
            Command::Reconnect(scope) => self.known(scope, "reconnect")?,
            Command::WaitClose(scope) => self.known(scope, "wait in")?,
            Command::Kill(scope) => {
                self.known(scope, "kill")?;
                self.not_paused()?;
                self.mark_killed(scope);
            }
            Command::KillClient(_) | Command::Record(_) => {}
            Command::Disable(name) => {
                self.known(&Scope::Database(name.clone()), "disable")?;
                self.errands.disabled.insert(name.clone());
                return Ok(Some(Answer::Done));
            }
            Command::Enable(name) => {
                // The word is PgBouncer's, which says "disable" here too.
                self.known(&Scope::Database(name.clone()), "disable")?;
                self.errands.disabled.remove(name);
                return Ok(Some(Answer::Done));
            }
            Command::Shutdown(how) => return Ok(self.shutdown(now, *how, out)),
            Command::Page(worker, ask) => {
                if usize::from(worker.0) >= self.homes.len() {
                    return Err(format!("no such worker: {}", worker.0));
                }
                let own = self.errands.ticket();
                self.errands.pages.insert(own, ticket);
                out.orders.push((*worker, Order::Snapshot { ticket: own, ask: *ask }));
                return Ok(None);
            }
            Command::Books => return Ok(Some(Answer::Books(Box::new(self.books(now))))),
            Command::Number => return Ok(Some(Answer::Number(self.number()))),
        }
        self.send(Some(ticket), command, out);
        Ok(None)
    }

    /// Sends an order to every worker.
    pub(super) fn send(&mut self, asked: Option<Ticket>, command: Command, out: &mut StewardOutputs) {
        let ticket = self.errands.ticket();
        for worker in self.every_worker() {
            let order = match &command {
                Command::Pause(scope) => Order::Pause { ticket, scope: scope.clone() },
                Command::Resume(scope) => Order::Resume { ticket, scope: scope.clone() },
                Command::Reconnect(scope) => Order::Reconnect { ticket, scope: scope.clone() },
                Command::WaitClose(scope) => Order::WaitClose { ticket, scope: scope.clone() },
                Command::Kill(scope) => Order::Kill { ticket, scope: scope.clone() },
                Command::KillClient(client) => Order::KillClient { ticket, client: *client },
                Command::Record(since) => Order::Record { ticket, since: *since },
                Command::Disable(_)
                | Command::Enable(_)
                | Command::Shutdown(_)
                | Command::Page(..)
                | Command::Books
                | Command::Number => return,
            };
            out.orders.push((worker, order));
        }
        let left = self.every_worker().collect();
        self.errands.list.insert(ticket, Errand { asked, command, left, found: false });
    }

    /// A worker has carried an order out.
    pub(super) fn on_done(
        &mut self,
        now: Now,
        from: WorkerId,
        ticket: Ticket,
        found: bool,
        out: &mut StewardOutputs,
    ) {
        // Unknown tickets are pauses told to a new slice, or pauses that a resume has overtaken.
        let Some(errand) = self.errands.list.get_mut(&ticket) else { return };
        errand.left.remove(&from);
        errand.found |= found;
        if !errand.left.is_empty() {
            return;
        }
        let Some(errand) = self.errands.list.remove(&ticket) else { return };
        let answer = match &errand.command {
            Command::KillClient(_) if !errand.found => Answer::Error("client not found".into()),
            Command::Pause(scope) => {
                out.remarks.push(Remark::Paused(scope.clone()));
                Answer::Done
            }
            _ => Answer::Done,
        };
        out.answers.extend(errand.asked.map(|asked| (asked, answer)));
        if errand.command == Command::Pause(Scope::All) {
            self.on_all_paused(now, out);
        }
    }

    fn resume(
        &mut self,
        ticket: Ticket,
        scope: &Scope,
        out: &mut StewardOutputs,
    ) -> Result<Option<Answer>, String> {
        match scope {
            Scope::All => {
                if self.stage != Stage::Running {
                    return Err("pooler is shutting down".into());
                }
                if !self.errands.paused && self.errands.killed.is_empty() {
                    return Err("pooler is not paused/suspended".into());
                }
                self.errands.paused = false;
                for name in std::mem::take(&mut self.errands.killed) {
                    self.errands.paused_databases.remove(&name);
                }
            }
            Scope::Database(name) => {
                self.known(scope, "resume")?;
                if !self.errands.paused_databases.remove(name) {
                    return Err(format!("database {name} is not paused"));
                }
                self.errands.killed.remove(name);
                if self.errands.paused {
                    return Ok(Some(Answer::Done));
                }
            }
        }
        self.cancel_pauses(scope, out);
        self.send(Some(ticket), Command::Resume(scope.clone()), out);
        if *scope == Scope::All {
            // A bare RESUME leaves databases paused that were paused by name.
            for name in self.errands.paused_databases.clone() {
                self.send(None, Command::Pause(Scope::Database(name)), out);
            }
        }
        Ok(None)
    }

    /// Whoever still waits for a pause that is over is told so.
    fn cancel_pauses(&mut self, scope: &Scope, out: &mut StewardOutputs) {
        let over = |errand: &Errand| match (&errand.command, scope) {
            (Command::Pause(_), Scope::All) => true,
            (Command::Pause(Scope::Database(paused)), Scope::Database(name)) => paused == name,
            _ => false,
        };
        for (_, errand) in self.errands.list.extract_if(.., |_, errand| over(errand)) {
            let answer = Answer::Error("pause was ended by RESUME".into());
            out.answers.extend(errand.asked.map(|asked| (asked, answer)));
        }
    }

    fn not_paused(&self) -> Result<(), String> {
        if self.errands.paused { Err("already suspended/paused".into()) } else { Ok(()) }
    }

    /// A kill leaves its databases paused, one by one, as PgBouncer's does.
    fn mark_killed(&mut self, scope: &Scope) {
        let names: Vec<_> = match scope {
            Scope::Database(name) => vec![name.clone()],
            Scope::All => self.pools.keys().map(|key| key.database.clone()).collect(),
        };
        if *scope == Scope::All {
            self.errands.killed.extend(names.iter().cloned());
        }
        self.errands.paused_databases.extend(names);
    }

    fn known(&self, scope: &Scope, verb: &str) -> Result<(), String> {
        let Scope::Database(name) = scope else { return Ok(()) };
        if RESERVED.contains(&&**name) {
            return Err(format!("cannot {verb} admin db: {name}"));
        }
        self.config.database(name).map(|_| ()).map_err(|_| format!("no such database: {name}"))
    }
}
