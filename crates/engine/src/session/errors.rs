//! An error of the server's: who gets it, what it leaves undone, and whose names it speaks of.

use wire::backend::Fields;
use wire::sqlstate::SqlState;

use super::back::{Message, Next, misfit};
use super::client::Client;
use super::forward::UNNAMED;
use super::ledger::{Entry, Owed, Serve};
use super::link::{LOOK_BYTES_MAX, Link};
use super::server::{Failure, Server};
use crate::planted::Fault;
use crate::remark::ServerOut;

impl Link<'_> {
    pub(super) fn error(
        &mut self,
        mut client: Option<&mut Client>,
        server: &mut Server,
        m: Message<'_>,
    ) -> Next {
        let body = match m.whole() {
            Some(body) => body,
            None if m.header.body <= LOOK_BYTES_MAX => return m.want_whole(),
            None => &[],
        };
        let fields = Fields::parse(body);
        let fatal = fields.is_fatal();
        let code = fields.code();
        if fatal {
            server.fatal = true;
        } else if server.ledger.front().is_none() {
            return misfit(server, m);
        }
        if let Some(entry) = server.ledger.front() {
            self.heal(server, entry, &fields);
        }
        if code == Some(SqlState::READ_ONLY_SQL_TRANSACTION) {
            server.outdated = Some(ServerOut::Outdated);
        }
        let serve = self.undo(client.as_deref_mut(), server);
        if serve == Some(Serve::Ours) {
            if client.is_some() {
                // A setting that rode in front of the client's words: what the server has now is not known.
                server.outdated.get_or_insert(ServerOut::SettingRefused);
            } else {
                let message = String::from_utf8_lossy(fields.message().unwrap_or_default()).into();
                server.failed = Some(Box::new(Failure { code, message }));
            }
            return self.deliver(None, server, m);
        }
        let Some(client) = client else { return self.deliver(None, server, m) };
        client.told_fatal |= fatal;
        match fields.message().and_then(|message| self.statements.find_name(message)) {
            Some((range, id)) => self.renamed_error(client, &fields, range, id, m),
            None => self.deliver(Some(client), server, m),
        }
    }

    /// An error that speaks of one of our names: the client reads its own.
    fn renamed_error(
        &mut self,
        client: &mut Client,
        fields: &Fields<'_>,
        range: std::ops::Range<usize>,
        id: u64,
        m: Message<'_>,
    ) -> Next {
        let name =
            client.statements.as_ref().and_then(|known| known.name_of(id)).unwrap_or_default().to_vec();
        let mut list: Vec<(u8, Vec<u8>)> =
            fields.iter().map(|(letter, text)| (letter, text.to_vec())).collect();
        for (_, text) in list.iter_mut().filter(|(letter, _)| *letter == b'M') {
            text.splice(range.clone(), name.iter().copied());
        }
        self.out.make(client.conn, |made| {
            wire::encode::error_fields(made, list.iter().map(|(letter, text)| (*letter, text.as_slice())));
        });
        Next::At(m.end())
    }

    /// A plan that was refused after a change of the schema, or a statement that is gone: the next use prepares it anew.
    fn heal(&mut self, server: &mut Server, front: Entry, fields: &Fields<'_>) {
        let nameless = front.statement == 0 || front.statement & UNNAMED != 0;
        if nameless || !self.renames() || self.planted.is(Fault::PlanNotHealed) {
            return;
        }
        if fields.code() == Some(SqlState::FEATURE_NOT_SUPPORTED)
            && fields.routine() == Some(b"RevalidateCachedQuery")
        {
            self.statements.heal(front.statement);
            self.tally.statements_healed += 1;
        } else if fields.code() == Some(SqlState::INVALID_SQL_STATEMENT_NAME) {
            server.registry.remove(front.statement);
        }
    }

    /// Takes back what an error leaves undone. Tells who gets the error.
    fn undo(&mut self, client: Option<&mut Client>, server: &mut Server) -> Option<Serve> {
        let mut undone = Vec::new();
        let serve = server.ledger.on_error(|entry| undone.push(entry));
        let mut client = client;
        if let Some(client) = client.as_deref_mut().filter(|_| undone.iter().any(pins)) {
            client.pinned &= keeps_unnamed(server);
        }
        for (at, entry) in undone.into_iter().enumerate().rev() {
            let named = entry.statement != 0 && entry.statement & UNNAMED == 0;
            let statements = client.as_deref_mut().and_then(|client| client.statements.as_mut());
            match entry.owed {
                Owed::Parse if entry.statement & UNNAMED != 0 => {
                    server.unnamed = 0;
                    if let Some(client) =
                        client.as_deref_mut().filter(|_| is_unnamed(&entry) && entry.statement != UNNAMED)
                    {
                        undo_unnamed(client, entry.serial, at > 0);
                    }
                }
                Owed::Parse | Owed::MadeParse => {
                    if named
                        && entry.owed == Owed::Parse
                        && !self.planted.is(Fault::RegisteredBeforeParseComplete)
                    {
                        server.registry.undo(entry.statement);
                    }
                    if let Some(statements) = statements.filter(|_| entry.serial != 0)
                        && !self.planted.is(Fault::ClientKeepsFailedParse)
                    {
                        statements.undo(entry.serial);
                    }
                }
                Owed::Close if entry.serve == Serve::Hidden => server.registry.restore(entry.statement),
                Owed::MadeClose | Owed::Execute => {
                    if let Some(statements) = statements.filter(|_| entry.serial != 0) {
                        statements.restore(entry.serial);
                    }
                }
                Owed::Close
                | Owed::Bind
                | Owed::DescribeStatement
                | Owed::DescribePortal
                | Owed::Query
                | Owed::Function
                | Owed::Sync
                | Owed::CopyEnd => {}
            }
        }
        serve
    }
}

/// A Parse of the unnamed statement came to nothing. One that was skipped leaves what stood before it, where that is known.
fn undo_unnamed(client: &mut Client, batch: u32, skipped: bool) {
    if client.unnamed_before.as_ref().is_none_or(|(of, _)| *of != batch) {
        return;
    }
    let later = client.statements.as_mut().and_then(|known| known.unnamed_between.pop());
    let before = later.or_else(|| client.unnamed_before.take().map(|(_, before)| before));
    client.unnamed = before.flatten().filter(|_| skipped);
}

/// True where this is a client's Parse of an unnamed statement.
fn is_unnamed(entry: &Entry) -> bool {
    entry.owed == Owed::Parse && entry.serve == Serve::Client && entry.statement & UNNAMED != 0
}

/// True where it is one that is not kept here.
fn pins(entry: &Entry) -> bool {
    is_unnamed(entry) && entry.statement == UNNAMED
}

/// True where such a Parse is still under way.
pub(super) fn keeps_unnamed(server: &Server) -> bool {
    server.ledger.entries().any(pins)
}
