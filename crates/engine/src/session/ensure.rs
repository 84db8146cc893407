//! What must stand on the server before a client's message can name it: texts that are prepared in front, statements that
//! make room for them, and some that are there to be refused.

use std::sync::Arc;

use wire::encode;
use wire::frontend::Target;
use wire::tag::FrontendTag as F;

use super::client::Client;
use super::forward::UNNAMED;
use super::ledger::{Owed, Serve};
use super::link::Link;
use super::server::Server;
use super::statements::{Names, Standing, Statement};
use super::taint::Taint;
use crate::planted::Fault;

impl Link<'_> {
    /// Prepares an empty statement under a name of its own, which is appended to `out`; errors that speak of it are to
    /// speak of `name`.
    pub(super) fn throwaway(
        &mut self,
        known: &mut Names,
        server: &mut Server,
        name: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let id = self.statements.write_throwaway(out);
        known.remember(id, name.into());
        self.out.make(server.conn, |made| encode::parse(made, &out[start..], &[0, 0, 0]));
        server.ledger.push(Owed::Parse, Serve::Hidden, 0);
        server.taint.mark(Taint::PREPARE);
    }

    /// Closes, in line, what must go before a statement can be prepared.
    pub(super) fn make_room(&mut self, server: &mut Server, statement: &Arc<Statement>, standing: Standing) {
        if standing == Standing::Void {
            server.registry.retire(statement.id, server.ledger.batch());
            self.close_on_server(server, statement.id);
        }
        while let Some(victim) = server.registry.evict(self.rules.statements_max, server.ledger.batch()) {
            self.close_on_server(server, victim);
        }
    }

    fn close_on_server(&mut self, server: &mut Server, id: u64) {
        let name = self.statements.name(id);
        self.out.make(server.conn, |made| encode::close(made, Target::Statement, &name));
        if self.planted.is(Fault::EvictionOvertakes) {
            self.out.list.rotate_right(1);
        }
        server.ledger.push(Owed::Close, Serve::Hidden, id);
    }

    /// Puts the Parse of a shared statement in front of what needs it, where the server does not have it.
    pub(super) fn ensure(&mut self, server: &mut Server, statement: &Arc<Statement>) {
        let generation = self.statements.generation(statement.id);
        let standing = server.registry.stand(statement.id, generation);
        if standing == Standing::There {
            return;
        }
        self.make_room(server, statement, standing);
        self.tally.server_parses += 1;
        let length = (4 + statement.name.len() + 1 + statement.tail.len()) as u32;
        self.out.make(server.conn, |made| {
            made.push(F::Parse.byte());
            made.extend_from_slice(&length.to_be_bytes());
            made.extend_from_slice(&statement.name);
            made.push(0);
        });
        self.out.text(server.conn, &statement.tail);
        server.registry.begin(statement, generation, server.ledger.batch());
        server.ledger.push(Owed::Parse, Serve::Hidden, statement.id);
    }

    /// The same for the unnamed statement, which any query in between has destroyed.
    pub(super) fn ensure_unnamed(&mut self, client: &Client, server: &mut Server) {
        let Some(statement) = &client.unnamed else {
            if !client.pinned {
                // The server may hold another's: it shall hold none, and say so.
                self.out.make(server.conn, |made| encode::close(made, Target::Statement, b""));
                server.ledger.push(Owed::Close, Serve::Hidden, 0);
                server.unnamed = 0;
            }
            return;
        };
        if self.planted.is(Fault::UnnamedNotSent) {
            return;
        }
        server.taint.mark(statement.taint);
        if server.unnamed == statement.id {
            return;
        }
        let length = (4 + 1 + statement.tail.len()) as u32;
        self.out.make(server.conn, |made| {
            made.push(F::Parse.byte());
            made.extend_from_slice(&length.to_be_bytes());
            made.push(0);
        });
        self.out.text(server.conn, &statement.tail);
        server.unnamed = statement.id;
        server.ledger.push(Owed::Parse, Serve::Hidden, UNNAMED | statement.id);
    }
}
