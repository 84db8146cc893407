//! What the steward tells workers ([`Order`]) and what workers tell the steward ([`Note`]).
//!
//! Both are messages between threads: they take time, arrive in the order they were sent from one to one other, and are
//! never lost while both live. Credits are the only right to hold a connection to a server: one credit covers one
//! connection from its dial to the server's EOF. `granted = dialling + open + closing + (on the way)`, always.

use std::sync::Arc;

use model::config::checked::{Config, PoolSettings};
use model::id::{ConnId, PoolId, PublicId, SliceId, Ticket, WorkerId};

use crate::contract::DialError;
use crate::refuse::Refusal;
use crate::snapshot::{Ask, Page};
use crate::tally::SliceTally;
use crate::time::Now;
use crate::trace::Batch;

/// What makes a pool: whoever agrees in all of it shares servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolKey {
    /// The database's name in our configuration, as the client asked for it.
    pub database: Arc<str>,
    /// The client's user (the server's user may be another: a forced one).
    pub user: Arc<str>,
    /// A replication pool: its servers speak the replication protocol and are never lent twice.
    pub replication: Replication,
}

/// What the startup parameter `replication` asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Replication {
    /// An ordinary session.
    #[default]
    No,
    /// `replication=database`.
    Logical,
    /// `replication=on`.
    Physical,
}

/// Who is meant by an operator's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    All,
    /// The pools of one database.
    Database(Arc<str>),
}

impl Scope {
    /// True where the pool is meant.
    pub fn covers(&self, key: &PoolKey) -> bool {
        match self {
            Scope::All => true,
            Scope::Database(name) => *name == key.database,
        }
    }
}

/// How a worker empties itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drain {
    /// No new clients; each stays until it leaves by itself (PgBouncer's `SHUTDOWN WAIT_FOR_CLIENTS`).
    WhenLeft,
    /// No new clients; clients leave when they are idle or have finished their transaction.
    WhenIdle,
    /// Every client leaves now; servers are closed.
    Now,
}

/// From the steward to a worker.
#[derive(Debug)]
pub enum Order {
    /// The configuration that logins use from now on.
    Configure(Arc<Config>),
    /// The answer to [`Note::Knock`].
    Admit {
        /// The client that knocked.
        conn: ConnId,
        /// Its place, or why there is none.
        verdict: Result<Admission, Refusal>,
    },
    /// The worker is (still) the home of this slice; sent before any client or credit for it, and again with changed
    /// settings.
    Open {
        /// The slice.
        slice: SliceId,
        /// Its pool.
        pool: PoolId,
        /// What the pool serves.
        key: PoolKey,
        /// Everything a pool needs to know except sizes.
        settings: Arc<PoolSettings>,
        /// Servers opened under other settings are to be closed at release.
        stale: bool,
    },
    /// The slice closes down: nobody uses it any more, or its database is gone from the configuration (clients that are
    /// left are then sent away, servers are closed at release). Answered by [`Note::Shut`] when nothing is left of it.
    Shut {
        /// The slice.
        slice: SliceId,
    },
    /// So many servers are kept open though idle.
    Floor {
        /// The slice.
        slice: SliceId,
        /// The number.
        servers: u32,
    },
    /// Credits: each is spent on a dial at once, or given back.
    Grant {
        /// The slice.
        slice: SliceId,
        /// How many.
        credits: u32,
    },
    /// A request for credits back: idle servers are closed now, busy ones at release. Adds to what was asked for before
    /// and is not back yet; every credit that comes back, for whatever reason, counts against it.
    Revoke {
        /// The slice.
        slice: SliceId,
        /// How many.
        credits: u32,
    },
    /// A database must be vacant: connections of this slice that nobody holds are closed, and those that come back. Answered
    /// by [`Note::Vacant`] as soon as there are none but those that clients hold. Lasts until [`Order::Reopen`].
    Vacate {
        /// Names the answer.
        ticket: Ticket,
        /// The slice.
        slice: SliceId,
    },
    /// The end of an [`Order::Vacate`].
    Reopen {
        /// Which.
        ticket: Ticket,
        /// The slice.
        slice: SliceId,
    },
    /// The answer to [`Note::Vacate`]: the database is as vacant as it will be.
    Vacant {
        /// Which.
        ticket: Ticket,
    },
    /// No more checkouts; servers are closed as they are released. Acknowledged by [`Note::Done`].
    Pause {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        scope: Scope,
    },
    /// Ends a pause or kill. Acknowledged by [`Note::Done`].
    Resume {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        scope: Scope,
    },
    /// Servers are closed as they are released, checkouts go on. Acknowledged by [`Note::Done`] when it has begun.
    Reconnect {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        scope: Scope,
    },
    /// Acknowledged by [`Note::Done`] when no server opened before a reconnect or reload is left.
    WaitClose {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        scope: Scope,
    },
    /// All clients and servers are dropped now and checkouts stop. Acknowledged by [`Note::Done`].
    Kill {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        scope: Scope,
    },
    /// One client is dropped. Acknowledged by [`Note::Done`], with whether it was found.
    KillClient {
        /// Names the answer.
        ticket: Ticket,
        /// Whom.
        client: PublicId,
    },
    /// Empty yourself. Acknowledged by [`Note::Drained`].
    Drain(Drain),
    /// A page of the books. Answered by [`Note::Page`].
    Snapshot {
        /// Names the answer.
        ticket: Ticket,
        /// What, and from where.
        ask: Ask,
    },
    /// Every checkout leaves a row from here on, or none does any more; rows come in [`Note::Recorded`]. Acknowledged by
    /// [`Note::Done`], behind the last row.
    Record {
        /// Names the answer.
        ticket: Ticket,
        /// The recording's zero: who asked for a server before is not recorded. `None`: it is over.
        since: Option<Now>,
    },
    /// A cancel request that another worker received for a client of this one. Acknowledged by [`Note::CancelDone`], or
    /// sent back where its key is nobody's: a request whose key names another worker is one that has come back.
    Cancel {
        /// Where the request's connection lives.
        from: (WorkerId, ConnId),
        /// The process id half of the key.
        pid: u32,
        /// The secret half.
        secret: Box<[u8]>,
    },
    /// The cancel request on this connection has been seen to: it is closed.
    CancelDone {
        /// The connection the request came by.
        conn: ConnId,
    },
}

/// A place for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The number operators see.
    pub public: PublicId,
    /// The worker that serves it.
    pub home: WorkerId,
    /// Its pool's slice there.
    pub slice: SliceId,
}

/// Why a credit comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// Nobody waits any more: the credit was not spent, or its dial was given up before the login had ended.
    Unneeded,
    /// A connection that was logged in ([`Note::Up`]) has ended: the server's EOF was seen.
    Closed,
    /// The dial or the login failed, and its connection has ended; tells how to go on.
    Refused(DialRefusal),
}

/// A dial that came to nothing, with all that decides what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialRefusal {
    /// The socket was never connected.
    Socket(DialError),
    /// The server closed before its login had ended.
    Lost,
    /// The login took longer than `server_connect_timeout`.
    TimedOut,
    /// The server said no.
    Server {
        /// SQLSTATE; empty where the server named none.
        code: Option<wire::sqlstate::SqlState>,
        /// The routine field, which no locale translates: it tells the five meanings of 53300 apart.
        routine: Box<str>,
        /// The message.
        message: Box<str>,
    },
    /// We could not log in: no or unfit credentials, or a server that does not keep to the protocol.
    Credentials(Box<str>),
}

/// From a worker to the steward.
#[derive(Debug)]
pub enum Note {
    /// A client has proven who it is and asks for a place.
    Knock {
        /// The client.
        conn: ConnId,
        /// What it asks for.
        key: PoolKey,
    },
    /// A client that was admitted has left.
    Left {
        /// The slice it was admitted to.
        slice: SliceId,
    },
    /// How many more connections the slice could use now (waiting clients not yet covered by dials). Absolute, not a
    /// change. Sent at once when it rises above what was told (a grant counts as lowering what was told), with each tick
    /// while it is not 0, and with the tick when it or `idle` has changed.
    Want {
        /// The slice.
        slice: SliceId,
        /// How many.
        servers: u32,
        /// When the client at the head of the line joined it.
        oldest: Option<Now>,
        /// Servers of this slice that rest.
        idle: u32,
    },
    /// A login to a server has succeeded.
    Up {
        /// The slice.
        slice: SliceId,
    },
    /// Credits come back.
    Back {
        /// The slice.
        slice: SliceId,
        /// How many.
        credits: u32,
        /// Why.
        why: Back,
    },
    /// The answer to [`Order::Shut`]: nothing is left of the slice, and this is what it had done.
    Shut {
        /// The slice.
        slice: SliceId,
        /// Its last counts.
        tally: Box<SliceTally>,
    },
    /// A client's statement needs a database that nobody else is in. Answered by [`Order::Vacant`]; from then on until
    /// [`Note::VacancyOver`] no credit is granted to its pools.
    Vacate {
        /// Names the answer.
        ticket: Ticket,
        /// The client's own slice, which tells the server.
        slice: SliceId,
        /// The server's name of the database.
        database: Box<str>,
    },
    /// That statement has ended, or will never be sent.
    VacancyOver {
        /// Which.
        ticket: Ticket,
    },
    /// The answer to [`Order::Vacate`].
    Vacant {
        /// Which.
        ticket: Ticket,
        /// The slice.
        slice: SliceId,
    },
    /// An order has been carried out.
    Done {
        /// Which.
        ticket: Ticket,
        /// Whether it met anybody.
        found: bool,
    },
    /// The answer to [`Order::Snapshot`].
    Page {
        /// Which.
        ticket: Ticket,
        /// The rows, and where to go on.
        page: Page,
    },
    /// Rows of a recording: after each [`Order::Record`] those that are left, before with each tick or when they are many.
    Recorded {
        /// The rows.
        batch: Box<Batch>,
    },
    /// No client is left.
    Drained,
    /// A cancel request for a client of another worker: to be passed on.
    Cancel {
        /// The worker the key names.
        to: WorkerId,
        /// The connection the request came by.
        conn: ConnId,
        /// The process id half of the key.
        pid: u32,
        /// The secret half.
        secret: Box<[u8]>,
    },
    /// A passed-on cancel request has been seen to.
    CancelDone {
        /// Where the request's connection lives.
        at: (WorkerId, ConnId),
    },
}
