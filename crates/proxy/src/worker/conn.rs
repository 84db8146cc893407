//! One connection in the shell's table: its socket, how far each direction is, and the bytes that had to be kept.
//!
//! Not here: reading, writing, deciding. An idle connection is these 32 bytes and nothing on the heap.

use std::io;

use engine::contract::{Gone, Then};
use model::id::ConnId;

use super::socket::Line;

/// What is known of the bytes that the peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// Nothing to read; the loop will hear of more.
    Quiet,
    /// There may be something to read.
    Readable,
    /// As before, and the peer's end is known to follow: read to it, no event tells of it again.
    Closing,
    /// The end was read; the engine does not know it yet.
    Ended(Gone),
    /// The engine was told.
    Over,
}

/// What is known of the way to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound {
    /// A dial under way.
    Connecting,
    /// Bytes may be sent.
    Open,
    /// What is pending is written, then the writing side is shut: nothing new is sent.
    Ending,
    /// A write failed: whatever is sent is dropped.
    Broken(Gone),
}

/// What to do with bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offering {
    /// Offer them as they come.
    Flowing,
    /// Offer what is kept even if nothing new comes, then as they come.
    Eager,
    /// Not before the engine says so; the peer's end is told at once.
    Waiting,
    /// Not before the engine says so; the peer's end is told in its order.
    Held,
}

/// Bytes that could not be used or sent at once.
#[derive(Debug, Default)]
pub struct Stock {
    /// Read, not used.
    pub kept: Vec<u8>,
    /// To be sent, not taken by the socket.
    pub backlog: Vec<u8>,
    /// How much of `backlog` the socket has taken since.
    pub sent: usize,
}

impl Stock {
    /// Bytes in here.
    pub fn bytes(&self) -> usize {
        self.kept.len() + self.backlog.len()
    }
}

/// Stocks that connections have laid off, for the next that need one: whoever waits in line for a server keeps its query
/// for as long, and neither should cost an allocation.
#[derive(Debug, Default)]
#[allow(clippy::vec_box, reason = "what is used again is the box")]
pub struct Spares(Vec<Box<Stock>>);

impl Spares {
    /// So many at most, of at most so many bytes.
    const STOCKS_MAX: usize = 64;
    const STOCK_BYTES_MAX: usize = 4 * 1024;

    fn take(&mut self) -> Box<Stock> {
        self.0.pop().unwrap_or_default()
    }

    fn give(&mut self, mut stock: Box<Stock>) {
        if self.0.len() < Self::STOCKS_MAX && stock.kept.capacity() <= Self::STOCK_BYTES_MAX {
            stock.kept.clear();
            stock.backlog = Vec::new();
            stock.sent = 0;
            self.0.push(stock);
        }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Conn {
    /// The socket.
    pub line: Line,
    /// The tenant of the slot.
    pub generation: u32,
    /// Bytes to be there before they are offered, the kept ones included.
    pub need: u32,
    /// From the peer.
    pub inbound: Inbound,
    /// To the peer.
    pub outbound: Outbound,
    /// To the engine.
    pub offering: Offering,
    /// It stands in the ready list.
    pub listed: bool,
    stock: Option<Box<Stock>>,
}

impl Conn {
    /// A connection nothing has happened on yet.
    pub fn new(line: Line, generation: u32, outbound: Outbound) -> Self {
        Self {
            line,
            generation,
            need: 0,
            inbound: Inbound::Quiet,
            outbound,
            offering: Offering::Flowing,
            listed: false,
            stock: None,
        }
    }

    /// The bytes read and not used.
    #[inline]
    pub fn kept(&self) -> &[u8] {
        self.stock.as_ref().map_or(&[], |stock| &stock.kept)
    }

    /// The bytes not sent yet.
    #[inline]
    pub fn backlog(&self) -> &[u8] {
        self.stock.as_ref().map_or(&[], |stock| stock.backlog.get(stock.sent..).unwrap_or_default())
    }

    /// Bytes on the heap for this connection, as the cap counts them.
    #[inline]
    pub fn stocked(&self) -> usize {
        self.stock.as_ref().map_or(0, |stock| stock.bytes())
    }

    /// The peer takes nothing any more. What it still said is worth reading, unless it is a client that is not read now:
    /// nobody knows when it would be.
    pub fn break_off(&mut self, conn: ConnId, how: Gone) {
        self.outbound = Outbound::Broken(how);
        self.drop_backlog();
        match self.inbound {
            Inbound::Quiet | Inbound::Readable | Inbound::Closing => {
                let unread = self.is_stopped() && !conn.is_server();
                if unread {
                    self.take_kept();
                }
                self.inbound = if unread { Inbound::Ended(how) } else { Inbound::Closing };
            }
            Inbound::Ended(_) | Inbound::Over => {}
        }
    }

    /// Takes the kept bytes out.
    pub fn take_kept(&mut self) -> Vec<u8> {
        let kept = self.stock.as_mut().map(|stock| std::mem::take(&mut stock.kept)).unwrap_or_default();
        self.tidy();
        kept
    }

    /// Puts bytes back to be offered again; none frees the room.
    pub fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() && self.stock.is_none() {
            return;
        }
        self.stock.get_or_insert_default().kept = bytes;
        self.tidy();
    }

    /// As [`Conn::keep`], a copy of bytes that stay where they are.
    #[inline]
    pub fn keep_copy(&mut self, bytes: &[u8], spares: &mut Spares) {
        match &mut self.stock {
            None if bytes.is_empty() => {}
            None => {
                let mut stock = spares.take();
                stock.kept.extend_from_slice(bytes);
                self.stock = Some(stock);
            }
            Some(stock) if bytes.is_empty() && stock.backlog.is_empty() => {
                if let Some(stock) = self.stock.take() {
                    spares.give(stock);
                }
            }
            // What is kept is counted by its length: no large room for a few bytes.
            Some(stock) if stock.kept.capacity() > Spares::STOCK_BYTES_MAX => stock.kept = bytes.to_vec(),
            Some(stock) => {
                stock.kept.clear();
                stock.kept.extend_from_slice(bytes);
            }
        }
    }

    /// Appends to what is to be sent.
    pub fn queue(&mut self, bytes: &[u8]) {
        self.stock.get_or_insert_default().backlog.extend_from_slice(bytes);
    }

    /// Offers the backlog to the socket once. True where it took all that was left.
    pub fn flush(&mut self) -> io::Result<bool> {
        let Some(stock) = self.stock.as_mut() else { return Ok(true) };
        stock.sent += self.line.write(stock.backlog.get(stock.sent..).unwrap_or_default())?;
        let all = stock.sent >= stock.backlog.len();
        if all {
            self.drop_backlog();
        }
        Ok(all)
    }

    /// Forgets what is to be sent.
    pub fn drop_backlog(&mut self) {
        if let Some(stock) = self.stock.as_mut() {
            stock.backlog = Vec::new();
            stock.sent = 0;
        }
        self.tidy();
    }

    /// What the engine said about the bytes it did not use.
    #[inline]
    pub fn follow(&mut self, then: Then) {
        match then {
            Then::More => self.need = 0,
            Then::AtLeast(bytes) => self.need = u32::try_from(bytes).unwrap_or(u32::MAX),
            Then::WhenTold => {
                self.need = 0;
                self.offering = Offering::Waiting;
            }
        }
    }

    /// True where the engine wants nothing from this connection now.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        matches!(self.offering, Offering::Waiting | Offering::Held)
    }

    fn tidy(&mut self) {
        if self.stocked() == 0 {
            self.stock = None;
        }
    }
}

/// The connections of one worker: clients and servers apart, each at its own index.
#[derive(Debug, Default)]
pub struct Table {
    clients: Vec<Option<Conn>>,
    servers: Vec<Option<Conn>>,
}

impl Table {
    #[inline]
    fn side(&mut self, conn: ConnId) -> &mut Vec<Option<Conn>> {
        if conn.is_server() { &mut self.servers } else { &mut self.clients }
    }

    /// The connection, unless it ended: a stale name meets nobody.
    #[inline]
    pub fn find(&mut self, conn: ConnId) -> Option<&mut Conn> {
        let entry = self.side(conn).get_mut(conn.index())?.as_mut()?;
        (entry.generation == conn.generation).then_some(entry)
    }

    /// Moves a connection in.
    pub fn insert(&mut self, conn: ConnId, entry: Conn) -> &mut Conn {
        let side = self.side(conn);
        if side.len() <= conn.index() {
            side.resize_with(conn.index() + 1, || None);
        }
        let slot = &mut side[conn.index()];
        assert!(
            slot.is_none(),
            "{conn:?} moves in where somebody still lives: an end without Close or Finish"
        );
        slot.insert(entry)
    }

    /// Moves a connection out.
    pub fn remove(&mut self, conn: ConnId) -> Option<Conn> {
        self.find(conn)?;
        self.side(conn)[conn.index()].take()
    }

    /// How many there are; counted by looking.
    pub fn count(&self) -> usize {
        self.clients.iter().chain(&self.servers).flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_takes_32_bytes() {
        // In builds with assertions mio adds a check of its own to every socket.
        let expected = if cfg!(debug_assertions) { 48 } else { 32 };
        assert_eq!(size_of::<Option<Conn>>(), expected);
    }
}
