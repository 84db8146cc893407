//! The contract between the engine and whoever performs its decisions: the shell, or the simulator.
//!
//! The shell offers what happened ([`Input`]) and performs what comes back ([`Outputs`]), in order, before it reads
//! again. Outputs speak of *this* call's bytes by offset; the engine keeps no payload. The rules for the shell:
//!
//! 1. Bytes of a connection are offered in order. What was not [`Taken`] is kept by the shell and offered again, first:
//!    as soon as more bytes came ([`Then::More`]), as soon as at least `n` bytes are there ([`Then::AtLeast`]), or only
//!    after [`Output::Read`] ([`Then::WhenTold`]). While [`Then::WhenTold`] or a [`Output::Hold`] stands, the shell
//!    does not read that socket; bytes that arrive all the same (a completion-based loop) are kept and offered later.
//! 2. Sends of one call to one connection leave in one write. What the socket does not take becomes its backlog and
//!    the engine is told once ([`Input::Backlogged`]), and once more when it is empty again ([`Input::Drained`]).
//! 3. Every connection ends with exactly one [`Output::Close`] or [`Output::Finish`]; after it the identifier is dead and
//!    inputs that still name it are ignored.
//! 4. [`Input::Gone`] comes once, after all bytes that could be offered. Bytes withheld by [`Then::WhenTold`] don't delay
//!    it: a waiter that left has left.

use std::net::IpAddr;
use std::sync::Arc;

use model::id::{ConnId, Ticket, WorkerId};

use crate::orders::{Note, Order};
use crate::remark::Remark;
use crate::session::seed::{ClientSeed, ConsoleSeed};

/// A range of the bytes of this call's input, or of [`Outputs::made`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// The bytes meant. Empty where the span passes the end, which would be a fault of the engine.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.start as usize + self.len as usize).unwrap_or_default()
    }
}

/// Where bytes to send are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// In the input of this call.
    Input(Span),
    /// In [`Outputs::made`].
    Made(Span),
    /// Constant bytes.
    Fixed(&'static [u8]),
    /// The whole of [`Outputs::texts`] at this index.
    Text(u32),
}

/// One act for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append to what is sent to `to`.
    Send {
        /// The receiver.
        to: ConnId,
        /// The bytes.
        piece: Piece,
    },
    /// Stop reading this socket and stop offering its kept bytes.
    Hold {
        /// Whom.
        conn: ConnId,
    },
    /// Ends a hold or [`Then::WhenTold`]: offer kept bytes (even if there are none new), then read on.
    Read {
        /// Whom.
        conn: ConnId,
    },
    /// Open a connection; the answer is [`Input::Dialled`] or [`Input::DialFailed`]. The rest is in [`Outputs::dials`].
    Dial {
        /// The new connection.
        conn: ConnId,
        /// Index into [`Outputs::dials`].
        dial: u32,
    },
    /// Turn TLS on; the answer is [`Input::TlsDone`] or [`Input::Gone`]. No byte may be kept or pending.
    StartTls {
        /// Whom.
        conn: ConnId,
    },
    /// Write what is pending, then shut the writing side; go on reading until [`Input::Gone`]: how servers are left, whose
    /// slot is not free before their EOF. The identifier lives on.
    Shut {
        /// Whom.
        conn: ConnId,
    },
    /// Drop the socket now, unsent bytes included.
    Close {
        /// Whom.
        conn: ConnId,
    },
    /// Write what is pending, shut the writing side, read and drop what still comes (1 s, 64 KiB), close.
    Finish {
        /// Whom.
        conn: ConnId,
    },
}

/// When to offer the bytes that were not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// When more have come.
    More,
    /// When at least this many are there, the unused ones included.
    AtLeast(usize),
    /// After [`Output::Read`].
    WhenTold,
}

/// What became of the bytes that were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes used, from the front.
    pub used: usize,
    /// When to offer the rest.
    pub then: Then,
}

impl Taken {
    /// For inputs that carry no bytes.
    pub const NOTHING: Taken = Taken { used: 0, then: Then::More };
}

/// Where somebody sits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Over TCP.
    Ip(IpAddr, u16),
    /// Over a unix socket, with the user id and process id the kernel vouches for.
    Unix {
        /// Effective user id; `u32::MAX` where unknown.
        uid: u32,
        /// Process id; 0 where unknown.
        pid: u32,
    },
}

/// Whom to dial.
#[derive(Clone, Debug, PartialEq)]
pub enum DialTo {
    /// A server of the configuration, by its host and port; the shell resolves the name.
    Server(Arc<model::config::checked::Server>),
    /// The very address that this live connection of ours leads to: for cancel requests.
    SameAs(ConnId),
}

/// Why a dial came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialError {
    /// Nobody listens there.
    Refused,
    /// The name has no address.
    Unresolved,
    /// No way to that address.
    Unreachable,
    /// No descriptor, port or memory here: says nothing about the server.
    Local,
    /// The engine's own deadline for connecting has passed.
    TimedOut,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gone {
    /// The peer closed in order.
    Eof,
    /// The connection was reset, or reading or writing failed.
    Reset,
    /// A keepalive or TCP_USER_TIMEOUT found nobody.
    TimedOut,
    /// TLS failed.
    Tls,
}

/// A costly step to be done elsewhere: PBKDF2 of a password. The answer is [`Input::Derived`].
pub struct Derive {
    /// Names the answer.
    pub ticket: Ticket,
    /// The password, prepared or raw as PostgreSQL has it.
    pub password: model::config::checked::SecretText,
    /// The salt, decoded.
    pub salt: Box<[u8]>,
    /// The rounds, already bounded.
    pub iterations: u32,
}

/// A client that leaves this worker with its socket.
pub struct Parcel {
    /// Whose socket and kept bytes to take along; the identifier is dead from here on.
    pub conn: ConnId,
    /// Where it goes.
    pub to: Destination,
}

/// Where a parcel goes.
pub enum Destination {
    /// To its pool's home; there [`crate::worker::Worker::arrive`] takes it in.
    Worker(WorkerId, Box<ClientSeed>),
    /// To the console.
    Console(Box<ConsoleSeed>),
}

/// Something that happened.
pub enum Input<'b> {
    /// Bytes of a connection.
    Bytes {
        /// Whose.
        conn: ConnId,
        /// All that is kept, and what came behind it.
        bytes: &'b [u8],
    },
    /// The connection ended.
    Gone {
        /// Whose.
        conn: ConnId,
        /// In what way.
        how: Gone,
    },
    /// A dial succeeded: the socket is connected.
    Dialled {
        /// Which.
        conn: ConnId,
    },
    /// A dial failed.
    DialFailed {
        /// Which.
        conn: ConnId,
        /// Why.
        why: DialError,
    },
    /// The socket did not take all bytes; what is left is the shell's backlog.
    Backlogged {
        /// Whose.
        conn: ConnId,
    },
    /// The backlog is empty again.
    Drained {
        /// Whose.
        conn: ConnId,
    },
    /// The handshake asked for by [`Output::StartTls`] is done.
    TlsDone {
        /// Whose.
        conn: ConnId,
    },
    /// The answer to a [`Derive`]: the salted password.
    Derived {
        /// Which.
        ticket: Ticket,
        /// SaltedPassword of RFC 5802.
        salted: [u8; 32],
    },
    /// A word from the steward.
    Order(Order),
    /// Time has passed: to be offered every 50 to 100 ms.
    Tick,
}

/// What the engine wants done: one per worker thread, cleared and never freed.
#[derive(Default)]
pub struct Outputs {
    /// The acts, in order.
    pub list: Vec<Output>,
    /// Bytes made in this call.
    pub made: Vec<u8>,
    /// Shared texts that are sent as they are.
    pub texts: Vec<Arc<[u8]>>,
    /// Targets of [`Output::Dial`].
    pub dials: Vec<DialTo>,
    /// Costly steps to be done elsewhere.
    pub derives: Vec<Derive>,
    /// Clients that leave this worker.
    pub parcels: Vec<Parcel>,
    /// Words to the steward.
    pub notes: Vec<Note>,
    /// News worth telling a human.
    pub remarks: Vec<Remark>,
    /// Bytes this call has asked to send; bounds what one call may make.
    pub sending: usize,
}

impl Outputs {
    /// Forgets everything, keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.list.clear();
        self.made.clear();
        self.sending = 0;
        let rare = self.texts.len()
            | self.dials.len()
            | self.derives.len()
            | self.parcels.len()
            | self.notes.len()
            | self.remarks.len();
        if rare != 0 {
            self.clear_rare();
        }
    }

    #[cold]
    fn clear_rare(&mut self) {
        self.texts.clear();
        self.dials.clear();
        self.derives.clear();
        self.parcels.clear();
        self.notes.clear();
        self.remarks.clear();
    }

    /// True where nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
            && self.derives.is_empty()
            && self.parcels.is_empty()
            && self.notes.is_empty()
            && self.remarks.is_empty()
    }

    /// The bytes of a piece; `input` is the input of the call that made it.
    #[inline]
    pub fn bytes<'a>(&'a self, piece: Piece, input: &'a [u8]) -> &'a [u8] {
        match piece {
            Piece::Input(span) => span.of(input),
            Piece::Made(span) => span.of(&self.made),
            Piece::Fixed(bytes) => bytes,
            Piece::Text(index) => self.texts.get(index as usize).map_or(&[], |text| text),
        }
    }

    /// Relays a range of the input; a range that continues the last one of the same receiver is merged into it.
    #[inline]
    pub(crate) fn relay(&mut self, to: ConnId, start: usize, len: usize) {
        if len == 0 {
            return;
        }
        self.sending += len;
        if let Some(Output::Send { to: last, piece: Piece::Input(span) }) = self.list.last_mut()
            && *last == to
            && (span.start + span.len) as usize == start
        {
            span.len += len as u32;
            return;
        }
        let span = Span { start: start as u32, len: len as u32 };
        self.list.push(Output::Send { to, piece: Piece::Input(span) });
    }

    /// Sends constant bytes.
    #[inline]
    pub(crate) fn fixed(&mut self, to: ConnId, bytes: &'static [u8]) {
        self.sending += bytes.len();
        self.list.push(Output::Send { to, piece: Piece::Fixed(bytes) });
    }

    /// Sends what `write` appends.
    #[inline]
    pub(crate) fn make<R>(&mut self, to: ConnId, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let start = self.made.len();
        let result = write(&mut self.made);
        let len = self.made.len() - start;
        self.sending += len;
        if let Some(Output::Send { to: last, piece: Piece::Made(span) }) = self.list.last_mut()
            && *last == to
            && (span.start + span.len) as usize == start
        {
            span.len += len as u32;
        } else if len > 0 {
            let span = Span { start: start as u32, len: len as u32 };
            self.list.push(Output::Send { to, piece: Piece::Made(span) });
        }
        result
    }

    /// Sends a shared text.
    #[inline]
    pub(crate) fn text(&mut self, to: ConnId, text: &Arc<[u8]>) {
        self.sending += text.len();
        self.list.push(Output::Send { to, piece: Piece::Text(self.texts.len() as u32) });
        self.texts.push(text.clone());
    }

    pub(crate) fn read(&mut self, conn: ConnId) {
        self.list.push(Output::Read { conn });
    }

    pub(crate) fn hold(&mut self, conn: ConnId) {
        self.list.push(Output::Hold { conn });
    }

    pub(crate) fn shut(&mut self, conn: ConnId) {
        self.list.push(Output::Shut { conn });
    }

    pub(crate) fn close(&mut self, conn: ConnId) {
        self.list.push(Output::Close { conn });
    }

    pub(crate) fn finish(&mut self, conn: ConnId) {
        self.list.push(Output::Finish { conn });
    }
}
