//! The steward's thread: letters in, orders and answers out. It blocks on its mailbox and on nothing else.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use engine::orders::Scope;
use engine::steward::{Command, Shutdown, Stage, Steward, StewardInput, StewardOutputs};
use engine::time::Now;
use model::id::Ticket;
use tokio::sync::mpsc::UnboundedSender;

use super::phrase;
use super::record::Tape;
use crate::mail::{Letter, Reply, StewardLetter, Wish, WorkerMail};

/// What the thread is made of.
pub(super) struct Keeper {
    pub steward: Steward,
    pub letters: Receiver<StewardLetter>,
    pub workers: Vec<WorkerMail>,
    /// Wishes for a reload, which others carry out.
    pub reloads: UnboundedSender<()>,
    pub on_term: Shutdown,
    pub on_int: Shutdown,
    /// Where rows go that workers record.
    pub tape: Option<Tape>,
    pub epoch: Instant,
}

/// Answers that somebody waits for.
#[derive(Default)]
struct Waiting {
    last: u64,
    replies: BTreeMap<Ticket, Reply>,
}

impl Waiting {
    /// A ticket; `None`: nobody waits for the answer.
    fn ticket(&mut self, reply: Option<Reply>) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        if let Some(reply) = reply {
            self.replies.insert(ticket, reply);
        }
        ticket
    }
}

impl Keeper {
    /// Runs until nobody is left. Answers that are still waited for then never come.
    pub(super) fn run(mut self) {
        let mut out = StewardOutputs::default();
        let mut waiting = Waiting::default();
        while self.steward.stage() != Stage::Finished {
            let pause = self.steward.wake().since(self.now());
            let input = match self.letters.recv_timeout(pause) {
                Ok(letter) => self.input(letter, &mut waiting),
                Err(RecvTimeoutError::Timeout) => Some(StewardInput::Tick),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(input) = input {
                self.act(input, &mut out, &mut waiting);
            }
            // A full mailbox must not stop the clock.
            if self.now() >= self.steward.wake() {
                self.act(StewardInput::Tick, &mut out, &mut waiting);
            }
        }
    }

    fn now(&self) -> Now {
        Now(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn input(&mut self, letter: StewardLetter, waiting: &mut Waiting) -> Option<StewardInput> {
        let (command, reply) = match letter {
            StewardLetter::Note(worker, note) => return Some(StewardInput::Note(worker, note)),
            StewardLetter::Configure(config) => return Some(StewardInput::Configure(config)),
            StewardLetter::Busy(busy) => return Some(StewardInput::Busy(busy)),
            StewardLetter::Tape(tape) => {
                self.tape = Some(tape);
                return None;
            }
            StewardLetter::Ask(command, reply) => (command, Some(reply)),
            StewardLetter::Wish(Wish::Reload) => {
                // The other thread lives as long as the process.
                let _ = self.reloads.send(());
                return None;
            }
            StewardLetter::Wish(Wish::Leave) => (Command::Shutdown(self.on_term), None),
            StewardLetter::Wish(Wish::LeaveNow) => (Command::Shutdown(self.on_int), None),
            StewardLetter::Wish(Wish::Pause) => (Command::Pause(Scope::All), None),
            StewardLetter::Wish(Wish::Resume) => (Command::Resume(Scope::All), None),
        };
        Some(StewardInput::Command(waiting.ticket(reply), command))
    }

    fn act(&mut self, input: StewardInput, out: &mut StewardOutputs, waiting: &mut Waiting) {
        out.clear();
        self.steward.on(self.now(), input, out);
        for (worker, order) in out.orders.drain(..) {
            tracing::trace!(worker = worker.0, ?order, "order");
            if let Some(mail) = self.workers.get(usize::from(worker.0)) {
                mail.send(Letter::Order(order));
            }
        }
        for batch in out.recorded.drain(..) {
            if let Some(tape) = &self.tape {
                tape.put(batch);
            }
        }
        for (ticket, answer) in out.answers.drain(..) {
            match waiting.replies.remove(&ticket) {
                // Whoever asked may have hung up.
                Some(reply) => drop(reply.send(answer)),
                None => phrase::unasked(&answer),
            }
        }
        out.remarks.drain(..).for_each(|remark| phrase::log(&remark));
    }
}
