//! The engine in the world: workers, their mail, the steward, and what wakes them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use engine::contract::{DialError, Input, Outputs, Peer};
use engine::orders::{Note, Order};
use engine::planted::Fault;
use engine::session::seed::ClientSeed;
use engine::time::Now;
use engine::worker::Worker;
use model::config::checked::Config;
use model::id::{ConnId, Ticket, WorkerId};

use super::books::Books;
use super::net::{End, Ending};
use super::office::Office;
use super::recorder::Recorder;
use super::shell::{Conn, Follow};
use super::world::{Event, Owner, World};
use crate::rng::Rng;

/// What wakes the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    Tick(usize),
    StewardTick,
    /// The oldest letter of this worker's box arrives.
    Mail(usize),
    /// The oldest letter of the steward's box arrives.
    Note,
    /// A password is derived.
    Derived(usize, Ticket, [u8; 32]),
    /// A dial comes to its end.
    Dial(usize, ConnId),
}

/// What an operator may ask for in the midst of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Pause,
    Resume,
    Reconnect,
    Reload,
}

/// A letter to a worker.
pub(crate) enum Letter {
    Order(Order),
    Parcel { seed: Box<ClientSeed>, end: End, kept: Vec<u8> },
}

/// One worker with its shell.
pub(crate) struct Shell {
    pub(crate) worker: Worker,
    pub(crate) out: Outputs,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    pub(crate) follow: VecDeque<Follow>,
    pub(crate) mail: VecDeque<Letter>,
    mail_at: u64,
}

/// The proxy.
pub(crate) struct Proxy {
    pub(crate) shells: Vec<Shell>,
    pub(crate) control: Office,
    /// When the steward is told of time next.
    steward_at: u64,
    pub(crate) notes: VecDeque<(WorkerId, Note)>,
    notes_at: u64,
    pub(crate) rng: Rng,
    pub(crate) dial_us: u64,
    /// So many dials of a hundred fail here.
    pub(crate) dial_failures: u64,
    pub(crate) mail_us: u64,
    pub(crate) books: Books,
    pub(crate) recorder: Recorder,
    pub(crate) tickets: u64,
}

impl Proxy {
    pub(crate) fn new(config: &Arc<Config>, control: Office, workers: u16, rng: &mut Rng) -> Self {
        let shells = (0..workers)
            .map(|id| {
                let mut seed = [0; 32];
                seed[..8].copy_from_slice(&rng.u64().to_le_bytes());
                Shell {
                    worker: Worker::new(WorkerId(id), seed, 1000, config.clone()),
                    out: Outputs::default(),
                    conns: BTreeMap::new(),
                    follow: VecDeque::new(),
                    mail: VecDeque::new(),
                    mail_at: 0,
                }
            })
            .collect();
        let dial_us = *rng.pick(&[50, 500, 5_000]);
        let mail_us = *rng.pick(&[1, 30, 400]);
        Self {
            shells,
            control,
            steward_at: 0,
            notes: VecDeque::new(),
            notes_at: 0,
            rng: rng.fork(),
            dial_us,
            dial_failures: 0,
            mail_us,
            books: Books::default(),
            recorder: Recorder::default(),
            tickets: 0,
        }
    }

    /// Plants a fault in every worker; without the feature there is none to plant.
    pub(crate) fn plant(&mut self, fault: Option<Fault>) {
        #[cfg(feature = "planted")]
        if let Some(fault) = fault {
            self.shells.iter_mut().for_each(|shell| shell.worker.plant(fault));
        }
        #[cfg(not(feature = "planted"))]
        assert!(fault.is_none(), "faults need the feature `planted`");
    }
}

impl World {
    /// The proxy, in a world that has one.
    pub(crate) fn px(&mut self) -> &mut Proxy {
        self.proxy.as_mut().expect("this world has a proxy")
    }

    pub(crate) fn begin_proxy(&mut self) {
        let Some(proxy) = &self.proxy else { return };
        let workers = proxy.shells.len();
        self.begin_recording();
        for worker in 0..workers {
            self.at(0, Event::Proxy(Wake::Tick(worker)));
        }
        self.at(0, Event::Proxy(Wake::StewardTick));
    }

    pub(crate) fn proxy_describe(&self) -> Vec<String> {
        let Some(proxy) = &self.proxy else { return Vec::new() };
        proxy.control.describe().into_iter().chain(proxy.books.describe()).collect()
    }

    pub(crate) fn proxy_wakes(&mut self, wake: Wake) -> Result<(), String> {
        match wake {
            Wake::Tick(worker) => {
                self.engine_takes(worker, Input::Tick);
                let next = self.now + 50_000 + self.rng.below(50_000);
                self.at(next, Event::Proxy(Wake::Tick(worker)));
            }
            Wake::StewardTick => {
                let now = self.now;
                if now >= self.px().steward_at {
                    self.px().steward_at = u64::MAX;
                    let mail = self.px().control.tick(now);
                    self.steward_says(mail);
                }
            }
            Wake::Mail(worker) => self.open_letter(worker),
            Wake::Note => {
                let now = self.now;
                if let Some((from, note)) = self.px().notes.pop_front() {
                    self.log(|| format!("steward <- {from:?} {note:?}"));
                    let mail = self.px().control.note(now, from, note);
                    self.steward_says(mail);
                }
            }
            Wake::Derived(worker, ticket, salted) => {
                self.engine_takes(worker, Input::Derived { ticket, salted });
            }
            Wake::Dial(worker, conn) => self.dial_ends(worker, conn),
        }
        Ok(())
    }

    /// Somebody connects to the proxy: one of the doors takes it.
    pub(crate) fn proxy_accepts(&mut self, end: End) -> Result<(), String> {
        let doors = self.px().shells.len() as u64;
        let worker = self.rng.below(doors) as usize;
        let now = Now(self.now);
        let peer = Peer::Ip([10, 0, 0, (end.pipe % 250) as u8].into(), end.pipe as u16);
        let shell = &mut self.px().shells[worker];
        shell.out.clear();
        match shell.worker.accept(now, peer, &mut shell.out) {
            Some(conn) => {
                shell.conns.insert(conn, Conn::open(end));
                self.owner(end, Owner::Shell(worker, conn));
                self.shell_performs(worker, &[]);
            }
            None => {
                self.net.end(self.now, end, Ending::Fin);
            }
        }
        Ok(())
    }

    /// Sends what the steward has to say, and minds when it wants to be woken.
    fn steward_says(&mut self, mail: Vec<(WorkerId, Order)>) {
        let now = self.now;
        let wake = self.px().control.wake(now).max(now + 1);
        if wake < self.px().steward_at {
            self.px().steward_at = wake;
            self.at(wake, Event::Proxy(Wake::StewardTick));
        }
        for (to, order) in mail {
            self.send_letter(usize::from(to.0), Letter::Order(order));
        }
    }

    /// Letters to one worker arrive in the order in which they were sent, whoever sent them.
    pub(crate) fn send_letter(&mut self, worker: usize, letter: Letter) {
        let now = self.now;
        let proxy = self.px();
        let delay = 1 + proxy.rng.below(proxy.mail_us);
        let shell = &mut proxy.shells[worker];
        shell.mail.push_back(letter);
        shell.mail_at = shell.mail_at.max(now + delay);
        let at = shell.mail_at;
        self.at(at, Event::Proxy(Wake::Mail(worker)));
    }

    pub(crate) fn send_note(&mut self, from: WorkerId, note: Note) {
        let now = self.now;
        let proxy = self.px();
        let delay = 1 + proxy.rng.below(proxy.mail_us);
        proxy.notes.push_back((from, note));
        proxy.notes_at = proxy.notes_at.max(now + delay);
        let at = proxy.notes_at;
        self.at(at, Event::Proxy(Wake::Note));
    }

    fn open_letter(&mut self, worker: usize) {
        match self.px().shells[worker].mail.pop_front() {
            Some(Letter::Order(order)) => {
                self.log(|| format!("worker {worker} <- {order:?}"));
                self.engine_takes(worker, Input::Order(order));
            }
            Some(Letter::Parcel { seed, end, kept }) => self.parcel_arrives(worker, seed, end, kept),
            None => {}
        }
    }

    fn dial_ends(&mut self, worker: usize, conn: ConnId) {
        let proxy = self.px();
        let Some(known) = proxy.shells[worker].conns.get(&conn) else { return };
        let Some(server) = known.dialling else { return };
        let local = proxy.rng.below(100) < proxy.dial_failures;
        let refused = if local { Some(DialError::Local) } else { None };
        let end = self.net.connect();
        let ok = refused.is_none() && self.server_accepts(server, end.other());
        let shell = &mut self.px().shells[worker];
        let Some(known) = shell.conns.get_mut(&conn) else { return };
        known.dialling = None;
        if ok {
            known.end = Some(end);
            self.owner(end, Owner::Shell(worker, conn));
            self.engine_takes(worker, Input::Dialled { conn });
        } else {
            self.owner(end, Owner::Nobody);
            let why = refused.unwrap_or(DialError::Refused);
            self.engine_takes(worker, Input::DialFailed { conn, why });
        }
    }

    pub(crate) fn proxy_operator(&mut self, operator: Operator) {
        let (now, workers) = (self.now, self.px().shells.len() as u16);
        self.px().tickets += 1;
        let ticket = Ticket(self.px().tickets);
        let mail = self.px().control.operator(now, ticket, workers, operator);
        self.steward_says(mail);
    }
}
