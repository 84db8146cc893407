//! Things worth telling a human, as data. The shell turns them into log lines and decides the level's threshold.

use std::sync::Arc;
use std::time::Duration;

use model::id::ConnId;

use crate::contract::Peer;
use crate::orders::{DialRefusal, PoolKey};
use crate::refuse::Refusal;

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// A client has logged in and has a place.
    ClientIn {
        /// Who.
        conn: ConnId,
        /// Its pool.
        key: PoolKey,
        /// Where it sits.
        peer: Peer,
    },
    /// A client has left or was sent away.
    ClientOut {
        /// Who.
        conn: ConnId,
        /// Its pool, where it had one.
        key: Option<PoolKey>,
        /// Where it sat.
        peer: Peer,
        /// Why.
        why: ClientOut,
        /// How long it was here.
        age: Duration,
    },
    /// A server connection is logged in.
    ServerIn {
        /// Which.
        conn: ConnId,
        /// Its pool.
        key: PoolKey,
    },
    /// A server connection has ended.
    ServerOut {
        /// Which.
        conn: ConnId,
        /// Its pool.
        key: PoolKey,
        /// Why.
        why: ServerOut,
        /// How long it was open.
        age: Duration,
    },
    /// A dial or login to a server failed.
    DialRefused {
        /// The pool.
        key: PoolKey,
        /// Why.
        why: DialRefusal,
    },
    /// The misdelivery guard closed a link: nothing was delivered.
    OutOfStep {
        /// The client.
        client: Option<ConnId>,
        /// The server.
        server: ConnId,
        /// The pool.
        key: PoolKey,
        /// The tag that did not fit.
        tag: u8,
        /// What the front of the ledger owed.
        owed: &'static str,
        /// The last messages of the link: direction, tag, bytes.
        ring: Box<[(char, u8, u32)]>,
    },
    /// Servers of a pool are cleaned for this reason; told once per pool and reason.
    Tainted {
        /// The pool.
        key: PoolKey,
        /// The reason.
        reason: &'static str,
    },
    /// A client sends wrong cancel keys.
    WrongCancelKey {
        /// Where it sits.
        peer: Peer,
    },
}

/// Why a client is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientOut {
    /// It said goodbye.
    Left,
    /// Its connection ended without a goodbye.
    Lost(crate::contract::Gone),
    /// It was refused or sent away.
    Refused(Refusal),
    /// Its server ended with these words, which were passed on.
    ServerSaid(Arc<str>),
}

/// Why a server connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServerOut {
    /// `server_lifetime`.
    Lifetime,
    /// `server_idle_timeout`.
    Idle,
    /// The server closed it.
    ServerClosed,
    /// The connection was lost.
    Lost,
    /// Its client left in the midst of a transaction or query.
    ClientLeft,
    /// It could not be cleaned.
    NotClean,
    /// Its check query failed.
    CheckFailed,
    /// A setting was refused.
    SettingRefused,
    /// A timeout of its client's query or transaction.
    Timeout,
    /// RECONNECT, reload, a changed address or a changed role of the server.
    Outdated,
    /// PAUSE, KILL, SHUTDOWN.
    Operator,
    /// The credit was called back.
    Revoked,
    /// The misdelivery guard.
    OutOfStep,
    /// The server broke the protocol.
    Protocol,
    /// Nobody sees the end of a cancel request.
    CancelUnseen,
    /// The login failed.
    LoginFailed,
    /// A statement needs its database vacant.
    Vacated,
}

impl ServerOut {
    /// A label for metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Lifetime => "server lifetime over",
            Self::Idle => "server idle timeout",
            Self::ServerClosed => "server conn crashed?",
            Self::Lost => "server connection lost",
            Self::ClientLeft => "client disconnect while server was not ready",
            Self::NotClean => "reset query failed",
            Self::CheckFailed => "test query failed",
            Self::SettingRefused => "setting refused",
            Self::Timeout => "query timeout",
            Self::Outdated => "database configuration changed",
            Self::Operator => "administrator command",
            Self::Revoked => "evicted",
            Self::OutOfStep => "message out of step",
            Self::Protocol => "bad packet header",
            Self::CancelUnseen => "end of cancel request not seen",
            Self::LoginFailed => "login failed",
            Self::Vacated => "database to be vacant",
        }
    }
}
