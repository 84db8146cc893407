//! `DEALLOCATE name` in SQL: the server knows the client's statements under other names, so it is answered here, or the
//! server is given something else to deallocate.

use wire::backend::TxStatus;
use wire::encode;
use wire::frame;
use wire::frontend;

use super::client::Client;
use super::forward::{Message, Next, UNNAMED, waits_for_client};
use super::ledger::{Owed, Serve};
use super::link::Link;
use super::server::{Deallocating, Server};
use super::statements::words::deallocated;
use crate::contract::Outputs;

/// Takes a statement from a client and answers its `DEALLOCATE`.
pub fn deallocate(client: &mut Client, name: &[u8], status: TxStatus, out: &mut Outputs) {
    if let Some(statements) = &mut client.statements {
        statements.remove(name);
    }
    // It is a query, too: they destroy the unnamed statement.
    (client.unnamed, client.pinned) = (None, false);
    out.make(client.conn, |made| {
        encode::command_complete(made, "DEALLOCATE");
        encode::ready(made, status);
    });
}

impl Link<'_> {
    /// A simple query that deallocates a statement of the client's. It is answered once the server owes nothing: only then
    /// it is known whether it is skipped, and in which transaction it stands.
    #[inline]
    pub(super) fn deallocates(
        &mut self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
    ) -> Option<Next> {
        if client.statements.is_none() || !self.renames() || waits_for_client(server) {
            return None;
        }
        let name = deallocated(m.body().strip_suffix(b"\0")?)?;
        if let Some(next) = self.hangs(client, server, &name) {
            return Some(next);
        }
        client.statements.as_ref()?.find(&name)?;
        if server.ledger.owes() {
            return Some(self.wait_for_answers(client, server));
        }
        if server.ledger.wants_sync() {
            // A batch that was answered and not ended: a query ends it.
            self.out.fixed(server.conn, encode::SYNC);
            server.ledger.push(Owed::Sync, Serve::Hidden, 0);
            return Some(self.wait_for_answers(client, server));
        }
        if server.status == TxStatus::Failed {
            return None;
        }
        (server.unnamed, server.deallocating) = (0, None);
        deallocate(client, &name, server.status, self.out);
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
        if let Some(next) = self.hangs(client, server, &name) {
            return Some(next);
        }
        let mut text = b"DEALLOCATE ".to_vec();
        let known = client.statements.as_mut()?;
        self.throwaway(known, server, &name, &mut text);
        text.extend_from_slice(&[0, 0, 0]);
        self.out.make(server.conn, |made| encode::parse(made, b"", &text));
        server.ledger.push_for(Owed::Parse, Serve::Client, UNNAMED, server.ledger.batch());
        server.deallocating = Some(Box::new(Deallocating { name: name.into(), portal: None }));
        server.unnamed = 0;
        client.unnamed = None;
        client.pinned = true;
        Some(Next::At(m.end()))
    }

    /// A Bind to this portal: of the unnamed statement, which may be a `DEALLOCATE`, or of another.
    #[cold]
    pub(super) fn bind_deallocates(&self, server: &mut Server, portal: &[u8], unnamed: bool) {
        let Some(deallocating) = &mut server.deallocating else { return };
        if unnamed {
            deallocating.portal = Some(portal.into());
        } else if deallocating.portal.as_deref() == Some(portal) {
            deallocating.portal = None;
        }
    }

    /// An Execute of this portal, where a `DEALLOCATE` was bound: the number of what it takes from the client, 0 for nothing.
    #[cold]
    pub(super) fn execute_deallocates(
        &self,
        client: &mut Client,
        server: &mut Server,
        m: Message<'_>,
    ) -> Result<u32, Next> {
        if !m.is_whole() && m.header.body as usize <= frontend::NAME_BYTES_MAX + 5 {
            return Err(m.want_whole());
        }
        let Some((portal, _)) = frame::cstr(m.body()) else { return Ok(0) };
        let batch = server.ledger.batch();
        let bound = server.deallocating.as_deref().filter(|known| known.portal.as_deref() == Some(portal));
        let retired = bound.and_then(|known| client.statements.as_mut()?.retire(&known.name, batch));
        Ok(retired.unwrap_or(0))
    }
}
