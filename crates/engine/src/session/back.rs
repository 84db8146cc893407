//! The server's bytes on their way back, each header judged by the ledger before it is relayed.

use wire::backend::{self, TxStatus};
use wire::frame::{self, HEADER, Header};
use wire::tag::BackendTag as B;

use super::client::{Body, Client, Pause};
use super::errors::keeps_unnamed;
use super::forward::{UNNAMED, shorter, waits_for_client};
use super::ledger::{Entry, LEDGER_MAX, Owed, Serve, Verdict};
use super::link::{CALL_BYTES_MAX, LOOK_BYTES_MAX, Link};
use super::params;
use super::server::Server;
use super::taint::Taint;
use crate::contract::{Taken, Then};
use crate::planted::Fault;
use crate::remark::ServerOut;

/// The longest message a server may send: PostgreSQL's own allocation limit, with room for its header.
const SERVER_BYTES_MAX: u32 = 0x4000_0000;
/// A command tag is short.
const TAG_BYTES_MAX: u32 = 1_024;

/// How a server's input ended.
#[derive(Debug)]
pub enum End {
    /// In order.
    Taken(Taken),
    /// A message that nobody is owed: nothing of it was relayed.
    Misfit {
        /// Its tag.
        tag: u8,
        /// What was owed.
        owed: &'static str,
    },
    /// The stream is no PostgreSQL.
    Broken,
    /// It can't be told what the server will say next, by the client's doing.
    Adrift,
    /// Statement mode: the client is in a transaction block. Its ReadyForQuery was not relayed.
    InTransaction,
}

/// What one message does to the loop.
pub(super) enum Next {
    /// On to the next, this far.
    At(usize),
    /// Stop here.
    Stop(Then),
    /// Stop for good.
    End(End),
}

/// One message of the server whose header was read.
#[derive(Clone, Copy)]
pub(super) struct Message<'i> {
    pub(super) input: &'i [u8],
    pub(super) at: usize,
    pub(super) header: Header,
}

impl<'i> Message<'i> {
    pub(super) fn whole(&self) -> Option<&'i [u8]> {
        self.input.get(self.at + HEADER..self.at + self.header.total())
    }
    pub(super) fn want_whole(&self) -> Next {
        Next::Stop(Then::AtLeast(self.header.total()))
    }
    pub(super) fn end(&self) -> usize {
        self.at + self.header.total()
    }
}

impl Link<'_> {
    /// Takes bytes of a server; `client` is whoever it is lent to, `None` while it is prepared, cleaned or at rest.
    pub fn back(&mut self, mut client: Option<&mut Client>, server: &mut Server, input: &[u8]) -> End {
        let mut at = 0;
        loop {
            if server.body != Body::None {
                let to = client.as_deref().map(|client| client.conn);
                at = self.work_off(&mut server.body, to, input, at);
                if server.body != Body::None {
                    return End::Taken(Taken { used: at, then: Then::More });
                }
            }
            if let Some(client) = client.as_deref_mut() {
                if server.ledger.gives() {
                    self.give_made(client, server);
                }
                if client.pause != Pause::No {
                    self.wake(client, server);
                }
            } else {
                while server.ledger.pop_made().is_some() {}
            }
            if self.out.sending > CALL_BYTES_MAX && at < input.len() {
                self.out.read(server.conn);
                return End::Taken(Taken { used: at, then: Then::WhenTold });
            }
            if let Some(client) = client.as_deref_mut().filter(|client| client.pause == Pause::No) {
                at = self.run_through(client, server, input, at);
                if server.body != Body::None {
                    return End::Taken(Taken { used: at, then: Then::More });
                }
                // A reply of ours may be next by now.
                if server.ledger.gives() {
                    continue;
                }
            }
            let header = match frame::peek(&input[at..], SERVER_BYTES_MAX) {
                Ok(Some(header)) => header,
                Ok(None) => return End::Taken(Taken { used: at, then: Then::More }),
                Err(_) => return End::Broken,
            };
            let Some(tag) = B::from_byte(header.tag) else { return End::Broken };
            let message = Message { input, at, header };
            match self.answer(client.as_deref_mut(), server, tag, message) {
                Next::At(next) => {
                    server.ring.note(b'<', header.tag, header.body);
                    at = next;
                }
                Next::Stop(then) => return End::Taken(Taken { used: at, then }),
                Next::End(end) => return end,
            }
        }
    }

    /// Relays as many messages as change nothing here, rows above all, as one piece. Where it stopped.
    #[inline]
    fn run_through(&mut self, client: &Client, server: &mut Server, input: &[u8], start: usize) -> usize {
        let mut at = start;
        while let Ok(Some(header)) = frame::peek(&input[at..], SERVER_BYTES_MAX)
            && server.ledger.passes(header.tag)
        {
            server.ring.note(b'<', header.tag, header.body);
            let take = header.total().min(input.len() - at);
            server.body = shorter(header.total() as u32, take, Body::Relay);
            at += take;
        }
        self.out.relay(client.conn, start, at - start);
        at
    }

    /// Takes a client's bytes again where the reason not to is over. A turn can't end where the server waits for its
    /// client: for COPY data, or for the Sync behind an error.
    fn wake(&mut self, client: &mut Client, server: &Server) {
        let over = match client.pause {
            Pause::No | Pause::Preparing | Pause::Vacancy => false,
            Pause::LedgerFull => server.ledger.len() < LEDGER_MAX / 2,
            // The query that was to end the earlier batch is skipped, or its Sync ignored: all up to the next Sync is one batch.
            Pause::Unsettled => waits_for_client(server) || !server.ledger.awaits_end(),
            Pause::Turnstile => waits_for_client(server),
        };
        if over {
            client.pause = Pause::No;
            // A server that takes no more is drained first, and that wakes its client.
            if !server.backlogged {
                self.out.read(client.conn);
            }
        }
    }

    #[inline]
    fn answer(&mut self, client: Option<&mut Client>, server: &mut Server, tag: B, m: Message<'_>) -> Next {
        match tag {
            B::NoticeResponse => {
                let ours = server.ledger.front().is_some_and(|entry| entry.serve == Serve::Ours);
                self.deliver(client.filter(|_| !ours), server, m)
            }
            B::ParameterStatus => self.parameter_status(client, server, m),
            B::NotificationResponse
                if self.rules.shared && !self.planted.is(Fault::NotificationForwarded) =>
            {
                self.tally.notifications_dropped += 1;
                self.deliver(None, server, m)
            }
            B::NotificationResponse => self.deliver(client, server, m),
            B::ErrorResponse => {
                let next = self.error(client, server, m);
                if server.ledger.is_adrift() { Next::End(End::Adrift) } else { next }
            }
            B::CommandComplete => self.command_complete(client, server, m),
            B::ReadyForQuery => self.ready(client, server, m),
            B::ParseComplete | B::CloseComplete => {
                let front = server.ledger.front();
                let next = self.judged(client, server, tag, m);
                if let (Next::At(_), Some(front)) = (&next, front) {
                    confirm(server, front);
                }
                next
            }
            B::CopyInResponse => {
                let next = self.judged(client, server, tag, m);
                if server.ledger.is_adrift() { Next::End(End::Adrift) } else { next }
            }
            B::BindComplete
            | B::CopyData
            | B::CopyDone
            | B::CopyOutResponse
            | B::CopyBothResponse
            | B::DataRow
            | B::EmptyQueryResponse
            | B::FunctionCallResponse
            | B::NoData
            | B::ParameterDescription
            | B::PortalSuspended
            | B::RowDescription => self.judged(client, server, tag, m),
            B::Authentication | B::BackendKeyData | B::NegotiateProtocolVersion => misfit(server, m),
        }
    }

    /// Relays, swallows or refuses by the ledger's word.
    #[inline]
    fn judged(&mut self, client: Option<&mut Client>, server: &mut Server, tag: B, m: Message<'_>) -> Next {
        let front = server.ledger.front();
        match server.ledger.judge(tag) {
            Verdict::Relay => self.confirm_client(client, tag, front, server, m),
            Verdict::Swallow => self.deliver(None, server, m),
            Verdict::Misfit => misfit(server, m),
        }
    }

    #[inline]
    fn confirm_client(
        &mut self,
        client: Option<&mut Client>,
        tag: B,
        front: Option<Entry>,
        server: &mut Server,
        m: Message<'_>,
    ) -> Next {
        let Some(client) = client else { return self.deliver(None, server, m) };
        if let Some(front) = front {
            match tag {
                B::ParseComplete if front.statement & UNNAMED != 0 => {
                    confirm_unnamed(client, front);
                }
                B::ParseComplete => {
                    if let Some(statements) = client.statements.as_mut().filter(|_| front.serial != 0) {
                        statements.confirm(front.serial);
                    }
                }
                B::CommandComplete if front.owed == Owed::Execute && front.serial != 0 => {
                    // A DEALLOCATE has done its work: the unnamed statement it was is of no more use.
                    client.pinned &= keeps_unnamed(server);
                    if let Some(statements) = &mut client.statements {
                        statements.forget(front.serial);
                    }
                }
                _ => {}
            }
        }
        self.deliver(Some(client), server, m)
    }

    /// Relays a message as far as it is here, or drops it where `client` is nobody.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        client: Option<&mut Client>,
        server: &mut Server,
        m: Message<'_>,
    ) -> Next {
        let take = m.header.total().min(m.input.len() - m.at);
        let total = m.header.total() as u32;
        match client {
            Some(client) => {
                self.out.relay(client.conn, m.at, take);
                server.body = shorter(total, take, Body::Relay);
            }
            None => server.body = shorter(total, take, Body::Skip),
        }
        Next::At(m.at + take)
    }

    fn parameter_status(&mut self, client: Option<&mut Client>, server: &mut Server, m: Message<'_>) -> Next {
        if m.header.body > LOOK_BYTES_MAX {
            return Next::End(End::Broken);
        }
        let Some(body) = m.whole() else { return m.want_whole() };
        let Some((name, value)) = backend::parameter_status(body) else { return Next::End(End::Broken) };
        let ours = server.ledger.front().is_some_and(|entry| entry.serve == Serve::Ours);
        let known = self.params.known(name);
        if known == Some(params::IN_HOT_STANDBY) {
            server.outdated = Some(ServerOut::Outdated);
        }
        let tracked = known.filter(|name| server.base.value(*name).is_some());
        if let Some(name) = tracked {
            server.settings = self.params.with(&server.settings, name, value);
        }
        let Some(client) = client.filter(|_| !ours) else { return self.deliver(None, server, m) };
        if let Some(name) = tracked.filter(|_| !self.planted.is(Fault::OwnSettingLost)) {
            client.settings = self.params.with(&client.settings, name, value);
        }
        self.deliver(Some(client), server, m)
    }

    fn command_complete(
        &mut self,
        mut client: Option<&mut Client>,
        server: &mut Server,
        m: Message<'_>,
    ) -> Next {
        if m.header.body > TAG_BYTES_MAX {
            return misfit(server, m);
        }
        let Some(body) = m.whole() else { return m.want_whole() };
        let theirs = server.ledger.front().is_some_and(|entry| entry.serve == Serve::Client);
        if let Some(tag) = backend::command_tag(body).filter(|_| self.rules.shared) {
            let gone = matches!(tag, b"DISCARD ALL" | b"DEALLOCATE ALL");
            if gone && !self.planted.is(Fault::RegistryNotCleared) {
                server.registry.clear();
            }
            if theirs {
                server.taint.mark(Taint::of_tag(tag));
            }
            let statements = client.as_deref_mut().and_then(|client| client.statements.as_mut());
            if let Some(statements) = statements.filter(|_| gone && theirs) {
                statements.clear();
            }
            if matches!(tag, b"DISCARD ALL" | b"RESET" | b"SET") {
                server.settings = self.params.within(&server.settings, &server.base);
            }
        }
        self.judged(client, server, B::CommandComplete, m)
    }

    fn ready(&mut self, client: Option<&mut Client>, server: &mut Server, m: Message<'_>) -> Next {
        if m.header.body != 1 {
            return Next::End(End::Broken);
        }
        let Some(body) = m.whole() else { return m.want_whole() };
        let Some(status) = backend::ready_for_query(body) else { return Next::End(End::Broken) };
        let query = server.ledger.front().filter(|_| server.ledger.is_in_doubt());
        let verdict = server.ledger.judge(B::ReadyForQuery);
        if verdict == Verdict::Misfit {
            return misfit(server, m);
        }
        server.status = status;
        let Some(client) = client.filter(|_| verdict == Verdict::Relay) else {
            return self.deliver(None, server, m);
        };
        if let Some(statements) = &mut client.statements {
            statements.settle(|batch| server.ledger.is_answered(batch));
        }
        if let Some(query) = query.filter(Entry::is_in_doubt) {
            client.unnamed.take_if(|statement| UNNAMED | statement.id == query.statement);
        }
        if client.pause == Pause::Unsettled {
            client.pause = Pause::No;
            if !server.backlogged {
                self.out.read(client.conn);
            }
        }
        self.tally.queries += 1;
        self.tally.query_us += self.now.0.saturating_sub(client.requested.0);
        client.requested = self.now;
        // Elsewhere a transaction ends with the loan.
        if !self.rules.shared && status == TxStatus::Idle {
            self.tally.transactions += 1;
            self.tally.transaction_us += self.now.0.saturating_sub(server.since.0);
        }
        if self.rules.statement_mode && status != TxStatus::Idle {
            return Next::End(End::InTransaction);
        }
        self.deliver(Some(client), server, m)
    }
}

/// A Parse of the unnamed statement was answered: it is what stood before the next one of its batch.
fn confirm_unnamed(client: &mut Client, front: Entry) {
    let kept = front.statement != UNNAMED;
    if !kept || client.unnamed_before.as_ref().is_none_or(|(of, _)| *of != front.serial) {
        return;
    }
    let between = client.statements.as_mut().map(|known| &mut known.unnamed_between);
    let next = between.filter(|between| !between.is_empty()).map(|between| between.remove(0));
    client.unnamed_before = next.map(|before| (front.serial, before));
}

pub(super) fn misfit(server: &Server, m: Message<'_>) -> Next {
    let owed = server.ledger.front().map_or("nothing", |entry| entry.owed.name());
    Next::End(End::Misfit { tag: m.header.tag, owed })
}

fn confirm(server: &mut Server, front: Entry) {
    if front.statement == 0 || front.statement & UNNAMED != 0 {
        return;
    }
    match front.owed {
        Owed::Parse => server.registry.confirm(front.statement),
        Owed::Close => server.registry.forget(front.statement),
        Owed::Bind
        | Owed::DescribeStatement
        | Owed::DescribePortal
        | Owed::Execute
        | Owed::Query
        | Owed::Function
        | Owed::Sync
        | Owed::CopyEnd
        | Owed::MadeParse
        | Owed::MadeClose => {}
    }
}
