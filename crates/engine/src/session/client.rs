//! A client: somebody who opened a connection to us.
//!
//! ```text
//! Login -> Knocking -> Arriving -> Idle <-> Waiting -> Linked -> Idle
//!                                    \________________/
//! ```
//! Login: proves who it is. Knocking: asked for a place. Arriving: waits for the welcome of its pool's first server.
//! Waiting: stands in line. Linked: joined to a server. It may end in any state.

use std::sync::Arc;

use model::id::{ConnId, PublicId};

use super::login::{Login, Proven};
use super::params::Settings;
use super::statements::{Names, Statement};
use crate::contract::Peer;
use crate::time::Now;

/// The rest of a message whose front was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Between messages.
    #[default]
    None,
    /// So many bytes go to the other side.
    Relay(u32),
    /// So many bytes go nowhere.
    Skip(u32),
}

/// Where a client is in its life.
pub enum Life {
    /// Not known yet.
    Login(Box<Login>),
    /// Known, asks for a place.
    Knocking(Box<Proven>),
    /// Has a place, waits for the welcome.
    Arriving {
        /// AuthenticationOk and the key are sent with it.
        parameters: Box<[super::login::Parameter]>,
    },
    /// Holds no server.
    Idle,
    /// Stands in line since then.
    Waiting {
        /// Joined the line.
        since: Now,
        /// Was told that it waits.
        told: bool,
    },
    /// A cancel took it out of the line: its messages are dropped up to the end of what it had asked.
    Cancelled {
        /// The error was given: an extended batch is dropped up to its Sync, queries included.
        said: bool,
    },
    /// Holds this server.
    Linked {
        /// Which.
        server: ConnId,
    },
}

/// Why a linked client's bytes are not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pause {
    /// They are.
    #[default]
    No,
    /// Its server is being prepared for it.
    Preparing,
    /// Its pipeline is as long as allowed.
    LedgerFull,
    /// It has had its turn and others wait.
    Turnstile,
    /// Its next message hangs on an earlier batch that has not been answered.
    Unsettled,
    /// Its next statement waits for a database to be vacant.
    Vacancy,
}

/// The secret half of a cancel key: 4 bytes in protocol 3.0, 28 in 3.2.
#[derive(Clone, Copy)]
pub struct CancelSecret {
    bytes: [u8; 28],
    len: u8,
}

impl CancelSecret {
    /// Random bytes of the length the minor version has.
    pub fn new(bytes: [u8; 28], minor: u16) -> Self {
        Self { bytes, len: if minor >= 2 { 28 } else { 4 } }
    }
    /// The bytes as the client was told.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
    /// Compares in constant time.
    pub fn matches(&self, other: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        self.len != 0 && self.bytes().ct_eq(other).into()
    }
}

impl std::fmt::Debug for CancelSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One client.
pub struct Client {
    /// Its identifier.
    pub conn: ConnId,
    /// Index of its slice on this worker; `u32::MAX` before it has one.
    pub slice: u32,
    /// The operators' number.
    pub public: PublicId,
    /// Where it is in its life.
    pub life: Life,
    /// The rest of a message under way.
    pub body: Body,
    /// Why its bytes are not taken.
    pub pause: Pause,
    /// Bytes to it pile up since then.
    pub backlogged: Option<Now>,
    /// The protocol's minor version.
    pub minor: u8,
    /// An unnamed statement too large to keep: the server stays until the next one.
    pub pinned: bool,
    /// Its startup settings are being tried on a server; the welcome is owed.
    pub greeting: bool,
    /// FATAL of its server was passed on: nothing more may be said.
    pub told_fatal: bool,
    /// The second half of its cancel key.
    pub secret: CancelSecret,
    /// The settings it has, as far as they are known.
    pub settings: Arc<Settings>,
    /// Its named statements.
    pub statements: Option<Box<Names>>,
    /// Its unnamed statement.
    pub unnamed: Option<Arc<Statement>>,
    /// A Parse of the unnamed statement that was not answered: its batch, and what stood before it.
    pub unnamed_before: Option<(u32, Option<Arc<Statement>>)>,
    /// When it was accepted.
    pub accepted: Now,
    /// When its present request began, or its last one ended.
    pub requested: Now,
    /// Where it sits.
    pub peer: Peer,
}

impl Client {
    /// Somebody who has just connected.
    pub fn new(conn: ConnId, peer: Peer, now: Now, settings: Arc<Settings>) -> Self {
        Self {
            conn,
            slice: u32::MAX,
            public: PublicId(0),
            life: Life::Login(Box::new(Login::new(peer.clone()))),
            body: Body::None,
            pause: Pause::No,
            backlogged: None,
            minor: 0,
            pinned: false,
            greeting: false,
            told_fatal: false,
            secret: CancelSecret { bytes: [0; 28], len: 0 },
            settings,
            statements: None,
            unnamed: None,
            unnamed_before: None,
            accepted: now,
            requested: now,
            peer,
        }
    }

    /// The server it is joined to.
    pub fn server(&self) -> Option<ConnId> {
        match self.life {
            Life::Linked { server } => Some(server),
            Life::Login(_)
            | Life::Knocking(_)
            | Life::Arriving { .. }
            | Life::Idle
            | Life::Waiting { .. }
            | Life::Cancelled { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_client_is_small() {
        assert!(size_of::<Client>() <= 192, "a client has grown to {} bytes", size_of::<Client>());
    }
}
