//! `DEALLOCATE name` in SQL: the server knows the client's statements under other names, so it is answered here, or the
//! server is given something else to deallocate.

use wire::backend::TxStatus;
use wire::encode;
use wire::frame;

use super::client::Client;
use super::forward::{Message, Next, UNNAMED};
use super::ledger::{Owed, Serve};
use super::link::Link;
use super::prepare::hangs;
use super::server::Server;
use super::statements::words::deallocated;

impl Link<'_> {
    /// A simple query that deallocates a statement of the client's: it is answered in its turn.
    #[inline]
    pub(super) fn deallocates(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
    ) -> Option<Next> {
        if client.statements.is_none() || !self.renames() || server.ledger.skipping() {
            return None;
        }
        let name = deallocated(m.body())?;
        if let Some(next) = hangs(client, server, &name) {
            return Some(next);
        }
        if server.ledger.is_empty() && server.status == TxStatus::Failed {
            return None;
        }
        let serial = client.statements.as_mut()?.retire(&name, server.ledger.batch())?;
        server.ledger.push_for(Owed::MadeDeallocate, Serve::Client, 0, serial);
        // It is a query, too: they destroy the unnamed statement. Should it be skipped, that is an error of the next Bind
        // which a server would not give; an older statement that ran instead would be worse.
        (client.unnamed, client.pinned) = (None, false);
        server.unnamed = 0;
        self.give_made(client, server);
        Some(Next::At(m.end()))
    }

    /// The same as an unnamed statement: the server is told the name of one that is there for that only.
    pub(super) fn parse_deallocates(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
        tail: &[u8],
    ) -> Option<Next> {
        client.statements.as_ref().filter(|_| self.renames())?;
        let (text, _) = frame::cstr(tail)?;
        let name = deallocated(text)?;
        client.statements.as_ref()?.find(&name)?;
        if let Some(next) = hangs(client, server, &name) {
            return Some(next);
        }
        let mut text = b"DEALLOCATE ".to_vec();
        let known = client.statements.as_mut()?;
        self.throwaway(known, server, &name, &mut text);
        text.extend_from_slice(&[0, 0, 0]);
        self.out.make(server.conn, |made| encode::parse(made, b"", &text));
        server.ledger.push_for(Owed::Parse, Serve::Client, UNNAMED, server.ledger.batch());
        server.deallocating = Some(name.into());
        server.unnamed = 0;
        client.unnamed = None;
        client.pinned = true;
        Some(Next::At(m.end()))
    }
}
