//! What a recording is made of: a row for each time a client asked for a server and got one, or gave up waiting for it.
//! No SQL, no address, no name but the pool's. When rows are made is decided in `worker/recording`.

use crate::orders::PoolKey;

/// Rows of one batch at most: a worker keeps no more before it hands them over.
pub const BATCH_ROWS: usize = 1_024;

/// One time that a client asked for a server. Times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index into [`Batch::pools`].
    pub pool: u32,
    /// When it asked: since the beginning of the recording.
    pub at_us: u64,
    /// How long it stood in line; 0 where it was served at once.
    pub wait_us: u64,
    /// How long it had the server: until the server owed nothing more and was given back, or was lost. `None`: the client
    /// left the line without one.
    pub hold_us: Option<u64>,
}

/// Rows that a worker hands over together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The pools that the rows are of.
    pub pools: Vec<PoolKey>,
    /// In the order in which they came to their end.
    pub rows: Vec<Row>,
    /// With the worker's last batch: of those who asked while it recorded, how many still wait or hold a server.
    pub unfinished: Option<u32>,
}
