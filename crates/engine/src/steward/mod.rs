//! Input -> Outputs for the control thread: who may connect, where a pool lives, who may open how many connections to
//! which server, and what an operator's command means for all workers together.
//!
//! It holds counts, never connections: what it decides reaches workers as [`Order`]s, what it knows came in [`Note`]s.
//!
//! ```text
//!   Note::Knock --> places --> slices (home) --> Order::Open, Order::Admit
//!   Note::Want  --> share (how many each) --> ceilings and gates (may it, now?) --> Order::Grant / Order::Revoke
//!   Note::Back  --> ceilings (credits), gates (patience), what a refusal teaches
//!   Note::Vacate --> vacancies (which pools) --> Order::Vacate; when all have answered, Order::Vacant
//!   Command     --> errands (one order to each worker, answered when the last has answered)
//! ```

mod books;
mod ceiling;
mod credits;
mod errands;
mod gate;
mod places;
mod reload;
mod remark;
mod share;
mod shutdown;
mod slices;
mod vacancies;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::config::checked::Config;
use model::id::{ConnId, PoolId, PublicId, SliceId, Ticket, WorkerId};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

pub use self::books::{Books, DatabaseRow, PoolRow, RetiredRow, ServerDoorRow, UserRow};
pub use self::ceiling::{CeilingOf, CeilingRow};
pub use self::remark::Remark as StewardRemark;
pub use self::shutdown::{Shutdown, Stage};

use self::ceiling::Ceilings;
use self::errands::Errands;
use self::gate::Gate;
use self::places::{PlaceLimits, Places};
use self::remark::Remark;
use self::slices::Slice;
use self::vacancies::Vacancies;
use crate::orders::{Admission, Note, Order, PoolKey, Scope};
use crate::refuse::Refusal;
use crate::snapshot::{Ask, Page};
use crate::tally::SliceTally;
use crate::time::Now;
use crate::trace::Batch;

/// What a ticket's question is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Wait until all servers are released and closed; nothing is lent until RESUME.
    Pause(Scope),
    /// End of a pause or kill.
    Resume(Scope),
    /// Replace servers as they are released.
    Reconnect(Scope),
    /// Wait until no replaced server is left.
    WaitClose(Scope),
    /// Drop clients and servers; nothing is lent until RESUME.
    Kill(Scope),
    /// Drop one client.
    KillClient(PublicId),
    /// Refuse new clients of a database.
    Disable(Arc<str>),
    /// Allow them again.
    Enable(Arc<str>),
    /// End the process.
    Shutdown(Shutdown),
    /// Every checkout leaves a row from this moment on; `None`: no more of them.
    Record(Option<Now>),
    /// A page of one worker's books.
    Page(WorkerId, Ask),
    /// The steward's own books.
    Books,
    /// A number that no client has: for guests of the console, who are listed beside clients.
    Number,
}

/// What a ticket's answer is.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done, on every worker.
    Done,
    /// It can't be done; the words are PgBouncer's where it has some.
    Error(String),
    /// To [`Command::Page`].
    Page(Page),
    /// To [`Command::Books`].
    Books(Box<Books>),
    /// To [`Command::Number`].
    Number(PublicId),
}

/// Something that happened.
#[derive(Debug)]
pub enum StewardInput {
    /// A word from a worker.
    Note(WorkerId, Note),
    /// A question or command; its ticket comes back with the answer.
    Command(Ticket, Command),
    /// A configuration that was checked and is to be in force from now on.
    Configure(Arc<Config>),
    /// How busy each worker has been of late, in thousandths of a core.
    Busy(Box<[u32]>),
    /// Time has passed: to be offered at [`Steward::wake`].
    Tick,
}

/// What the steward wants done: cleared and never freed.
#[derive(Debug, Default)]
pub struct StewardOutputs {
    /// Words to workers; the order between words to one worker matters.
    pub orders: Vec<(WorkerId, Order)>,
    /// Answers to commands.
    pub answers: Vec<(Ticket, Answer)>,
    /// News worth telling a human.
    pub remarks: Vec<Remark>,
    /// Rows of a recording: to be handed over before the answers.
    pub recorded: Vec<Box<Batch>>,
}

impl StewardOutputs {
    /// Forgets everything, keeps the room.
    pub fn clear(&mut self) {
        self.orders.clear();
        self.answers.clear();
        self.remarks.clear();
        self.recorded.clear();
    }
}

/// How often time is looked at while nothing happens, and while somebody waits for time to pass.
const TICK: Duration = Duration::from_millis(100);
const TICK_BUSY: Duration = Duration::from_millis(10);

/// Everything the control thread decides.
#[derive(Debug)]
pub struct Steward {
    config: Arc<Config>,
    random: ChaCha8Rng,
    /// Slices by worker: the number of workers never changes.
    homes: Vec<u32>,
    /// How busy each has been of late, in thousandths of a core; 0 where nobody has told.
    busy: Vec<u32>,
    places: Places,
    public: u64,
    pools: BTreeMap<PoolKey, SliceId>,
    slices: BTreeMap<SliceId, Slice>,
    slice_next: u32,
    ceilings: Ceilings,
    gates: BTreeMap<Arc<str>, Gate>,
    errands: Errands,
    vacancies: Vacancies,
    /// Counts of slices that are gone, so that totals never fall.
    retired: BTreeMap<(Arc<str>, Arc<str>), SliceTally>,
    stage: Stage,
    drained: Vec<bool>,
    health: Health,
    /// Somebody may be waiting for a credit.
    restless: bool,
    /// When credits were last dealt out.
    dealt: Now,
    /// When time was last looked at.
    ticked: Now,
}

/// What logins to servers have met.
#[derive(Clone, Copy, Debug, Default)]
struct Health {
    up: Option<Now>,
    refused: Option<Now>,
}

impl Steward {
    /// A steward of so many workers. The seed feeds jitter: the system's entropy in a shell, a fixed number in tests.
    pub fn new(seed: [u8; 32], workers: u16, config: Arc<Config>) -> Self {
        assert!(workers > 0, "somebody must serve");
        Self {
            config,
            random: ChaCha8Rng::from_seed(seed),
            homes: vec![0; usize::from(workers)],
            busy: vec![0; usize::from(workers)],
            places: Places::default(),
            public: 0,
            pools: BTreeMap::new(),
            slices: BTreeMap::new(),
            slice_next: 0,
            ceilings: Ceilings::default(),
            gates: BTreeMap::new(),
            errands: Errands::default(),
            vacancies: Vacancies::default(),
            retired: BTreeMap::new(),
            stage: Stage::Running,
            drained: vec![false; usize::from(workers)],
            health: Health::default(),
            restless: false,
            dealt: Now::default(),
            ticked: Now::default(),
        }
    }

    /// Something happened.
    pub fn on(&mut self, now: Now, input: StewardInput, out: &mut StewardOutputs) {
        match input {
            StewardInput::Note(from, note) => self.on_note(now, from, note, out),
            StewardInput::Command(ticket, command) => self.on_command(now, ticket, command, out),
            StewardInput::Configure(config) => self.configure(now, config, out),
            StewardInput::Busy(busy) => {
                for (known, told) in self.busy.iter_mut().zip(busy) {
                    *known = told;
                }
            }
            StewardInput::Tick => {
                self.ticked = now;
                self.ceilings.forget(now);
                self.expire_dials(now);
                self.shut_unused(now, out);
                self.on_drain_time(now, out);
                self.restless = true;
            }
        }
        self.deal(now, out);
    }

    fn on_note(&mut self, now: Now, from: WorkerId, note: Note, out: &mut StewardOutputs) {
        match note {
            Note::Knock { conn, key } => self.on_knock(now, from, conn, key, out),
            Note::Left { slice } => self.on_left(now, slice, out),
            Note::Want { slice, servers, oldest, idle } => self.on_want(slice, servers, oldest, idle),
            Note::Up { slice } => self.on_up(now, slice, out),
            Note::Back { slice, credits, why } => self.on_back(now, slice, credits, &why, out),
            Note::Shut { slice, tally } => {
                self.on_shut(slice, &tally);
                self.forget_vacating(slice, out);
            }
            Note::Vacate { ticket, slice, database } => self.on_vacate(from, ticket, slice, &database, out),
            Note::Vacant { ticket, slice } => self.on_vacant(ticket, slice, out),
            Note::VacancyOver { ticket } => self.on_vacancy_over(from, ticket, out),
            Note::Done { ticket, found } => self.on_done(now, from, ticket, found, out),
            Note::Page { ticket, page } => {
                if let Some(asked) = self.errands.finish(ticket) {
                    out.answers.push((asked, Answer::Page(page)));
                }
            }
            Note::Recorded { batch } => out.recorded.push(batch),
            Note::Drained => self.on_drained(from),
            Note::Cancel { to, conn, pid, secret } => {
                // A key that names no worker of ours was not made by us: it goes back to where it came from.
                let known = usize::from(to.0) < self.homes.len();
                let order = Order::Cancel { from: (from, conn), pid, secret };
                out.orders.push((if known { to } else { from }, order));
            }
            Note::CancelDone { at: (worker, conn) } => out.orders.push((worker, Order::CancelDone { conn })),
        }
    }

    fn on_knock(&mut self, now: Now, from: WorkerId, conn: ConnId, key: PoolKey, out: &mut StewardOutputs) {
        let verdict = self.admit(now, key, out);
        if let Err(refusal) = &verdict {
            self.places.count(refusal);
        }
        out.orders.push((from, Order::Admit { conn, verdict }));
    }

    fn admit(&mut self, now: Now, key: PoolKey, out: &mut StewardOutputs) -> Result<Admission, Refusal> {
        if self.stage != Stage::Running {
            return Err(Refusal::ShuttingDown);
        }
        let missing = || Refusal::NoSuchDatabase { database: (&*key.database).into() };
        let settings = self.config.pool(&key.database, &key.user).map_err(|_| missing())?;
        if self.errands.is_disabled(&key.database) {
            return Err(Refusal::DatabaseDisabled { database: (&*key.database).into() });
        }
        let limits = PlaceLimits {
            all: self.config.proxy.max_client_conn,
            database: settings.max_db_client_connections.max(),
            user: settings.max_user_client_connections.max(),
        };
        self.places.take(&key.database, &key.user, limits)?;
        let slice = self.slice_for(now, key, settings, out);
        let home = self.join_slice(slice, out);
        Ok(Admission { public: self.number(), home, slice })
    }

    fn number(&mut self) -> PublicId {
        self.public += 1;
        PublicId(self.public)
    }

    fn on_left(&mut self, now: Now, slice: SliceId, out: &mut StewardOutputs) {
        let key = self.leave_slice(now, slice, out);
        self.places.give(&key.database, &key.user);
    }

    /// When to be told of time next.
    pub fn wake(&self) -> Now {
        let calm = self.ticked.plus(TICK);
        if self.restless { calm.min(self.dealt.plus(TICK_BUSY.max(self.gap()))) } else { calm }
    }

    /// True where a load balancer may send clients: servers let us in (or were never asked), and nobody is sent away.
    pub fn is_ready(&self, now: Now) -> bool {
        const MEMORY: Duration = Duration::from_secs(60);
        let reachable = match (self.health.up, self.health.refused) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(up), Some(refused)) => {
                up >= refused || now.since(up) < MEMORY || self.slices.values().any(Slice::has_open)
            }
        };
        self.stage == Stage::Running && reachable
    }

    /// How far the process is on its way to its end.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    fn every_worker(&self) -> impl Iterator<Item = WorkerId> + use<> {
        (0..self.homes.len()).map(|worker| WorkerId(worker as u16))
    }

    fn pool_of(slice: SliceId) -> PoolId {
        // One slice per pool as long as pools are not widened.
        PoolId(slice.0)
    }
}

#[cfg(test)]
mod tests;
