//! RECORD: while it is on, every checkout leaves a row.
//!
//! A row is of somebody who asked after the recording began, and is made when its end is known: the server is given back
//! or lost, or the client leaves the line. A server that fails its check before it was any good makes none: its client
//! goes on waiting, and has its row with the server that serves it. Replication is not recorded: its connections are
//! nobody's pool.

use model::id::{ConnId, SliceId, Ticket};

use super::Worker;
use crate::contract::Outputs;
use crate::orders::{Note, Replication};
use crate::pool::slice::Slice;
use crate::session::client::Life;
use crate::session::server::Loan;
use crate::time::Now;
use crate::trace::{BATCH_ROWS, Batch, Row};

/// A recording under way.
#[derive(Debug)]
pub(super) struct Recording {
    /// Its zero.
    since: Now,
    batch: Box<Batch>,
    /// The slices whose pools stand in the batch, in the same order.
    slices: Vec<SliceId>,
}

impl Recording {
    fn new(since: Now) -> Self {
        Self { since, batch: Box::default(), slices: Vec::new() }
    }

    /// The number of a slice's pool within the batch.
    fn pool(&mut self, slice: &Slice) -> u32 {
        let known = self.slices.iter().rposition(|known| *known == slice.id);
        let at = known.unwrap_or_else(|| {
            self.slices.push(slice.id);
            self.batch.pools.push(slice.key.clone());
            self.slices.len() - 1
        });
        at as u32
    }

    /// What a server is to know of its loan to a client who asked then.
    #[cold]
    pub(super) fn loan(&self, asked: Now, begun: Now) -> Option<Loan> {
        (asked >= self.since).then_some(Loan { asked, begun })
    }

    fn take(&mut self) -> Box<Batch> {
        self.slices.clear();
        std::mem::take(&mut self.batch)
    }
}

impl Worker {
    /// Rows from here on, or no more of them.
    pub(super) fn record(&mut self, ticket: Ticket, since: Option<Now>, out: &mut Outputs) {
        self.end_recording(out);
        self.recording = since.map(Recording::new);
        out.notes.push(Note::Done { ticket, found: true });
    }

    /// A server is given back, or closed.
    #[cold]
    pub(super) fn record_return(&mut self, now: Now, server: ConnId, out: &mut Outputs) {
        let Some(server) = self.servers.get_mut(server.index(), server.generation) else { return };
        if let Some(loan) = server.loan.take() {
            let index = server.slice;
            self.record_end(now, index, loan, out);
        }
    }

    /// A loan is over.
    #[cold]
    pub(super) fn record_end(&mut self, now: Now, index: u32, loan: Loan, out: &mut Outputs) {
        let held = now.0.saturating_sub(loan.begun.0);
        self.row(index, loan.asked, loan.begun, Some(held), out);
    }

    /// A client has left the line.
    pub(super) fn record_gave_up(&mut self, now: Now, index: u32, asked: Now, out: &mut Outputs) {
        if self.recording.is_some() {
            self.row(index, asked, now, None, out);
        }
    }

    /// A server was no good: its client waits on.
    pub(super) fn forget_loan(&mut self, server: ConnId) {
        if let Some(server) = self.servers.get_mut(server.index(), server.generation) {
            server.loan = None;
        }
    }

    fn row(&mut self, index: u32, asked: Now, served: Now, hold_us: Option<u64>, out: &mut Outputs) {
        let Some(recording) = &mut self.recording else { return };
        let Some(home) = self.homes.get(index as usize) else { return };
        if asked < recording.since || home.slice.key.replication != Replication::No {
            return;
        }
        let row = Row {
            pool: recording.pool(&home.slice),
            at_us: asked.0 - recording.since.0,
            wait_us: served.0.saturating_sub(asked.0),
            hold_us,
        };
        recording.batch.rows.push(row);
        if recording.batch.rows.len() >= BATCH_ROWS {
            self.hand_rows_over(out);
        }
    }

    /// What has been recorded so far is the control side's.
    pub(super) fn hand_rows_over(&mut self, out: &mut Outputs) {
        if let Some(recording) = &mut self.recording
            && !recording.batch.rows.is_empty()
        {
            out.notes.push(Note::Recorded { batch: recording.take() });
        }
    }

    /// The recording is over, if there is one: whoever is not done leaves no row.
    pub(super) fn end_recording(&mut self, out: &mut Outputs) {
        let Some(mut recording) = self.recording.take() else { return };
        let waits = |life: &Life| matches!(life, Life::Waiting { since, .. } if *since >= recording.since);
        let mut unfinished = self.clients.iter().filter(|client| waits(&client.life)).count();
        for server in self.servers.iter_mut() {
            unfinished += usize::from(server.loan.take().is_some());
        }
        let mut batch = recording.take();
        batch.unfinished = Some(unfinished as u32);
        out.notes.push(Note::Recorded { batch });
    }
}
