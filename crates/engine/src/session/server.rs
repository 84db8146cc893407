//! A connection of ours to a server.
//!
//! ```text
//! Dialling -> Greeting -> Idle -> Linked -> (CancelWait) -> (Cleaning) -> Idle
//!                           \-> Preparing -> Linked
//! ```
//! Preparing: a check or a client's settings, before the client's bytes. Cleaning: what its last client left behind.
//! Draining: its client has left, what was asked of it goes on to its end, and nobody gets the answer.
//! CancelWait: a cancel request for its last client has not ended. From any state: Closing, until the server's EOF.
//! Courier: not a session at all, but the connection that carries a cancel request.

use std::sync::Arc;

use model::id::{ConnId, PublicId, WorkerId};
use wire::backend::TxStatus;

use super::client::Body;
use super::greet::Greet;
use super::ledger::Ledger;
use super::params::{Change, Settings};
use super::statements::Registry;
use super::taint::Taint;
use super::vacancy::{Need, Vacancy};
use crate::orders::DialRefusal;
use crate::remark::ServerOut;
use crate::time::Now;

/// Where a connection is in its life.
pub enum Phase {
    /// The socket is being connected.
    Dialling,
    /// Logging in.
    Greeting(Box<Greet>),
    /// Rests.
    Idle,
    /// Made ready for this client.
    Preparing {
        /// Whom.
        client: ConnId,
        /// What is asked of the server.
        step: Step,
    },
    /// Lent.
    Linked {
        /// To whom.
        client: ConnId,
    },
    /// Works off what a client that left had asked.
    Draining,
    /// Not lent before the cancel requests aimed at it have ended.
    CancelWait,
    /// Being rid of its last client's traces.
    Cleaning,
    /// Said goodbye, or was refused; holds its slot until the server's EOF.
    Closing,
    /// Carries a cancel request.
    Courier(Box<Courier>),
}

/// To whom a server is lent, as far as a recording of checkouts asks.
#[derive(Clone, Copy, Debug)]
pub struct Loan {
    /// When the client asked for a server.
    pub asked: Now,
    /// When it was given this one.
    pub begun: Now,
}

/// What a server is asked before it is lent.
#[derive(Debug)]
pub enum Step {
    /// Whether it lives.
    Check,
    /// To take these settings.
    Settings(Box<[Change]>),
}

/// A cancel request on its way.
#[derive(Debug)]
pub struct Courier {
    /// The connection whose query is to be cancelled.
    pub victim: ConnId,
    /// The client whose query it is; `None` where the connection itself is given up.
    pub client: Option<ConnId>,
    /// The victim's key.
    pub key: (u32, Box<[u8]>),
    /// The connections that asked, to be closed when it is done.
    pub asker: Option<(WorkerId, ConnId)>,
    /// The request was sent.
    pub sent: bool,
}

/// Messages remembered for the log of a misfit.
const RING: usize = 32;

/// The last messages of a connection: direction, tag and bytes, no data.
#[derive(Debug)]
pub struct Ring {
    seen: [(u8, u8, u32); RING],
    next: u8,
}

impl Default for Ring {
    fn default() -> Self {
        Self { seen: [(0, 0, 0); RING], next: 0 }
    }
}

impl Ring {
    /// Remembers a message; direction is `>` towards the server and `<` from it.
    #[inline]
    pub fn note(&mut self, direction: u8, tag: u8, body: u32) {
        self.seen[usize::from(self.next) % RING] = (direction, tag, body);
        self.next = (self.next + 1) % RING as u8;
    }

    /// What is remembered, oldest first.
    pub fn dump(&self) -> Box<[(char, u8, u32)]> {
        let (new, old) = self.seen.split_at(usize::from(self.next) % RING);
        old.iter()
            .chain(new)
            .filter(|(d, ..)| *d != 0)
            .map(|(d, tag, body)| (char::from(*d), *tag, *body))
            .collect()
    }
}

/// A `DEALLOCATE name` that stands as the unnamed statement.
#[derive(Debug)]
pub struct Deallocating {
    /// The client's name of what it takes away.
    pub name: Box<[u8]>,
    /// The portal it was last bound to.
    pub portal: Option<Box<[u8]>>,
}

/// One connection to a server.
pub struct Server {
    /// Its identifier.
    pub conn: ConnId,
    /// Index of its slice on this worker; `u32::MAX` for a courier.
    pub slice: u32,
    /// The operators' number.
    pub public: PublicId,
    /// Where it is in its life.
    pub phase: Phase,
    /// What it owes.
    pub ledger: Ledger,
    /// Its word of the last ReadyForQuery.
    pub status: TxStatus,
    /// The rest of a message of its.
    pub body: Body,
    /// What its last client left behind.
    pub taint: Taint,
    /// Cancel requests aimed at it.
    pub cancels: u16,
    /// Boundaries (Sync, Query) its client has passed.
    pub boundaries: u16,
    /// It is closed when it is released, for this reason.
    pub outdated: Option<ServerOut>,
    /// It failed in a step of ours.
    pub failed: Option<Box<Failure>>,
    /// A ROLLBACK for a client that left is under way.
    pub rolling_back: bool,
    /// Its login has succeeded.
    pub up: bool,
    /// It has served somebody.
    pub lent: bool,
    /// Its connect_query is under way.
    pub starting: bool,
    /// A cleaning of ours takes back what connect_query has done: it is due again.
    pub restarts: bool,
    /// Why it was told goodbye.
    pub why: ServerOut,
    /// Its login came to nothing, and its end has not been seen.
    pub refused: Option<Box<DialRefusal>>,
    /// It said FATAL.
    pub fatal: bool,
    /// Bytes to it pile up.
    pub backlogged: bool,
    /// The number of the unnamed statement it holds for its client; 0 where none is known.
    pub unnamed: u64,
    /// The unnamed statement it holds for its client is a `DEALLOCATE name`.
    pub deallocating: Option<Box<Deallocating>>,
    /// Shared statements it holds.
    pub registry: Registry,
    /// A statement of its client's that needs a database vacant.
    pub need: Need,
    /// Statements under the client's own names that will, where texts are not kept.
    pub vacancies: Vec<(Box<[u8]>, Vacancy)>,
    /// Its settings as far as they are known.
    pub settings: Arc<Settings>,
    /// Its settings as the session began.
    pub base: Arc<Settings>,
    /// Process id and secret, for cancelling.
    pub key: (u32, Box<[u8]>),
    /// When it was dialled.
    pub born: Now,
    /// When it became what it is: lent, idle.
    pub since: Now,
    /// Its present loan, while checkouts are recorded.
    pub loan: Option<Loan>,
    /// When its life is over.
    pub ends: Now,
    /// Of which opening of its pool it is; older ones are closed at release.
    pub epoch: u32,
    /// The last messages.
    pub ring: Ring,
}

/// An error to a message of ours.
#[derive(Debug)]
pub struct Failure {
    /// SQLSTATE.
    pub code: Option<wire::sqlstate::SqlState>,
    /// The message.
    pub message: Box<str>,
}

impl Server {
    /// A connection about to be dialled.
    pub fn new(conn: ConnId, slice: u32, now: Now, settings: Arc<Settings>, registry: Registry) -> Self {
        Self {
            conn,
            slice,
            public: PublicId(0),
            phase: Phase::Dialling,
            ledger: Ledger::default(),
            status: TxStatus::Idle,
            body: Body::None,
            taint: Taint::default(),
            cancels: 0,
            boundaries: 0,
            outdated: None,
            failed: None,
            rolling_back: false,
            up: false,
            lent: false,
            starting: false,
            restarts: false,
            why: ServerOut::ServerClosed,
            refused: None,
            fatal: false,
            backlogged: false,
            unnamed: 0,
            deallocating: None,
            registry,
            need: Need::No,
            vacancies: Vec::new(),
            base: settings.clone(),
            settings,
            key: (0, Box::default()),
            born: now,
            since: now,
            loan: None,
            ends: Now::NEVER,
            epoch: 0,
            ring: Ring::default(),
        }
    }

    /// The client it is lent to or made ready for.
    pub fn client(&self) -> Option<ConnId> {
        match self.phase {
            Phase::Linked { client } | Phase::Preparing { client, .. } => Some(client),
            Phase::Dialling
            | Phase::Greeting(_)
            | Phase::Idle
            | Phase::Draining
            | Phase::CancelWait
            | Phase::Cleaning
            | Phase::Closing
            | Phase::Courier(_) => None,
        }
    }

    /// True where nothing is owed and no message is half here or half there.
    #[inline]
    pub fn at_rest(&self) -> bool {
        self.ledger.is_empty() && self.body == Body::None && self.status == TxStatus::Idle
    }
}
