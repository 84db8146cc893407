//! Deadlines. Each connection has one; what it means is decided when it comes, from what the connection is then.

use model::id::ConnId;
use wire::backend::TxStatus;
use wire::encode::{self, ErrorText};
use wire::sqlstate::SqlState;

use super::Worker;
use super::vacancy::VACANCY_US;
use crate::contract::{DialError, Outputs};
use crate::orders::DialRefusal;
use crate::refuse::Refusal;
use crate::remark::ServerOut;
use crate::session::client::Life;
use crate::session::server::Phase;
use crate::session::vacancy::Need;
use crate::time::Now;

impl Worker {
    /// Time has passed.
    pub(super) fn tick(&mut self, now: Now, out: &mut Outputs) {
        let mut from = 0;
        while let Some(index) = self.client_deadlines.due(now, from) {
            from = index + 1;
            self.client_deadlines.set(index, Now::NEVER);
            if let Some(conn) = self.clients.at(index).map(|client| client.conn) {
                self.client_due(now, conn, out);
            }
        }
        from = 0;
        while let Some(index) = self.server_deadlines.due(now, from) {
            from = index + 1;
            self.server_deadlines.set(index, Now::NEVER);
            if let Some(conn) = self.servers.at(index).map(|server| server.conn) {
                self.server_due(now, conn, out);
            }
        }
        for home in &mut self.homes {
            if let Some(note) = home.slice.news(true) {
                out.notes.push(note);
            }
        }
        self.hand_rows_over(out);
    }

    fn client_due(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get(conn.index(), conn.generation) else { return };
        match client.life {
            Life::Login(_) | Life::Knocking(_) => self.refuse(now, conn, Refusal::LoginTimeout, out),
            Life::Arriving { .. } => {
                let last = self.last_words(client.slice);
                self.refuse(now, conn, Refusal::WaitTimeout { last }, out);
            }
            Life::Idle => {
                let timeout = self.homes[client.slice as usize].slice.settings.client_idle_timeout;
                let due = client.requested.plus_maybe(timeout);
                if due <= now {
                    return self.refuse(now, conn, Refusal::ClientIdleTimeout, out);
                }
                self.client_deadlines.set(conn.index(), due);
            }
            Life::Cancelled { .. } => {}
            Life::Waiting { .. } => self.waiting_due(now, conn, out),
            Life::Linked { server } => self.linked_due(now, conn, server, out),
        }
    }

    /// The first of: being told, being refused.
    pub(super) fn arm_waiting(&mut self, now: Now, conn: ConnId) {
        let _ = now;
        let Some(client) = self.clients.get(conn.index(), conn.generation) else { return };
        let Life::Waiting { since, told } = client.life else { return };
        let settings = &self.homes[client.slice as usize].slice.settings;
        let refuse =
            since.plus_maybe(settings.query_wait_timeout).min(since.plus_maybe(settings.query_timeout));
        let tell = if told { Now::NEVER } else { since.plus_maybe(settings.query_wait_notify) };
        self.client_deadlines.set(conn.index(), refuse.min(tell));
    }

    fn waiting_due(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get_mut(conn.index(), conn.generation) else { return };
        let Life::Waiting { since, told } = &mut client.life else { return };
        let slice = &self.homes[client.slice as usize].slice;
        let settings = &slice.settings;
        if since.plus_maybe(settings.query_wait_timeout) <= now {
            let home = client.slice;
            let last = self.last_words(home);
            return self.refuse(now, conn, Refusal::WaitTimeout { last }, out);
        }
        if since.plus_maybe(settings.query_timeout) <= now {
            return self.refuse(now, conn, Refusal::QueryTimeout, out);
        }
        if !*told && since.plus_maybe(settings.query_wait_notify) <= now {
            *told = true;
            let text = ErrorText {
                severity: "NOTICE",
                code: SqlState::SUCCESSFUL_COMPLETION,
                message: "query_wait_notify",
                detail: Some("All server connections of this pool are in use; the query waits in line."),
                hint: None,
            };
            out.make(conn, |made| encode::notice(made, &text));
        }
        self.arm_waiting(now, conn);
    }

    fn linked_due(&mut self, now: Now, conn: ConnId, server_id: ConnId, out: &mut Outputs) {
        let Some(client) = self.clients.get(conn.index(), conn.generation) else { return };
        let Some(server) = self.servers.get(server_id.index(), server_id.generation) else { return };
        let settings = &self.homes[client.slice as usize].slice.settings;
        let asked = if let Need::Asked { since, .. } = server.need { Some(since) } else { None };
        let running = !server.ledger.is_empty() || asked.is_some();
        let open = server.status != TxStatus::Idle;
        let mut due = Now::NEVER;
        let mut check = |at: Now, refusal: Refusal| {
            if at <= now {
                return Some(refusal);
            }
            due = due.min(at);
            None
        };
        let mut fired = None;
        if let Some(since) = client.backlogged {
            fired = check(since.plus_maybe(settings.client_write_timeout), Refusal::ClientWriteTimeout);
        }
        if running && fired.is_none() {
            fired = check(client.requested.plus_maybe(settings.query_timeout), Refusal::QueryTimeout);
        }
        if (running || open) && fired.is_none() {
            fired = check(server.since.plus_maybe(settings.transaction_timeout), Refusal::TransactionTimeout);
        }
        if open && !running && fired.is_none() {
            let at = client.requested.plus_maybe(settings.idle_transaction_timeout);
            fired = check(at, Refusal::IdleTransactionTimeout);
        }
        if !open && !running && fired.is_none() {
            let at = client.requested.plus_maybe(settings.client_idle_timeout);
            fired = check(at, Refusal::ClientIdleTimeout);
        }
        let patience = asked.map_or(Now::NEVER, |since| Now(since.0.saturating_add(VACANCY_US)));
        match fired {
            Some(refusal) => self.refuse(now, conn, refusal, out),
            None if patience <= now => self.go_without_vacancy(now, conn, server_id, out),
            None => {
                let due = due.min(patience);
                // A query that begins later must be seen in time.
                let soonest = [
                    settings.query_timeout,
                    settings.transaction_timeout,
                    settings.idle_transaction_timeout,
                    settings.client_idle_timeout,
                ];
                let soonest = soonest.into_iter().flatten().min();
                self.client_deadlines.set(conn.index(), due.min(now.plus_maybe(soonest)));
            }
        }
    }

    /// A step of ours on a server takes as long as a login may.
    pub(super) fn arm_step(&mut self, now: Now, conn: ConnId) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        let timeout = self.homes[server.slice as usize].slice.settings.server_connect_timeout;
        self.server_deadlines.set(conn.index(), now.plus_maybe(timeout));
    }

    fn server_due(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        match &server.phase {
            Phase::Dialling => self.login_failed(now, conn, DialRefusal::Socket(DialError::TimedOut), out),
            Phase::Greeting(_) => self.login_refused(now, conn, DialRefusal::TimedOut, out),
            Phase::Idle => self.idle_due(now, conn, out),
            Phase::Preparing { client, .. } => {
                let client = *client;
                self.forget_loan(conn);
                self.close_server(now, conn, ServerOut::CheckFailed, false, out);
                self.stand_again(now, client, out);
            }
            Phase::Cleaning => self.close_server(now, conn, ServerOut::NotClean, false, out),
            Phase::Draining => self.close_server(now, conn, ServerOut::ClientLeft, false, out),
            Phase::CancelWait => self.close_server(now, conn, ServerOut::CancelUnseen, false, out),
            Phase::Closing => self.server_gone(now, conn, crate::contract::Gone::TimedOut, out),
            Phase::Courier(_) => self.courier_done(now, conn, false, out),
            Phase::Linked { .. } => {}
        }
    }

    /// A resting server: its life is over, or nobody needs it.
    fn idle_due(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get(conn.index(), conn.generation) else { return };
        let slice = &self.homes[server.slice as usize].slice;
        let idle = server.since.plus_maybe(slice.settings.server_idle_timeout);
        if server.ends <= now {
            self.close_server(now, conn, ServerOut::Lifetime, false, out);
        } else if idle <= now && slice.count.open > slice.floor {
            self.close_server(now, conn, ServerOut::Idle, false, out);
        } else {
            let again = if idle <= now { now.plus_maybe(slice.settings.server_idle_timeout) } else { idle };
            self.server_deadlines.set(conn.index(), again.min(server.ends));
        }
    }

    /// What the server said last when it refused us.
    fn last_words(&self, home: u32) -> Option<Box<str>> {
        match self.homes.get(home as usize)?.slice.refused.as_ref()? {
            DialRefusal::Server { message, .. } => Some(message.clone()),
            DialRefusal::Socket(DialError::Refused) => Some("connection refused".into()),
            DialRefusal::Socket(DialError::Unresolved) => Some("host name not found".into()),
            DialRefusal::Socket(DialError::Unreachable) => Some("host not reachable".into()),
            DialRefusal::Socket(DialError::Local) => Some("no socket to be had here".into()),
            DialRefusal::Socket(DialError::TimedOut) | DialRefusal::TimedOut => {
                Some("connect timeout".into())
            }
            DialRefusal::Lost => Some("closed the connection during login".into()),
            DialRefusal::Credentials(text) => Some(text.clone()),
        }
    }
}
