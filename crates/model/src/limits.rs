//! Bounds that are not settings: every queue, name and turn ends somewhere, and here it says where.
//!
//! What an operator may change lives in the configuration; what only a new version may change lives here.

use std::time::Duration;

/// Boundaries (a Query or a Sync answered) a pipelining client may pass while others wait for its server.
pub const TURNSTILE_BOUNDARIES: u32 = 64;
/// How long a pipelining client may keep its server while others wait, counted from the link.
pub const TURNSTILE_TIME: Duration = Duration::from_millis(20);
/// What one call of the engine may put into its outputs before it stops by itself, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// What is read from one connection in one turn, in bytes.
pub const READ_BYTES_MAX: usize = 64 * 1024;
/// Largest startup packet, in bytes (PostgreSQL's MAX_STARTUP_PACKET_LENGTH).
pub const STARTUP_BYTES_MAX: u32 = 10_000;
/// Longest name of a role, a database, a statement or a portal that is kept, in bytes.
pub const NAME_BYTES_MAX: usize = 1024;
/// Text of an unnamed statement that is kept so that it can be repeated on another server, in bytes.
pub const UNNAMED_BYTES_MAX: usize = 64 * 1024;
/// Rows a snapshot gives away in one turn.
pub const SNAPSHOT_ROWS_MAX: usize = 1_000;
/// Time a closing connection is read after its last word was written.
pub const LINGER_TIME: Duration = Duration::from_secs(1);
/// Bytes a closing connection is read after its last word was written.
pub const LINGER_BYTES_MAX: usize = 64 * 1024;
/// Descriptors kept apart from clients and servers when the need is computed.
pub const DESCRIPTORS_SPARE: u32 = 64;
/// Worker threads a process may have.
pub const WORKERS_MAX: u32 = 256;
/// Hash rounds of SCRAM that a client or a server is asked for, or believed.
pub const SCRAM_ITERATIONS_MAX: u32 = 1_000_000;
/// Largest configuration file, user list or secret file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
