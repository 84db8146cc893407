//! What messages about prepared statements become on their way: names are the client's here and ours on the server. What is
//! put in front of them is in `ensure`.

use wire::backend::TxStatus;
use wire::encode;
use wire::frame::{self, HEADER};
use wire::frontend::{self, Target};

use super::client::{Body, Client, Pause};
use super::forward::{Message, Next, UNNAMED, malformed, refuse, shorter, waits_for_client};
use super::ledger::{Owed, Serve};
use super::link::{Link, UNNAMED_BYTES_MAX};
use super::server::Server;
use super::statements::names::CLIENT_STATEMENTS_MAX;
use super::statements::{Names, Standing};
use super::taint::Taint;
use super::vacancy::{VACANCY_BYTES_MAX, Vacancy, may_need};
use crate::contract::Then;
use crate::refuse::Refusal;

/// So many statements that need a database vacant are remembered for a client.
const VACANCIES_MAX: usize = 16;

impl Link<'_> {
    pub(super) fn parse(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        if !self.rules.shared {
            if let Some(next) = self.notes_vacancy(server, m) {
                return next;
            }
            return self.pass(client, server, m, Owed::Parse);
        }
        let unnamed = m.body().first() == Some(&0);
        if m.header.body > self.rules.statement_bytes_max {
            return match (m.body().first(), unnamed) {
                (None, _) => Next::Stop(Then::AtLeast(HEADER + 1)),
                (_, true) => self.parse_huge(client, server, m),
                (_, false) => {
                    refuse(Refusal::StatementTooLarge { bytes_max: self.rules.statement_bytes_max })
                }
            };
        }
        if !m.is_whole() {
            return m.want_whole();
        }
        if waits_for_client(server) {
            return self.relay(client, server, m);
        }
        let Ok(parse) = frontend::Parse::read(m.body()) else {
            // The server itself shall say what is wrong with it.
            server.ledger.push(Owed::Parse, Serve::Client, UNNAMED);
            server.taint.mark(Taint::PREPARE);
            return self.relay(client, server, m);
        };
        if parse.name.is_empty() {
            if server.ledger.is_in_doubt() {
                return self.wait_for_answers(client, server);
            }
            self.parse_unnamed(client, server, m, parse.tail)
        } else if self.renames() {
            if let Some(next) = self.hangs(client, server, parse.name) {
                return next;
            }
            self.parse_named(client, server, &parse, m)
        } else {
            server.taint.mark(Taint::of_text(parse.query()));
            server.taint.mark(Taint::PREPARE);
            if let Some(next) = self.notes_vacancy(server, m) {
                return next;
            }
            self.pass(client, server, m, Owed::Parse)
        }
    }

    /// Holds a client back whose next message hangs on what an earlier batch of its own comes to: on whether this name is
    /// taken, or whether the server holds its text.
    pub(super) fn hangs(&mut self, client: &mut Client, server: &Server, name: &[u8]) -> Option<Next> {
        let known = client.statements.as_ref()?;
        let batch = server.ledger.batch();
        let unsettled = known.is_unsettled(name, batch)
            || known.find(name).is_some_and(|statement| server.registry.is_unsettled(statement.id, batch));
        // Where a COPY has made the server ignore the Sync, what seems to be an earlier batch is still this one.
        let hangs = unsettled && server.ledger.awaits_end() || known.is_clearing() && server.ledger.owes();
        (hangs && !waits_for_client(server)).then(|| self.wait_for_answers(client, server))
    }

    /// The same for the unnamed statement.
    fn hangs_unnamed(&mut self, client: &mut Client, server: &Server) -> Option<Next> {
        let unsettled = |(batch, _): &(u32, _)| *batch != server.ledger.batch();
        let unsettled = server.ledger.is_in_doubt() || client.unnamed_before.as_ref().is_some_and(unsettled);
        let hangs = unsettled && server.ledger.awaits_end() && !waits_for_client(server);
        hangs.then(|| self.wait_for_answers(client, server))
    }

    /// Holds a client back until its server owes nothing, or waits for it.
    pub(super) fn wait_for_answers(&mut self, client: &mut Client, server: &Server) -> Next {
        if !server.ledger.awaits_end() {
            // Without a Sync or Flush of the client's the server may keep its answers for itself.
            self.out.fixed(server.conn, encode::FLUSH);
        }
        client.pause = Pause::Unsettled;
        Next::Stop(Then::WhenTold)
    }

    /// Remembers a statement that needs a database vacant, where texts are not kept, under the client's name for it.
    fn notes_vacancy(&mut self, server: &mut Server, m: Message<'_>) -> Option<Next> {
        if server.ledger.skipping() {
            return None;
        }
        let short = m.header.body <= VACANCY_BYTES_MAX;
        let Some((name, text)) = frame::cstr(m.body()) else {
            return (short && !m.is_whole()).then(|| m.want_whole());
        };
        server.vacancies.retain(|(known, _)| **known != *name);
        if !short || !may_need(text) {
            return None;
        }
        if !m.is_whole() {
            return Some(m.want_whole());
        }
        let vacancy = Vacancy::of_text(text)?;
        if server.vacancies.len() < VACANCIES_MAX {
            server.vacancies.push((name.into(), vacancy));
        }
        None
    }

    /// A Bind of a statement that needs a database vacant. They can't run in a transaction block, so what is bound is
    /// executed in the same batch.
    #[cold]
    fn bind_vacates(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Option<Next> {
        let name = match frontend::bind_names(m.body()) {
            Ok(Some(names)) => names.statement,
            Ok(None) if !m.is_whole() => return Some(Next::Stop(Then::AtLeast(HEADER + m.body().len() + 1))),
            Ok(None) | Err(_) => return None,
        };
        let (_, vacancy) = server.vacancies.iter().find(|(known, _)| **known == *name)?;
        let vacancy = vacancy.clone();
        self.vacates(client, server, m, &vacancy)
    }

    /// Too large to be kept: the server is the client's until it has prepared another.
    fn parse_huge(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        if !server.ledger.skipping() {
            server.taint.mark(Taint::SET_CONFIG);
            client.unnamed = None;
            (server.unnamed, server.deallocating) = (0, None);
            client.pinned = true;
        }
        server.ledger.push(Owed::Parse, Serve::Client, UNNAMED);
        self.relay(client, server, m)
    }

    /// A client's books of its statements, begun where there are none.
    pub(super) fn names<'c>(&self, own: &'c mut Option<Box<Names>>) -> &'c mut Names {
        own.get_or_insert_with(|| Box::new(Names::new(self.statements.hasher())))
    }

    fn parse_unnamed(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
        tail: &[u8],
    ) -> Next {
        if tail.len() > UNNAMED_BYTES_MAX {
            return self.parse_huge(client, server, m);
        }
        let batch = server.ledger.batch();
        if let Some(next) = self.parse_deallocates(client, server, m, tail) {
            return next;
        }
        let statement = match &client.unnamed {
            Some(old) if *old.tail == *tail => old.clone(),
            Some(_) | None => self.statements.intern(tail, 0),
        };
        server.taint.mark(statement.taint);
        (server.unnamed, server.deallocating) = (statement.id, None);
        server.ledger.push_for(Owed::Parse, Serve::Client, UNNAMED | statement.id, batch);
        let before = client.unnamed.replace(statement);
        let before = before.filter(|_| !client.pinned);
        match &client.unnamed_before {
            Some((of, _)) if *of == batch => {
                self.names(&mut client.statements).unnamed_between.push(before);
            }
            Some(_) | None => {
                if let Some(known) = &mut client.statements {
                    known.unnamed_between.clear();
                }
                client.unnamed_before = Some((batch, before));
            }
        }
        client.pinned = false;
        self.relay(client, server, m)
    }

    fn parse_named(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        parse: &frontend::Parse<'_>,
        m: Message<'_>,
    ) -> Next {
        let known = self.names(&mut client.statements);
        let batch = server.ledger.batch();
        if known.find(parse.name).is_some() {
            // The client has this name already: the server itself shall say so, of a name that it holds for sure.
            let mut name = Vec::with_capacity(40);
            self.throwaway(known, server, parse.name, &mut name);
            self.out.make(server.conn, |made| encode::parse(made, &name, parse.tail));
            server.ledger.push(Owed::Parse, Serve::Client, 0);
            self.tally.client_parses += 1;
            return Next::At(m.end());
        }
        if known.is_full_for(parse.tail.len()) {
            return refuse(Refusal::TooManyStatements { statements_max: CLIENT_STATEMENTS_MAX as u32 });
        }
        let statement = self.statements.intern(parse.tail, client.settings.plan_key);
        if server.registry.is_unsettled(statement.id, batch) && server.ledger.awaits_end() {
            return self.wait_for_answers(client, server);
        }
        self.tally.client_parses += 1;
        let serial = known.begin(parse.name, statement.clone(), batch);
        server.taint.mark(statement.taint);
        let generation = self.statements.generation(statement.id);
        let failed = server.ledger.is_empty() && server.status == TxStatus::Failed;
        match server.registry.stand(statement.id, generation) {
            Standing::There if failed => {
                // In a failed transaction Parse is refused unless it ends the transaction: the server is to judge.
                server.unnamed = 0;
                self.out.make(server.conn, |made| encode::parse(made, b"", parse.tail));
                server.ledger.push_for(Owed::Parse, Serve::Client, 0, serial);
            }
            Standing::There => server.ledger.push_for(Owed::MadeParse, Serve::Client, 0, serial),
            standing @ (Standing::Absent | Standing::Void) => {
                self.make_room(server, &statement, standing);
                self.tally.server_parses += 1;
                self.out.make(server.conn, |made| encode::parse(made, &statement.name, parse.tail));
                server.registry.begin(&statement, generation, batch);
                server.ledger.push_for(Owed::Parse, Serve::Client, statement.id, serial);
            }
        }
        Next::At(m.end())
    }

    pub(super) fn bind(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        if !server.vacancies.is_empty()
            && let Some(next) = self.bind_vacates(client, server, m)
        {
            return next;
        }
        self.tally.binds += 1;
        if !self.rules.shared || waits_for_client(server) {
            return self.pass(client, server, m, Owed::Bind);
        }
        let names = match frontend::bind_names(m.body()) {
            Ok(Some(names)) => names,
            Ok(None) if m.is_whole() => return self.pass(client, server, m, Owed::Bind),
            Ok(None) => {
                self.tally.binds -= 1;
                return Next::Stop(Then::AtLeast(HEADER + m.body().len() + 1));
            }
            Err(error) => return malformed(error),
        };
        let hanging = match names.statement {
            b"" => self.hangs_unnamed(client, server),
            name => self.hangs(client, server, name),
        };
        if let Some(next) = hanging {
            self.tally.binds -= 1;
            return next;
        }
        if names.statement.is_empty() {
            let vacancy = client.unnamed.as_ref().and_then(|statement| statement.vacancy.clone());
            if let Some(vacancy) = vacancy
                && let Some(next) = self.vacates(client, server, m, &vacancy)
            {
                self.tally.binds -= 1;
                return next;
            }
            if client.unnamed.as_ref().is_some_and(|statement| statement.clears) {
                self.names(&mut client.statements).may_clear(server.ledger.batch());
            }
            if server.deallocating.is_some() {
                self.bind_deallocates(server, names.portal, true);
            }
            self.ensure_unnamed(client, server);
            return self.pass(client, server, m, Owed::Bind);
        }
        if server.deallocating.is_some() {
            self.bind_deallocates(server, names.portal, false);
        }
        let Some(statement) =
            client.statements.as_ref().and_then(|known| known.find(names.statement)).cloned()
        else {
            return self.pass(client, server, m, Owed::Bind);
        };
        if let Some(vacancy) = &statement.vacancy
            && let Some(next) = self.vacates(client, server, m, vacancy)
        {
            self.tally.binds -= 1;
            return next;
        }
        if statement.clears {
            self.names(&mut client.statements).may_clear(server.ledger.batch());
        }
        self.ensure(server, &statement);
        server.taint.mark(statement.taint);
        let rest = m.header.body - names.len as u32;
        let header = |made: &mut Vec<u8>| encode::bind_header(made, names.portal, &statement.name, rest);
        if self.out.make(server.conn, header).is_err() {
            return refuse(Refusal::MessageTooLarge {
                bytes: m.header.body,
                bytes_max: self.rules.packet_bytes_max,
            });
        }
        server.ledger.push(Owed::Bind, Serve::Client, statement.id);
        self.relay_rest(client, server, m, names.len)
    }

    /// Relays a body from `from` on; what stands before was made anew.
    fn relay_rest(&mut self, client: &mut Client, server: &Server, m: Message<'_>, from: usize) -> Next {
        let start = m.at + HEADER + from;
        let rest = m.header.body - from as u32;
        let take = (rest as usize).min(m.input.len() - start);
        self.out.relay(server.conn, start, take);
        client.body = shorter(rest, take, Body::Relay);
        Next::At(start + take)
    }

    pub(super) fn describe(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        let (target, name) = match names(m) {
            Ok(Some(named)) => named,
            Ok(None) => return self.pass(client, server, m, Owed::DescribePortal),
            Err(next) => return next,
        };
        let owed = match target {
            Target::Statement => Owed::DescribeStatement,
            Target::Portal => Owed::DescribePortal,
        };
        if !self.rules.shared || target == Target::Portal || waits_for_client(server) {
            return self.pass(client, server, m, owed);
        }
        if name.is_empty() {
            if let Some(next) = self.hangs_unnamed(client, server) {
                return next;
            }
            self.ensure_unnamed(client, server);
            return self.pass(client, server, m, owed);
        }
        if let Some(next) = self.hangs(client, server, name) {
            return next;
        }
        let Some(statement) = client.statements.as_ref().and_then(|known| known.find(name)).cloned() else {
            return self.pass(client, server, m, owed);
        };
        self.ensure(server, &statement);
        self.out.make(server.conn, |made| encode::describe(made, Target::Statement, &statement.name));
        server.ledger.push(owed, Serve::Client, statement.id);
        Next::At(m.end())
    }

    pub(super) fn close(&mut self, client: &mut Client, server: &mut Server, m: Message<'_>) -> Next {
        let (target, name) = match names(m) {
            Ok(Some(named)) => named,
            Ok(None) => return self.pass(client, server, m, Owed::Close),
            Err(next) => return next,
        };
        if !self.rules.shared || target == Target::Portal || waits_for_client(server) {
            return self.pass(client, server, m, Owed::Close);
        }
        if name.is_empty() {
            if let Some(next) = self.hangs_unnamed(client, server) {
                return next;
            }
            (client.unnamed, client.pinned) = (None, false);
            (server.unnamed, server.deallocating) = (0, None);
            return self.pass(client, server, m, Owed::Close);
        }
        if let Some(next) = self.hangs(client, server, name) {
            return next;
        }
        let batch = server.ledger.batch();
        let Some(serial) = client.statements.as_mut().and_then(|known| known.retire(name, batch)) else {
            return self.pass(client, server, m, Owed::Close);
        };
        server.ledger.push_for(Owed::MadeClose, Serve::Client, 0, serial);
        Next::At(m.end())
    }
}

/// Target and name of a Describe or Close, once it is whole; `Ok(None)`: it is malformed, the server shall say so.
fn names<'i>(m: Message<'i>) -> Result<Option<(Target, &'i [u8])>, Next> {
    if m.header.body as usize > frontend::NAME_BYTES_MAX + 2 {
        return Err(refuse(Refusal::Protocol("a name is too long".into())));
    }
    if !m.is_whole() {
        return Err(m.want_whole());
    }
    Ok(frontend::describe_or_close(m.body()).ok())
}
