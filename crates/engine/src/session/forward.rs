//! The client's bytes on their way to its server.

use wire::backend::TxStatus;
use wire::encode;
use wire::frame::{self, HEADER, Header};
use wire::frontend;
use wire::tag::FrontendTag as F;

use super::client::{Body, Client, Pause};
use super::ledger::{Copy, LEDGER_MAX, Owed, Serve};
use super::link::{CALL_BYTES_MAX, LOOK_BYTES_MAX, Link, TURNSTILE_BOUNDARIES, TURNSTILE_US};
use super::server::Server;
use super::statements::words::may_clear;
use super::taint::Taint;
use super::vacancy::{Need, VACANCY_BYTES_MAX, Vacancy, may_need};
use crate::contract::{Taken, Then};
use crate::planted::Fault;
use crate::refuse::Refusal;

/// Marks a ledger's statement number as the unnamed one's.
pub(super) const UNNAMED: u64 = 1 << 63;

/// A server closes without a word at a CopyDone, CopyFail or Flush that is larger (PQ_SMALL_MESSAGE_LIMIT).
const SMALL_BODY_MAX: u32 = 10_000 - 4;

/// How a client's input ended.
#[derive(Debug)]
pub enum End {
    /// In order.
    Taken(Taken),
    /// It is to be turned away.
    Refuse(Refusal),
    /// It said goodbye.
    Leave,
    /// From this offset on its bytes wait for a database to be vacant.
    Vacate(usize, Box<Vacancy>),
}

/// What one message does to the loop.
pub(super) enum Next {
    /// On to the next, this far.
    At(usize),
    /// Stop here.
    Stop(Then),
    /// Stop for good.
    End(Box<End>),
}

pub(super) fn refuse(refusal: Refusal) -> Next {
    Next::End(Box::new(End::Refuse(refusal)))
}

pub(super) fn malformed(error: frontend::BodyError) -> Next {
    refuse(Refusal::Protocol(error.to_string().into()))
}

/// One message of the client whose header was read.
#[derive(Clone, Copy)]
pub(super) struct Message<'i> {
    pub(super) input: &'i [u8],
    pub(super) at: usize,
    pub(super) header: Header,
}

impl<'i> Message<'i> {
    /// The body as far as it is here.
    pub(super) fn body(&self) -> &'i [u8] {
        let end = self.input.len().min(self.at + self.header.total());
        &self.input[self.at + HEADER..end]
    }
    pub(super) fn is_whole(&self) -> bool {
        self.input.len() - self.at >= self.header.total()
    }
    /// Where the next message begins, this one being whole.
    pub(super) fn end(&self) -> usize {
        self.at + self.header.total()
    }
    /// More bytes are needed before anything can be said: all of it.
    pub(super) fn want_whole(&self) -> Next {
        Next::Stop(Then::AtLeast(self.header.total()))
    }
}

impl Link<'_> {
    /// Takes bytes of a client that holds `server`.
    pub fn forward(&mut self, client: &mut Client, server: &mut Server, input: &[u8], mut at: usize) -> End {
        loop {
            if client.body != Body::None {
                at = self.work_off(&mut client.body, Some(server.conn), input, at);
                if client.body != Body::None {
                    return End::Taken(Taken { used: at, then: Then::More });
                }
            }
            if client.pause != Pause::No {
                return End::Taken(Taken { used: at, then: Then::WhenTold });
            }
            if self.out.sending > CALL_BYTES_MAX {
                self.out.read(client.conn);
                return End::Taken(Taken { used: at, then: Then::WhenTold });
            }
            let header = match frame::peek(&input[at..], self.rules.packet_bytes_max) {
                Ok(Some(header)) => header,
                Ok(None) => return End::Taken(Taken { used: at, then: Then::More }),
                Err(error) => return End::Refuse(Refusal::of_frame(error)),
            };
            match self.message(client, server, Message { input, at, header }) {
                Next::At(next) => at = next,
                Next::Stop(then) => return End::Taken(Taken { used: at, then }),
                Next::End(end) => return *end,
            }
        }
    }

    #[inline]
    fn message(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        let Some(tag) = F::from_byte(m.header.tag) else {
            return refuse(Refusal::Protocol(
                format!("invalid frontend message type {}", m.header.tag).into(),
            ));
        };
        if server.ledger.len() >= LEDGER_MAX && self.is_full(client, server) {
            return Next::Stop(Then::WhenTold);
        }
        if server.ledger.is_empty() {
            client.requested = self.now;
            if server.status == TxStatus::Idle && !self.rules.shared {
                // A server that is kept for long begins a transaction here.
                server.since = self.now;
            }
        }
        let next = match tag {
            F::Query => self.query(client, server, m),
            F::Parse => self.parse(client, server, m),
            F::Bind => self.bind(client, server, m),
            F::Describe => self.describe(client, server, m),
            F::Close => self.close(client, server, m),
            F::Execute => self.execute(client, server, m),
            F::Sync => {
                server.boundaries = server.boundaries.saturating_add(1);
                self.pass(client, server, m, Owed::Sync)
            }
            F::FunctionCall => {
                server.boundaries = server.boundaries.saturating_add(1);
                // Which function it is stands there as a number, and its answer has no tag.
                server.taint.mark(Taint::SET_CONFIG);
                self.pass(client, server, m, Owed::Function)
            }
            F::CopyDone | F::CopyFail | F::Flush if m.header.body > SMALL_BODY_MAX => {
                return refuse(Refusal::Protocol("invalid message length".into()));
            }
            F::CopyDone | F::CopyFail => self.pass(client, server, m, Owed::CopyEnd),
            F::CopyData => {
                server.ledger.push_data();
                self.relay(client, server, m)
            }
            // Such an answer is owed by nothing.
            F::Flush if m.header.body > 0 => {
                return refuse(Refusal::Protocol("invalid message format".into()));
            }
            F::Flush => {
                self.give_made(client, server);
                self.relay(client, server, m)
            }
            F::Terminate => return Next::End(Box::new(End::Leave)),
            F::Password => {
                return refuse(Refusal::Protocol("invalid frontend message type 112".into()));
            }
        };
        if matches!(next, Next::At(_)) {
            server.ring.note(b'>', m.header.tag, m.header.body);
            let boundary = matches!(tag, F::Sync | F::Query | F::FunctionCall);
            if boundary && self.contended && self.turn_is_over(server) && !waits_for_client(server) {
                client.pause = Pause::Turnstile;
                self.tally.turnstiles += 1;
            }
        }
        next
    }

    /// True where the ledger takes no more before the server has answered.
    #[cold]
    fn is_full(&mut self, client: &mut Client, server: &mut Server) -> bool {
        self.give_made(client, server);
        let full = server.ledger.len() >= LEDGER_MAX;
        if full {
            // Without a Sync or Flush of the client's the server may keep its answers for itself.
            self.out.fixed(server.conn, encode::FLUSH);
            client.pause = Pause::LedgerFull;
        }
        full
    }

    /// True where a pipelining client has had its share and others wait.
    fn turn_is_over(&self, server: &Server) -> bool {
        self.rules.shared
            && (server.boundaries >= TURNSTILE_BOUNDARIES
                || self.now.0.saturating_sub(server.since.0) > TURNSTILE_US)
    }

    /// Relays a message as it is, and notes what it makes the server owe.
    #[inline]
    pub(super) fn pass(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
        owed: Owed,
    ) -> Next {
        server.ledger.push(owed, Serve::Client, 0);
        self.relay(client, server, m)
    }

    /// Relays a message as far as it is here; the rest streams.
    #[inline]
    pub(super) fn relay(&mut self, client: &mut Client, server: &Server, m: Message<'_>) -> Next {
        let take = m.header.total().min(m.input.len() - m.at);
        self.out.relay(server.conn, m.at, take);
        client.body = shorter(m.header.total() as u32, take, Body::Relay);
        Next::At(m.at + take)
    }

    fn execute(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        let mut serial = 0;
        if server.deallocating.is_some() && !waits_for_client(server) {
            serial = match self.execute_deallocates(client, server, m) {
                Ok(serial) => serial,
                Err(next) => return next,
            };
        }
        server.ledger.push_for(Owed::Execute, Serve::Client, 0, serial);
        self.relay(client, server, m)
    }

    fn query(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        if self.rules.no_simple_query {
            return refuse(Refusal::SimpleQueryDisabled);
        }
        if self.rules.shared && !m.is_whole() && m.header.body <= LOOK_BYTES_MAX {
            return m.want_whole();
        }
        if may_need(m.body())
            && let Some(next) = self.query_vacates(client, server, m)
        {
            return next;
        }
        server.boundaries = server.boundaries.saturating_add(1);
        if self.rules.shared {
            let text = m.body();
            if let Some(next) = self.deallocates(client, server, m) {
                return next;
            }
            if may_clear(text) {
                // Also of a client that has none of its own: what it asks for next may stand on the server.
                self.names(&mut client.statements).may_clear(server.ledger.batch());
            }
            if !server.ledger.skipping() {
                server.deallocating = None;
                server.taint.mark(if m.is_whole() { Taint::of_text(text) } else { Taint::SET_CONFIG });
                if !self.planted.is(Fault::QueryKeepsUnnamed) {
                    match &client.unnamed {
                        // Behind a message that fails it is skipped, and destroys nothing.
                        Some(statement) if server.ledger.may_skip() => {
                            server.ledger.push_in_doubt(UNNAMED | statement.id);
                            (server.unnamed, client.pinned) = (0, false);
                            return self.relay(client, server, m);
                        }
                        Some(_) | None => client.unnamed = None,
                    }
                    server.unnamed = 0;
                }
                client.pinned = false;
            }
        }
        self.pass(client, server, m, Owed::Query)
    }

    /// A query that needs a database vacant.
    #[cold]
    fn query_vacates(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Option<Next> {
        if m.header.body > VACANCY_BYTES_MAX || !may_vacate(server) {
            return None;
        }
        if !m.is_whole() {
            return Some(m.want_whole());
        }
        let vacancy = Vacancy::of_text(m.body())?;
        self.vacates(client, server, m, &vacancy)
    }

    /// Holds a statement back until a database is vacant, but for the one that was held back before.
    pub(super) fn vacates(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
        vacancy: &Vacancy,
    ) -> Option<Next> {
        if self.planted.is(Fault::NotVacated) || !may_vacate(server) {
            return None;
        }
        match server.need {
            Need::Free(ticket) => {
                server.need = ticket.map_or(Need::No, Need::Running);
                None
            }
            Need::No => {
                client.pause = Pause::Vacancy;
                Some(Next::End(Box::new(End::Vacate(m.at, Box::new(vacancy.clone())))))
            }
            Need::Asked { .. } | Need::Running(_) => {
                client.pause = Pause::Vacancy;
                Some(Next::Stop(Then::WhenTold))
            }
        }
    }
}

/// False where the server refuses such a statement whoever is in the database, or skips it.
fn may_vacate(server: &Server) -> bool {
    let outside = server.status == TxStatus::Idle || !server.ledger.is_empty();
    outside && !server.ledger.skipping()
}

/// True where the server will say nothing before its client goes on: behind an error up to the Sync, and in a COPY.
pub(super) fn waits_for_client(server: &Server) -> bool {
    server.ledger.skipping() || matches!(server.ledger.copy(), Copy::In | Copy::Both)
}

/// What is left of `rest` after `take` bytes of it.
#[inline]
pub(crate) fn shorter(rest: u32, take: usize, body: impl FnOnce(u32) -> Body) -> Body {
    match rest - take as u32 {
        0 => Body::None,
        left => body(left),
    }
}
