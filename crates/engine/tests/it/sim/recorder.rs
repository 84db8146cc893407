//! A recording of the whole run, where the world has one: it must agree with the tally, and change nothing.

use engine::contract::Input;
use engine::orders::{Note, Order};
use engine::tally::SliceTally;
use engine::time::Now;
use engine::trace::{BATCH_ROWS, Row};
use model::id::Ticket;

use super::books;
use super::world::World;

/// What was recorded, and the tallies of slices that are gone.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) on: bool,
    rows: Vec<Row>,
    wrong: Option<String>,
    unfinished: u64,
    ended: usize,
    gone: SliceTally,
}

impl Recorder {
    pub(crate) fn note(&mut self, note: &Note) {
        match note {
            Note::Shut { tally, .. } => self.gone.add(tally),
            Note::Recorded { batch } => {
                let known = |row: &Row| (row.pool as usize) < batch.pools.len();
                if batch.rows.len() > BATCH_ROWS || !batch.rows.iter().all(known) {
                    self.wrong = Some(format!("a batch of {} rows, {:?}", batch.rows.len(), batch.pools));
                }
                self.rows.extend(&batch.rows);
                self.ended += usize::from(batch.unfinished.is_some());
                self.unfinished += u64::from(batch.unfinished.unwrap_or(0));
            }
            _ => {}
        }
    }
}

impl World {
    fn record(&mut self, since: Option<Now>) {
        if self.px().recorder.on {
            for worker in 0..self.px().shells.len() {
                self.engine_takes(worker, Input::Order(Order::Record { ticket: Ticket(u64::MAX), since }));
            }
        }
    }

    pub(crate) fn begin_recording(&mut self) {
        self.record(Some(Now(self.now)));
    }

    /// A row for each assignment and for each who gave up. Where a server may be lost while it is made ready for its
    /// client, that client is assigned another one, and has one row all the same.
    pub(crate) fn check_recording(&mut self) -> Result<(), String> {
        if self.proxy.is_none() || !self.px().recorder.on {
            return Ok(());
        }
        self.record(None);
        let mut tally = std::mem::take(&mut self.px().recorder.gone);
        let workers = self.px().shells.len();
        for worker in 0..workers {
            books::read(self, worker).slices.iter().for_each(|slice| tally.add(&slice.tally));
        }
        let (now, hurt) = (self.now, self.hurt);
        let recorder = std::mem::take(&mut self.px().recorder);
        if let Some(wrong) = recorder.wrong {
            return Err(wrong);
        }
        if recorder.ended != workers {
            return Err(format!("{} of {workers} workers have ended the recording", recorder.ended));
        }
        let span = |row: &Row| row.at_us + row.wait_us + row.hold_us.unwrap_or(0);
        if let Some(row) = recorder.rows.iter().find(|row| span(row) > now) {
            return Err(format!("{row:?} at {now}"));
        }
        let gave_up = recorder.rows.iter().filter(|row| row.hold_us.is_none()).count() as u64;
        let served = recorder.rows.len() as u64 - gave_up + recorder.unfinished;
        let waited: u64 = recorder.rows.iter().map(|row| row.wait_us).sum();
        let agrees = if hurt {
            served <= tally.assignments && tally.assignments - served <= tally.servers_closed
        } else {
            served == tally.assignments && (recorder.unfinished > 0 || waited == tally.wait_us)
        };
        if !agrees || gave_up != tally.gave_up {
            let unfinished = recorder.unfinished;
            return Err(format!(
                "recorded: {served} served ({unfinished} of them unfinished), {gave_up} gave up, {waited} us; {tally:?}"
            ));
        }
        Ok(())
    }
}
