//! The replies a server owes, in order. What the front does not owe is not relayed: that is the misdelivery guard.
//!
//! The rules are the server's own (manual: "Message Flow"): after an error in an extended batch everything up to Sync is
//! skipped, simple queries included; while COPY data is awaited, Sync and Flush are ignored; late CopyData is ignored.

use std::collections::VecDeque;

use wire::tag::BackendTag as B;

use crate::planted::{Fault, Planted};

mod entry;

pub use entry::{Entry, Owed, Serve};

/// Entries a client may have outstanding before its bytes are no longer taken.
pub const LEDGER_MAX: usize = 8_192;

/// A COPY under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copy {
    /// None.
    #[default]
    No,
    /// The server takes data.
    In,
    /// The server gives data.
    Out,
    /// Both: streaming replication.
    Both,
}

/// What to do with a backend message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits; it goes to the client.
    Relay,
    /// It fits; nobody gets it.
    Swallow,
    /// The front of the ledger does not owe it.
    Misfit,
}

/// What is owed.
#[derive(Debug, Default)]
pub struct Ledger {
    /// For the simulator.
    pub planted: Planted,
    queue: VecDeque<Entry>,
    copy: Copy,
    /// An error was met and no Sync is in the queue: the server skips all up to the next one.
    skipping: bool,
    /// An extended batch has begun and its Sync was not sent: its transaction is open, whatever has been answered.
    unsynced: bool,
    /// Counts the ends of what a client has asked: Syncs, queries, function calls.
    batch: u32,
    /// CopyData was sent behind the last message that may begin a COPY.
    data: bool,
    /// A Sync was sent behind CopyData and owes nothing, since the server ignores it in a COPY. Does the COPY fail, nobody
    /// can tell whether the server had read that Sync before.
    unsure: bool,
    /// What the server owes is not known any more: it is to be given up.
    adrift: bool,
    /// Queries in the queue that may yet be skipped, and destroy an unnamed statement if they are not.
    in_doubt: u32,
}

impl Ledger {
    /// True where nothing is owed and the server takes the next command.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.owes() && !self.wants_sync()
    }

    /// True where an answer is due. Without one the server may yet wait for more of a batch, or skip to its Sync.
    pub fn owes(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Entries outstanding.
    #[inline]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// The entry whose reply comes next.
    #[inline]
    pub fn front(&self) -> Option<Entry> {
        self.queue.front().copied()
    }

    /// The number of the batch that the next message belongs to.
    #[inline]
    pub fn batch(&self) -> u32 {
        self.batch
    }

    /// True where this batch has been sent and answered to its end.
    pub fn is_answered(&self, batch: u32) -> bool {
        let ends = self.queue.iter().filter(|entry| entry.owed.ends_batch()).count();
        ends < self.batch.wrapping_sub(batch) as usize
    }

    /// True where a batch was sent to its end and is not answered to its end: what it comes to is not known.
    pub fn awaits_end(&self) -> bool {
        self.queue.iter().any(|entry| entry.owed.ends_batch())
    }

    /// The COPY under way.
    pub fn copy(&self) -> Copy {
        self.copy
    }

    /// True while the server skips messages up to a Sync.
    pub fn skipping(&self) -> bool {
        self.skipping
    }

    /// True where the next message is skipped if one before it fails: what that one does is not known yet.
    pub fn may_skip(&self) -> bool {
        let mut batch = self.queue.iter().rev().take_while(|entry| entry.owed != Owed::Sync);
        batch.any(|entry| !matches!(entry.owed, Owed::Query | Owed::Function | Owed::CopyEnd))
    }

    /// True while it is not known whether a query was skipped, or has destroyed the unnamed statement it is noted with.
    #[inline]
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt > 0
    }

    /// Notes a message that is sent. Messages the server will skip or ignore owe nothing.
    #[inline]
    pub fn push(&mut self, owed: Owed, serve: Serve, statement: u64) {
        self.push_for(owed, serve, statement, 0);
    }

    /// Notes a client's query that may be skipped, and destroys this unnamed statement if it is not.
    #[cold]
    pub fn push_in_doubt(&mut self, unnamed: u64) {
        self.push(Owed::Query, Serve::Client, unnamed);
        self.in_doubt += 1;
    }

    /// As [`Ledger::push`], with the client's own number for the message.
    #[inline]
    pub fn push_for(&mut self, owed: Owed, serve: Serve, statement: u64, serial: u32) {
        match owed {
            Owed::Sync => {
                if self.ignores_sync() {
                    self.unsure |= self.data;
                    return;
                }
                self.skipping = false;
                self.unsynced = false;
            }
            Owed::CopyEnd => {
                // Without a COPY and without anything before it that might become one, the server ignores it.
                if self.queue.is_empty() || self.skipping {
                    return;
                }
                if self.copy == Copy::In && self.queue.len() == 1 {
                    self.copy = Copy::No;
                    return;
                }
            }
            Owed::Parse
            | Owed::Bind
            | Owed::DescribeStatement
            | Owed::DescribePortal
            | Owed::Execute
            | Owed::Close
            | Owed::Query
            | Owed::Function
            | Owed::MadeParse
            | Owed::MadeClose => {
                let owed_all_the_same = owed == Owed::Query && self.planted.is(Fault::QueryAfterErrorOwed);
                if self.skipping && !owed_all_the_same {
                    return;
                }
                self.unsynced = !matches!(owed, Owed::Query | Owed::Function);
                if matches!(owed, Owed::Query | Owed::Execute) {
                    self.data = false;
                }
            }
        }
        // Of a Sync the serial tells whether it came behind CopyData.
        let serial = if owed == Owed::Sync { u32::from(self.data) } else { serial };
        self.queue.push_back(Entry { owed, serve, serial, statement });
        if owed.ends_batch() {
            self.batch = self.batch.wrapping_add(1);
        }
    }

    /// Notes CopyData that is sent.
    #[inline]
    pub fn push_data(&mut self) {
        self.data = true;
    }

    /// True while a Sync would be ignored: COPY data is awaited and nothing else stands behind it.
    fn ignores_sync(&self) -> bool {
        self.copy == Copy::In && self.queue.len() == 1 && !self.planted.is(Fault::SyncCountedInCopyIn)
    }

    /// True where a reply of ours is next.
    #[inline]
    pub fn gives(&self) -> bool {
        self.queue.front().is_some_and(|front| front.owed.made())
    }

    /// Takes a reply of ours off the front, once all before it have been given.
    #[inline]
    pub fn pop_made(&mut self) -> Option<Entry> {
        let front = self.queue.front()?;
        let made = *front;
        if !made.owed.made() {
            return None;
        }
        self.pop();
        Some(made)
    }

    /// True where the message is a plain piece of the client's answer: it fits the front, goes to the client, and changes
    /// nothing but the ledger. A quick look at what [`Ledger::judge`] would say of most messages; false says nothing.
    #[inline]
    pub fn passes(&mut self, tag: u8) -> bool {
        const ROW: u8 = B::DataRow.byte();
        const COLUMNS: u8 = B::RowDescription.byte();
        const NO_COLUMNS: u8 = B::NoData.byte();
        const BOUND: u8 = B::BindComplete.byte();
        let Some(front) = self.queue.front() else { return false };
        if front.serve != Serve::Client {
            return false;
        }
        match (front.owed, tag) {
            (Owed::Query | Owed::Execute, ROW) | (Owed::Query, COLUMNS) => true,
            (Owed::Bind, BOUND) | (Owed::DescribePortal, COLUMNS | NO_COLUMNS) => {
                self.pop();
                true
            }
            _ => false,
        }
    }

    /// Judges a backend message by its tag and takes note of it. [`BackendTag::ErrorResponse`](B::ErrorResponse) goes
    /// through [`Ledger::on_error`]; notices, settings and notifications are never judged.
    #[inline]
    pub fn judge(&mut self, tag: B) -> Verdict {
        let Some(front) = self.queue.front_mut() else { return Verdict::Misfit };
        let done = match (front.owed, tag) {
            (Owed::Parse, B::ParseComplete)
            | (Owed::Bind, B::BindComplete)
            | (Owed::Close, B::CloseComplete)
            | (Owed::DescribePortal, B::RowDescription | B::NoData)
            | (Owed::Execute, B::PortalSuspended | B::EmptyQueryResponse | B::CommandComplete)
            | (Owed::Query | Owed::Function | Owed::Sync, B::ReadyForQuery) => true,
            (Owed::DescribeStatement, B::ParameterDescription) => {
                front.owed = Owed::DescribePortal;
                false
            }
            (Owed::Query, B::RowDescription | B::EmptyQueryResponse | B::CommandComplete)
            | (Owed::Execute | Owed::Query, B::DataRow)
            | (Owed::Function, B::FunctionCallResponse) => false,
            (Owed::Execute | Owed::Query, B::CopyInResponse) => {
                self.begin_copy_in();
                return self.verdict();
            }
            (Owed::Execute | Owed::Query, B::CopyOutResponse) => {
                self.copy = Copy::Out;
                false
            }
            (Owed::Execute | Owed::Query, B::CopyBothResponse) => {
                self.copy = Copy::Both;
                false
            }
            (Owed::Execute | Owed::Query, B::CopyData | B::CopyDone)
                if matches!(self.copy, Copy::Out | Copy::Both) =>
            {
                false
            }
            _ => return Verdict::Misfit,
        };
        let serve = front.serve;
        let hidden = serve == Serve::Hidden && front.owed == Owed::Parse;
        if matches!(tag, B::CommandComplete | B::ReadyForQuery) {
            self.copy = Copy::No;
            self.unsure = false;
        }
        if done {
            self.pop();
        }
        if hidden
            && self.planted.is(Fault::SwallowedOnceTooOften)
            && let Some(next) = self.queue.iter_mut().find(|entry| entry.owed == Owed::Parse)
        {
            next.serve = Serve::Hidden;
        }
        match serve {
            Serve::Client => Verdict::Relay,
            Serve::Hidden | Serve::Ours => Verdict::Swallow,
        }
    }

    /// Takes the front off, and the ends of COPYs that never were.
    #[inline]
    fn pop(&mut self) {
        if self.in_doubt > 0 {
            self.pop_doubt();
        }
        self.queue.pop_front();
        while let Some(Entry { owed: Owed::CopyEnd, .. }) = self.queue.front() {
            self.queue.pop_front();
        }
    }

    #[cold]
    fn pop_doubt(&mut self) {
        self.in_doubt -= u32::from(self.front().is_some_and(|front| front.is_in_doubt()));
    }

    fn verdict(&self) -> Verdict {
        match self.queue.front().map(|entry| entry.serve) {
            Some(Serve::Client) => Verdict::Relay,
            Some(Serve::Hidden | Serve::Ours) => Verdict::Swallow,
            None => Verdict::Misfit,
        }
    }

    /// COPY data is awaited: Syncs that were sent right behind are ignored by the server, up to the client's CopyDone.
    fn begin_copy_in(&mut self) {
        self.copy = Copy::In;
        while let Some(next) = self.queue.get(1).copied()
            && matches!(next.owed, Owed::Sync | Owed::CopyEnd)
        {
            self.queue.remove(1);
            if next.owed == Owed::CopyEnd {
                self.copy = Copy::No;
                break;
            }
            self.unsure |= next.serial != 0;
        }
        // A server refuses the COPY for the message that we meant to answer.
        self.adrift |= self.copy == Copy::In && self.queue.get(1).is_some_and(|next| next.owed.made());
        if self.planted.is(Fault::IgnoredSyncEndsBatch) {
            return;
        }
        if let [front] = self.queue.make_contiguous() {
            // A Sync that is ignored ends no batch.
            self.unsynced = front.owed == Owed::Execute;
        }
    }

    /// An ErrorResponse: who is to get it. `undone` is told every entry whose reply will never come.
    pub fn on_error(&mut self, mut undone: impl FnMut(Entry)) -> Option<Serve> {
        let front = *self.queue.front()?;
        self.copy = Copy::No;
        self.adrift |= std::mem::take(&mut self.unsure);
        match front.owed {
            Owed::Query | Owed::Function | Owed::Sync => {}
            Owed::Parse
            | Owed::Bind
            | Owed::DescribeStatement
            | Owed::DescribePortal
            | Owed::Execute
            | Owed::Close
            | Owed::CopyEnd
            | Owed::MadeParse
            | Owed::MadeClose => {
                self.skipping = true;
                let mut made = Vec::new();
                while let Some(entry) = self.queue.front().copied() {
                    if entry.owed == Owed::Sync {
                        self.skipping = false;
                        break;
                    }
                    undone(entry);
                    self.queue.pop_front();
                    self.in_doubt -= u32::from(entry.is_in_doubt());
                    if entry.owed.made() && self.planted.is(Fault::MadeReplyAfterError) {
                        made.push(entry);
                    }
                }
                made.into_iter().rev().for_each(|entry| self.queue.push_front(entry));
            }
        }
        Some(front.serve)
    }

    /// True where it can't be told what the server will say next: neither it nor its client can be gone on with.
    #[inline]
    pub fn is_adrift(&self) -> bool {
        self.adrift
    }

    /// True where the server waits for a Sync that has not been sent.
    pub fn wants_sync(&self) -> bool {
        self.skipping || self.unsynced
    }

    /// Forgets everything: the connection is given up.
    pub fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.copy = Copy::No;
        self.skipping = false;
        self.unsynced = false;
        (self.in_doubt, self.data, self.unsure, self.adrift) = (0, false, false, false);
    }

    /// Frees the room a long pipeline took.
    pub fn rest(&mut self) {
        if self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
    }

    /// Everything outstanding, front first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter()
    }
}

#[cfg(test)]
mod tests;
