//! All that one call sends to one connection, in one write.
//!
//! Pieces of several receivers lie interleaved in a call's outputs. The first piece of a receiver collects the others on
//! the stack; what was collected is blanked in the list, so that the walk passes it by.

use std::io::{self, IoSlice};

use engine::contract::{Gone, Output, Outputs, Piece};
use model::id::ConnId;

use super::conn::{Conn, Outbound};

/// Pieces of one write.
const PIECES_MAX: usize = 64;
/// How far ahead pieces for the same receiver are looked for: keeps the walk linear when a call speaks to thousands.
const LOOK_AHEAD: usize = 256;

const NOTHING: Piece = Piece::Fixed(&[]);

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The socket took it all.
    All,
    /// The rest is the connection's backlog, which was empty before.
    Backlogged,
    /// There was a backlog, or there is nobody left to send to.
    Deferred,
    /// The write failed: nobody will take anything any more.
    Failed(Gone),
}

/// Sends the piece at `at` and what else the call has for the same receiver.
#[inline]
pub(super) fn send(entry: &mut Conn, to: ConnId, at: usize, outs: &mut Outputs, input: &[u8]) -> Sent {
    let end = outs.list.len().min(at + LOOK_AHEAD);
    let Some(Output::Send { piece, .. }) = outs.list.get(at).copied() else { return Sent::Deferred };
    let first = outs.bytes(piece, input);
    if first.is_empty() {
        return Sent::Deferred;
    }
    let is_ours = |output: &Output| matches!(output, Output::Send { to: other, .. } if *other == to);
    if !outs.list[at + 1..end].iter().any(is_ours) {
        return put(entry, &[IoSlice::new(first)], first.len());
    }
    let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
    pieces[0] = IoSlice::new(first);
    let (mut count, mut bytes, mut upto) = (1, first.len(), at + 1);
    while upto < end && count < PIECES_MAX {
        if let Output::Send { to: other, piece } = outs.list[upto]
            && other == to
        {
            let more = outs.bytes(piece, input);
            pieces[count] = IoSlice::new(more);
            bytes += more.len();
            count += 1;
        }
        upto += 1;
    }
    let result = put(entry, &pieces[..count], bytes);
    for output in &mut outs.list[at + 1..upto] {
        if let Output::Send { to: other, piece } = output
            && *other == to
        {
            *piece = NOTHING;
        }
    }
    result
}

#[inline]
fn put(entry: &mut Conn, pieces: &[IoSlice<'_>], bytes: usize) -> Sent {
    if entry.outbound != Outbound::Open {
        return Sent::Deferred;
    }
    if !entry.backlog().is_empty() {
        queue_behind(entry, pieces, 0);
        return Sent::Deferred;
    }
    let result = match pieces {
        [one] => entry.line.write(one),
        several => entry.line.write_pieces(several),
    };
    match result {
        Ok(taken) if taken == bytes => Sent::All,
        Ok(taken) => {
            queue_behind(entry, pieces, taken);
            Sent::Backlogged
        }
        Err(error) if is_patience(&error) => {
            queue_behind(entry, pieces, 0);
            Sent::Backlogged
        }
        Err(error) => Sent::Failed(ending(&error)),
    }
}

/// Copies what lies beyond the first `taken` bytes to the backlog.
fn queue_behind(entry: &mut Conn, pieces: &[IoSlice<'_>], mut taken: usize) {
    for piece in pieces {
        let skipped = taken.min(piece.len());
        taken -= skipped;
        entry.queue(&piece[skipped..]);
    }
}

/// True where the socket only asks to come back later.
pub(super) fn is_patience(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// How a connection ended whose reading or writing failed.
pub(super) fn ending(error: &io::Error) -> Gone {
    match error.kind() {
        io::ErrorKind::TimedOut => Gone::TimedOut,
        _ => Gone::Reset,
    }
}
