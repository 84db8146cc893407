//! From the last answer of a transaction back to the pool: parting, cleaning, lending on, or the reason to close.

use model::config::checked::{PoolMode, ServerClean};
use model::id::ConnId;
use wire::backend::TxStatus;
use wire::encode;

use super::Worker;
use super::checkout::Checkout;
use crate::contract::Outputs;
use crate::orders::{Drain, Replication};
use crate::planted::Fault;
use crate::refuse::Refusal;
use crate::remark::{ClientOut, Remark, ServerOut};
use crate::session::client::{Body, Pause};
use crate::session::ledger::{Copy, Owed, Serve};
use crate::session::server::Phase;
use crate::session::taint::Taint;
use crate::session::vacancy::Need;
use crate::time::Now;

/// A server works for a client that has left so long at most, in microseconds.
const DRAINING_US: u64 = 5_000_000;
/// What a tainted server is told. RESET ALL alone does not undo SET ROLE.
const CLEAN: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; CLOSE ALL; \
    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";
/// The same where SQL-level statements were prepared: they would answer to another client's names.
const CLEAN_STATEMENTS: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; CLOSE ALL; \
    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; DEALLOCATE ALL";

impl Worker {
    /// Parts client and server where nothing is owed any more.
    #[inline]
    pub(super) fn maybe_release(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        let Phase::Linked { client: conn } = server.phase else { return };
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let home = &mut self.homes[client.slice as usize];
        let owing = !server.ledger.is_empty() && !self.planted.is(Fault::ReleasedWithRepliesOwed);
        if server.fatal || owing || server.body != Body::None || server.backlogged {
            return;
        }
        if server.need != Need::No {
            return self.answered_in_need(now, server_id, out);
        }
        let rests = server.at_rest() || self.planted.is(Fault::ReleasedInTransaction);
        let done = rests && client.body == Body::None && !client.pinned && home.rules.shared;
        if !done {
            if client.pause == Pause::Turnstile {
                client.pause = Pause::No;
                server.boundaries = 0;
                out.read(conn);
            }
            let settings = &home.slice.settings;
            let open = server.status != TxStatus::Idle;
            let timeout = if open { settings.idle_transaction_timeout } else { settings.client_idle_timeout };
            let due = now.plus_maybe(timeout).min(self.client_deadlines.at(conn.index()));
            self.client_deadlines.set(conn.index(), due);
            // With a server of its own it comes to rest here, and nowhere else.
            if rests && client.body == Body::None && self.draining.is_some_and(|how| how > Drain::WhenLeft) {
                self.refuse(now, conn, Refusal::ShuttingDown, out);
            }
            return;
        }
        home.slice.tally.transactions += 1;
        home.slice.tally.transaction_us += now.0.saturating_sub(server.since.0);
        if client.backlogged.is_some() {
            out.read(server_id);
        }
        self.check_in(now, server_id, out);
        self.at_rest(now, conn, out);
    }

    /// A server that owes nothing comes back to its pool, by way of whatever must happen first.
    pub(super) fn check_in(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        if self.recording.is_some() {
            self.record_return(now, server_id, out);
        }
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if server.need != Need::No {
            self.need_over(server_id, out);
            return self.check_in(now, server_id, out);
        }
        let index = server.slice;
        server.ledger.rest();
        server.vacancies.clear();
        server.deallocating = None;
        server.since = now;
        if server.cancels > 0 && !self.planted.is(Fault::LentBeforeCancelEof) {
            server.phase = Phase::CancelWait;
            let timeout = self.homes[index as usize].slice.settings.cancel_wait_timeout;
            self.server_deadlines.set(server_id.index(), now.plus_maybe(timeout));
            return;
        }
        if let Some(why) = self.reason_to_close(now, server_id) {
            return self.close_server(now, server_id, why, false, out);
        }
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if server.body != Body::None {
            // A message nobody asked for is half here: the rest of it first, then this again.
            server.phase = Phase::Cleaning;
            server.rolling_back = true;
            return self.arm_step(now, server_id);
        }
        let home = &mut self.homes[index as usize];
        let settings = &home.slice.settings;
        let session = settings.mode == PoolMode::Session;
        let dirty = !self.planted.is(Fault::TaintIgnored)
            && match settings.server_clean {
                ServerClean::Never => false,
                ServerClean::Always => true,
                ServerClean::Tainted => !server.taint.is_clean(),
            };
        if (session || settings.server_reset_query_always) && !settings.server_reset_query.is_empty() {
            let text = settings.server_reset_query.clone();
            return self.clean(now, server_id, text.as_bytes(), out);
        }
        if dirty && !session {
            let text = if server.taint.has(Taint::PREPARE) { CLEAN_STATEMENTS } else { CLEAN };
            server.restarts = settings.connect_query.is_some();
            self.tell_taint(index, server_id, out);
            return self.clean(now, server_id, text.as_bytes(), out);
        }
        server.taint = Taint::default();
        self.lend_on(now, server_id, out);
    }

    fn tell_taint(&mut self, index: u32, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(server_id.index(), server_id.generation) else { return };
        let slice = &mut self.homes[index as usize].slice;
        slice.tally.cleaned += 1;
        for (bit, reason) in server.taint.reasons() {
            slice.taints[bit as usize] += 1;
            if slice.tainted_told & (1 << bit) == 0 {
                slice.tainted_told |= 1 << bit;
                out.remarks.push(Remark::Tainted { key: slice.key.clone(), reason });
            }
        }
    }

    /// Sends what rids a server of its last client's traces.
    pub(super) fn clean(&mut self, now: Now, server_id: ConnId, text: &[u8], out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        out.make(server_id, |made| encode::query(made, text));
        server.ledger.push(Owed::Query, Serve::Ours, 0);
        server.unnamed = 0;
        server.phase = Phase::Cleaning;
        self.arm_step(now, server_id);
    }

    /// The cleaning is done.
    pub(super) fn cleaned(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if std::mem::take(&mut server.starting) {
            // An error of connect_query is only logged, as PgBouncer has it.
            server.failed = None;
            return self.check_in_new(now, server_id, out);
        }
        if server.failed.take().is_some() || server.status != TxStatus::Idle {
            return self.close_server(now, server_id, ServerOut::NotClean, false, out);
        }
        if std::mem::take(&mut server.rolling_back) {
            return self.check_in(now, server_id, out);
        }
        server.taint = Taint::default();
        if std::mem::take(&mut server.restarts) {
            return self.start(now, server_id, out);
        }
        server.settings = self.params.within(&server.settings, &server.base);
        if let Some(why) = self.reason_to_close(now, server_id) {
            return self.close_server(now, server_id, why, false, out);
        }
        self.lend_on(now, server_id, out);
    }

    /// A clean server goes to the head of the line, or rests.
    fn lend_on(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        assert!(server.cancels == 0 && server.at_rest(), "only a server at rest is lent");
        let index = server.slice;
        server.since = now;
        self.touched.push(index);
        let home = &mut self.homes[index as usize];
        if !self.planted.is(Fault::IdleBesideWaiter)
            && let Some(client) = home.slice.next(now)
        {
            if self.join(now, client, server_id, out) == Checkout::Linked {
                self.joined(now, client, out);
            }
            return;
        }
        server.phase = Phase::Idle;
        home.slice.rest(server_id);
        let idle = now.plus_maybe(home.slice.settings.server_idle_timeout);
        self.server_deadlines.set(server_id.index(), idle.min(server.ends));
    }

    /// Why a free server is closed rather than lent, if it is.
    fn reason_to_close(&self, now: Now, server_id: ConnId) -> Option<ServerOut> {
        let server = self.servers.get(server_id.index(), server_id.generation)?;
        let slice = &self.homes[server.slice as usize].slice;
        let leaving = self.draining.is_some_and(|how| how > Drain::WhenLeft);
        if server.fatal {
            Some(ServerOut::ServerClosed)
        } else if server.failed.is_some() {
            // An application_name that rode in front of a query did not arrive.
            Some(ServerOut::SettingRefused)
        } else if let Some(why) = server.outdated {
            Some(why)
        } else if server.epoch != slice.epoch {
            Some(ServerOut::Outdated)
        } else if slice.paused || slice.shut || (leaving && slice.waiting() == 0) {
            Some(ServerOut::Operator)
        } else if slice.is_vacating() && !self.planted.is(Fault::RestsInVacated) {
            Some(ServerOut::Vacated)
        } else if slice.owes() {
            Some(ServerOut::Revoked)
        } else if server.lent && (now >= server.ends || slice.key.replication != Replication::No) {
            Some(ServerOut::Lifetime)
        } else {
            None
        }
    }

    /// A client lets go of its server without being at its end.
    pub(super) fn abandon(
        &mut self,
        now: Now,
        server_id: ConnId,
        half_sent: bool,
        why: &ClientOut,
        out: &mut Outputs,
    ) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if matches!(server.phase, Phase::Closing) {
            return;
        }
        let linked = matches!(server.phase, Phase::Linked { .. });
        let reason = match why {
            ClientOut::Refused(Refusal::QueryTimeout | Refusal::TransactionTimeout) => ServerOut::Timeout,
            ClientOut::Refused(Refusal::OutOfStep) => ServerOut::OutOfStep,
            ClientOut::Left | ClientOut::Lost(_) | ClientOut::Refused(_) | ClientOut::ServerSaid(_) => {
                ServerOut::ClientLeft
            }
        };
        let gentle = matches!(why, ClientOut::Left | ClientOut::Lost(_) | ClientOut::ServerSaid(_));
        // A batch without its Sync must not be committed by one of ours.
        let closes =
            half_sent || server.fatal || server.ledger.copy() != Copy::No || server.ledger.wants_sync();
        if !linked || !gentle || closes {
            return self.close_server(now, server_id, reason, half_sent, out);
        }
        // What the client has asked is carried out, as a server of its own would have done; nobody gets the answer.
        server.phase = Phase::Draining;
        self.server_deadlines.set(server_id.index(), Now(now.0.saturating_add(DRAINING_US)));
        // Its client may have held it back.
        out.read(server_id);
        while server.ledger.pop_made().is_some() {}
        let dry = server.ledger.is_empty() && server.body == Body::None;
        self.need_unsent(server_id, out);
        if dry {
            self.drained_dry(now, server_id, out);
        }
    }

    /// A server has worked off what a client that left had asked.
    pub(super) fn drained_dry(&mut self, now: Now, server_id: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) else { return };
        if self.planted.is(Fault::AbandonedServerReused) {
            server.status = TxStatus::Idle;
        }
        if server.status == TxStatus::Idle {
            return self.check_in(now, server_id, out);
        }
        if self.homes[server.slice as usize].slice.is_vacating() {
            return self.close_server(now, server_id, ServerOut::Vacated, false, out);
        }
        // A cancel request still under way could hit the ROLLBACK: then the server is not worth it.
        if server.cancels > 0 {
            return self.close_server(now, server_id, ServerOut::ClientLeft, false, out);
        }
        self.clean(now, server_id, b"ROLLBACK", out);
        if let Some(server) = self.servers.get_mut(server_id.index(), server_id.generation) {
            server.rolling_back = true;
        }
    }
}
