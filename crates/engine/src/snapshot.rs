//! Pages of a worker's books, for SHOW and metrics. Rows are plain data; whoever prints them names the columns.

use std::sync::Arc;

use model::id::{ConnId, PublicId, SliceId};

use crate::contract::Peer;
use crate::orders::PoolKey;
use crate::tally::{SliceTally, WorkerTally};

/// Rows of one page at most: a worker with 100,000 clients must not stop for its books.
pub const PAGE_ROWS: usize = 1_000;

/// What is asked, and from which row on (0 at first, then [`Page::next`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which book.
    pub book: Book,
    /// Where to start.
    pub from: u32,
}

/// The books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// Clients.
    Clients,
    /// Connections to servers.
    Servers,
    /// Slices, with their counters, and the worker's own counters.
    Slices,
}

/// One page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Rows of [`Book::Clients`].
    pub clients: Vec<ClientRow>,
    /// Rows of [`Book::Servers`].
    pub servers: Vec<ServerRow>,
    /// Rows of [`Book::Slices`].
    pub slices: Vec<SliceRow>,
    /// The worker's counters, with [`Book::Slices`].
    pub worker: Option<Box<WorkerTally>>,
    /// Ask again from here; `None`: that was all.
    pub next: Option<u32>,
}

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Logging in.
    Login,
    /// No server, nothing asked.
    Idle,
    /// Holds a server.
    Active,
    /// Stands in line.
    Waiting,
}

/// One client.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// The connection on its worker.
    pub conn: ConnId,
    /// The operators' number.
    pub public: PublicId,
    /// Its pool.
    pub key: PoolKey,
    /// What it is doing.
    pub state: ClientState,
    /// Where it sits.
    pub peer: Peer,
    /// Microseconds ago: accepted.
    pub connected_us: u64,
    /// Microseconds ago: its last request began.
    pub requested_us: u64,
    /// Microseconds it has been waiting in line; 0 where it does not.
    pub waiting_us: u64,
    /// The server it is joined to.
    pub link: Option<ConnId>,
    /// Its application_name.
    pub application: Arc<[u8]>,
    /// Prepared statements it keeps.
    pub statements: u32,
}

/// What a connection to a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// Connecting or logging in.
    Login,
    /// Joined to a client.
    Active,
    /// Rests, fresh enough to be lent without a check.
    Idle,
    /// Rests, to be checked before it is lent.
    Used,
    /// Being cleaned or checked.
    Tested,
    /// Waits for the end of a cancel request for its last client.
    BeingCanceled,
    /// A connection that carries a cancel request.
    ActiveCancel,
    /// Said goodbye; its slot is not free before the server's EOF.
    Closing,
}

/// One connection to a server.
#[derive(Clone, Debug)]
pub struct ServerRow {
    /// The connection on its worker.
    pub conn: ConnId,
    /// The operators' number.
    pub public: PublicId,
    /// Its pool.
    pub key: PoolKey,
    /// What it is doing.
    pub state: ServerState,
    /// Microseconds ago: dialled.
    pub connected_us: u64,
    /// Microseconds ago: last lent.
    pub requested_us: u64,
    /// The client it is joined to.
    pub link: Option<ConnId>,
    /// The server's process id, as it told us.
    pub pid: u32,
    /// application_name as set there now.
    pub application: Arc<[u8]>,
    /// Prepared statements registered there.
    pub statements: u32,
    /// It will be closed when it is released.
    pub close_needed: bool,
}

/// One slice.
#[derive(Clone, Debug)]
pub struct SliceRow {
    /// Which.
    pub slice: SliceId,
    /// Its pool.
    pub key: PoolKey,
    /// Mode: session, transaction, statement.
    pub mode: model::config::checked::PoolMode,
    /// Clients that hold a server or hold nothing.
    pub clients_active: u32,
    /// Clients that do nothing.
    pub clients_idle: u32,
    /// Clients in line.
    pub clients_waiting: u32,
    /// Cancel requests under way.
    pub cancels: u32,
    /// Servers held back for a cancel's end.
    pub servers_being_canceled: u32,
    /// Servers joined to clients.
    pub servers_active: u32,
    /// Servers that rest.
    pub servers_idle: u32,
    /// Servers that rest and will be checked.
    pub servers_used: u32,
    /// Servers being cleaned or checked.
    pub servers_tested: u32,
    /// Servers dialling or logging in.
    pub servers_login: u32,
    /// Servers that said goodbye and are not gone yet.
    pub servers_closing: u32,
    /// Credits the slice holds.
    pub credits: u32,
    /// Microseconds the head of the line has been waiting.
    pub oldest_us: u64,
    /// Stopped by PAUSE or KILL.
    pub paused: bool,
    /// Counters.
    pub tally: SliceTally,
    /// Ended servers by reason.
    pub closings: crate::tally::Closings,
    /// Servers cleaned, by the reasons of [`crate::session::taint`].
    pub taints: [u64; 9],
}
