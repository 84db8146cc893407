//! One client joined to one server: what both directions of the relay need.
//!
//! `forward` takes the client's bytes, `back` the server's. Neither knows of pools; what they can't decide they return.

use wire::encode;

use model::id::ConnId;

use super::client::{Body, Client};
use super::forward::shorter;
use super::ledger::Owed;
use super::params;
use super::server::Server;
use super::statements;
use crate::contract::Outputs;
use crate::planted::Planted;
use crate::tally::SliceTally;
use crate::time::Now;

/// One call makes at most so many bytes before it stops by itself.
pub const CALL_BYTES_MAX: usize = 256 * 1024;
/// Errors and settings of a server are looked into up to this size.
pub const LOOK_BYTES_MAX: u32 = 64 * 1024;
/// A pipelining client gives its server up after so many boundaries when others wait.
pub const TURNSTILE_BOUNDARIES: u16 = 64;
/// Or after so long, in microseconds.
pub const TURNSTILE_US: u64 = 20_000;
/// A text of an unnamed statement is kept up to this size.
pub const UNNAMED_BYTES_MAX: usize = 64 * 1024;

/// What a pool asks of its links.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Statements are shared and renamed, traces are looked for: every mode but session mode.
    pub shared: bool,
    /// Transaction blocks are refused.
    pub statement_mode: bool,
    /// Shared statements a server keeps; 0: named statements are passed as they are.
    pub statements_max: usize,
    /// The longest Parse that is kept.
    pub statement_bytes_max: u32,
    /// The longest message of a client.
    pub packet_bytes_max: u32,
    /// Simple queries are refused.
    pub no_simple_query: bool,
}

/// What both directions work with.
pub struct Link<'a> {
    /// The time.
    pub now: Now,
    /// The pool's rules.
    pub rules: Rules,
    /// Others stand in line for this pool.
    pub contended: bool,
    /// The shared statements.
    pub statements: &'a mut statements::Store,
    /// The known settings.
    pub params: &'a mut params::Store,
    /// The pool's counters.
    pub tally: &'a mut SliceTally,
    /// For the simulator.
    pub planted: Planted,
    /// What is to be done.
    pub out: &'a mut Outputs,
}

impl Link<'_> {
    /// Statements are renamed.
    pub(super) fn renames(&self) -> bool {
        self.rules.shared && self.rules.statements_max > 0
    }

    /// Works off the rest of a message that has begun: to `to`, or to nobody. Where the input goes on behind it.
    #[inline]
    pub(super) fn work_off(&mut self, body: &mut Body, to: Option<ConnId>, input: &[u8], at: usize) -> usize {
        let (Body::Relay(rest) | Body::Skip(rest)) = *body else { return at };
        let take = (rest as usize).min(input.len() - at);
        match (*body, to) {
            (Body::Relay(_), Some(to)) => {
                self.out.relay(to, at, take);
                *body = shorter(rest, take, Body::Relay);
            }
            (Body::Relay(_), None) => *body = shorter(rest, take, Body::Relay),
            (Body::Skip(_) | Body::None, _) => *body = shorter(rest, take, Body::Skip),
        }
        at + take
    }

    /// Gives the client every reply of ours that is next.
    pub(super) fn give_made(&mut self, client: &mut Client, server: &mut Server) {
        while let Some(entry) = server.ledger.pop_made() {
            match entry.owed {
                Owed::MadeParse => {
                    if let Some(statements) = &mut client.statements {
                        statements.confirm(entry.serial);
                    }
                    self.out.fixed(client.conn, encode::PARSE_COMPLETE);
                }
                Owed::MadeClose => {
                    if let Some(statements) = &mut client.statements {
                        statements.forget(entry.serial);
                    }
                    self.out.fixed(client.conn, encode::CLOSE_COMPLETE);
                }
                Owed::Parse
                | Owed::Bind
                | Owed::DescribeStatement
                | Owed::DescribePortal
                | Owed::Execute
                | Owed::Close
                | Owed::Query
                | Owed::Function
                | Owed::Sync
                | Owed::CopyEnd => {}
            }
        }
    }
}
