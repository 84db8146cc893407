//! One worker on a stand: the shell, the steward and PostgreSQL are played by the test.
//!
//! Messages are words (see `notation`). Servers greet by themselves unless told otherwise; whatever else they say, the
//! test says for them. `hear` takes what was sent to somebody since it was heard last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::contract::{DialTo, Gone, Input, Output, Outputs, Peer, Then};
use engine::orders::{Admission, Back, Note, Order, PoolKey};
use engine::remark::Remark;
use engine::time::Now;
use engine::worker::Worker;
use model::config::checked::{AuthType, Config, Database, Own, PoolMode, SecretText, User};
use model::id::{ConnId, PoolId, PublicId, SliceId, WorkerId};

use super::notation;

/// What servers report when they have logged us in.
pub(crate) const REPORTS: &str = "S server_version=15.20 | S client_encoding=UTF8 | S DateStyle=\"ISO, MDY\" | \
    S TimeZone=Etc/UTC | S standard_conforming_strings=on | S application_name= | S in_hot_standby=off";

#[derive(Default)]
struct Wire {
    /// Bytes the engine has not taken.
    kept: Vec<u8>,
    least: usize,
    stopped: bool,
    held: bool,
    over: bool,
    shut: bool,
    started: bool,
    heard: Vec<u8>,
}

pub(crate) struct Stand {
    worker: Worker,
    pub(crate) config: Arc<Config>,
    out: Outputs,
    pub(crate) now: Now,
    wires: BTreeMap<ConnId, Wire>,
    slices: BTreeMap<PoolKey, SliceId>,
    wants: BTreeMap<SliceId, u32>,
    places: u64,
    /// A dial was refused: the steward lets some time pass.
    patient: bool,
    /// Offers within offers: one leads to a few more, or something goes round.
    depth: u32,
    /// What our names of statements begin with on servers; `cw#` in words.
    pub(crate) prefix: String,
    /// Credits the steward has left.
    pub(crate) credits: u32,
    /// Servers log us in without the test's help.
    pub(crate) greets: bool,
    /// Connections to servers, in the order they were dialled.
    pub(crate) servers: Vec<ConnId>,
    /// Connections for cancel requests, and whose server they aim at.
    pub(crate) couriers: Vec<(ConnId, ConnId)>,
    pub(crate) backs: Vec<Back>,
    pub(crate) notes: Vec<Note>,
    pub(crate) remarks: Vec<Remark>,
}

impl Stand {
    /// One database `app` in transaction mode, users `alice` and `bob`, and this many servers.
    pub(crate) fn new(credits: u32) -> Self {
        Self::with(credits, |_, _| {})
    }

    pub(crate) fn with(credits: u32, change: impl FnOnce(&mut Config, &mut Database)) -> Self {
        let mut config = Config::for_tests();
        config.proxy.auth_type = AuthType::Trust;
        let mut database = Database { server: "main".into(), ..Database::with_defaults("app".into()) };
        database.pool_mode = Own(Some(PoolMode::Transaction));
        for name in ["alice", "bob"] {
            let password = Some(SecretText::new("secret".into()));
            config.add_user(User { password, ..User::with_defaults(name.into()) });
        }
        change(&mut config, &mut database);
        config.add_database(database);
        let config = Arc::new(config);
        Self {
            worker: Worker::new(WorkerId(0), [7; 32], 1000, config.clone()),
            config,
            out: Outputs::default(),
            now: Now(1_000_000),
            wires: BTreeMap::new(),
            slices: BTreeMap::new(),
            wants: BTreeMap::new(),
            places: 0,
            patient: false,
            depth: 0,
            prefix: String::new(),
            credits,
            greets: true,
            servers: Vec::new(),
            couriers: Vec::new(),
            backs: Vec::new(),
            notes: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Somebody connects, and says nothing.
    pub(crate) fn connect(&mut self) -> ConnId {
        self.out.clear();
        let peer = Peer::Ip([10, 0, 0, 1].into(), 5000);
        let conn = self.worker.accept(self.now, peer, &mut self.out).expect("a client is wanted");
        self.wires.insert(conn, Wire { started: true, ..Wire::default() });
        self.perform(&[]);
        conn
    }

    /// A client of `app` that is logged in.
    pub(crate) fn client(&mut self) -> ConnId {
        self.client_with("")
    }

    /// The same with startup parameters.
    pub(crate) fn client_with(&mut self, parameters: &str) -> ConnId {
        let conn = self.connect();
        self.say(conn, &format!("Startup user=alice database=app {parameters}"));
        let welcome = self.hear(conn);
        assert!(welcome.starts_with("R ok | ") && welcome.ends_with("K | Z I"), "no welcome: {welcome}");
        conn
    }

    /// Somebody says this.
    pub(crate) fn say(&mut self, conn: ConnId, text: &str) {
        let mut bytes = Vec::new();
        for words in notation::messages(&text.replace("cw#", &self.prefix)) {
            if conn.is_server() {
                notation::backend(&mut bytes, &words);
            } else {
                notation::frontend(&mut bytes, &words);
            }
        }
        self.bytes(conn, &bytes);
    }

    pub(crate) fn bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(wire) = self.wires.get_mut(&conn) else { panic!("nobody is called {conn:?}") };
        wire.kept.extend_from_slice(bytes);
        self.offer(conn);
    }

    /// What was sent to somebody since it was heard last.
    pub(crate) fn hear(&mut self, conn: ConnId) -> String {
        let wire = self.wires.get_mut(&conn).expect("a known connection");
        let bytes = std::mem::take(&mut wire.heard);
        let started = std::mem::replace(&mut wire.started, true);
        let shown = if conn.is_server() {
            notation::show_frontend(&bytes, started || bytes.is_empty())
        } else {
            notation::show_backend(&bytes)
        };
        let shown = shown.join(" | ");
        if self.prefix.is_empty() { shown } else { shown.replace(&self.prefix, "cw#") }
    }

    /// The same, not put into words.
    pub(crate) fn heard_bytes(&mut self, conn: ConnId) -> Vec<u8> {
        std::mem::take(&mut self.wires.get_mut(&conn).expect("a known connection").heard)
    }

    /// One exchange: what the server was asked, and what the client heard.
    pub(crate) fn exchange(
        &mut self,
        client: ConnId,
        server: ConnId,
        asks: &str,
        answer: &str,
    ) -> (String, String) {
        self.say(client, asks);
        let asked = self.hear(server);
        self.say(server, answer);
        (asked, self.hear(client))
    }

    /// The client is in a transaction on this server.
    pub(crate) fn begin(&mut self, client: ConnId, server: ConnId) {
        let (asked, _) = self.exchange(client, server, "Q begin", "C BEGIN | Z T");
        assert_eq!(asked, "Q \"begin\"");
    }

    pub(crate) fn take(&mut self, input: Input<'_>) {
        self.out.clear();
        self.worker.on(self.now, input, &mut self.out);
        self.perform(&[]);
    }

    pub(crate) fn gone(&mut self, conn: ConnId) {
        self.take(Input::Gone { conn, how: Gone::Eof });
    }

    pub(crate) fn order(&mut self, order: Order) {
        self.take(Input::Order(order));
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.patient = false;
        self.take(Input::Tick);
    }

    /// True where the connection was closed, or is being.
    pub(crate) fn is_over(&self, conn: ConnId) -> bool {
        self.wires[&conn].over || self.wires[&conn].shut
    }

    /// True where the shell does not read it.
    pub(crate) fn is_held(&self, conn: ConnId) -> bool {
        self.wires[&conn].held || self.wires[&conn].stopped
    }

    /// The pool of `alice` and `app`.
    pub(crate) fn slice(&self) -> SliceId {
        SliceId(1)
    }

    fn learn_prefix(&mut self, sent: &[u8]) {
        let at = sent.windows(3).position(|three| three == b"cw_").filter(|_| self.prefix.is_empty());
        if let Some(name) = at.and_then(|at| sent.get(at..at + 20)) {
            self.prefix = String::from_utf8_lossy(name).into_owned();
        }
    }

    fn offer(&mut self, conn: ConnId) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        if wire.stopped || wire.held || wire.over || wire.kept.is_empty() || wire.kept.len() < wire.least {
            return;
        }
        let bytes = std::mem::take(&mut wire.kept);
        self.out.clear();
        self.depth += 1;
        assert!(self.depth < 50, "{conn:?} is offered the same bytes for ever");
        let taken = self.worker.on(self.now, Input::Bytes { conn, bytes: &bytes }, &mut self.out);
        let wire = self.wires.entry(conn).or_default();
        wire.kept = bytes[taken.used..].to_vec();
        wire.stopped = taken.then == Then::WhenTold;
        wire.least = if let Then::AtLeast(least) = taken.then { least } else { 0 };
        self.perform(&bytes);
        self.depth -= 1;
    }

    fn perform(&mut self, input: &[u8]) {
        let (mut reads, mut dialled) = (Vec::new(), Vec::new());
        for output in self.out.list.clone() {
            match output {
                Output::Send { to, piece } => {
                    let bytes = self.out.bytes(piece, input).to_vec();
                    if to.is_server() {
                        self.learn_prefix(&bytes);
                    }
                    self.wires.entry(to).or_default().heard.extend(bytes);
                }
                Output::Dial { conn, dial } => {
                    self.wires.insert(conn, Wire::default());
                    match self.out.dials[dial as usize] {
                        DialTo::Server(_) => {
                            self.servers.push(conn);
                            dialled.push(conn);
                        }
                        DialTo::SameAs(victim) => self.couriers.push((conn, victim)),
                    }
                }
                Output::Read { conn } => reads.push(conn),
                Output::Hold { conn } => self.wires.entry(conn).or_default().held = true,
                Output::StartTls { .. } => panic!("no TLS on this stand"),
                Output::Shut { conn } => self.wires.entry(conn).or_default().shut = true,
                Output::Close { conn } | Output::Finish { conn } => {
                    let wire = self.wires.entry(conn).or_default();
                    assert!(!wire.over, "{conn:?} was closed twice");
                    wire.over = true;
                }
            }
        }
        self.remarks.append(&mut self.out.remarks);
        let notes = std::mem::take(&mut self.out.notes);
        for conn in reads {
            let wire = self.wires.entry(conn).or_default();
            (wire.stopped, wire.held, wire.least) = (false, false, 0);
            self.offer(conn);
        }
        for note in notes {
            self.note(note);
        }
        if self.greets {
            for conn in dialled {
                self.greet(conn, REPORTS);
            }
        }
    }

    /// The server that was dialled logs us in, and reports these settings.
    pub(crate) fn greet(&mut self, server: ConnId, reports: &str) {
        self.take(Input::Dialled { conn: server });
        assert!(self.hear(server).starts_with("Startup "), "a server is greeted first");
        self.say(server, &format!("R ok | {reports} | K 1001 | Z I"));
    }

    /// What a steward would answer.
    fn note(&mut self, note: Note) {
        match &note {
            Note::Knock { conn, key } => self.admit(*conn, key.clone()),
            Note::Want { slice, servers, .. } => {
                self.wants.insert(*slice, *servers);
                self.grant(*slice);
            }
            Note::Back { slice, credits, why } => {
                self.credits += credits;
                self.backs.push(why.clone());
                match why {
                    Back::Closed => self.grant(*slice),
                    Back::Refused(_) => self.patient = true,
                    Back::Unneeded => {}
                }
            }
            _ => {}
        }
        self.notes.push(note);
    }

    fn grant(&mut self, slice: SliceId) {
        let wants = self.wants.entry(slice).or_default();
        let credits = (*wants).min(self.credits);
        if credits > 0 && !self.patient {
            *wants -= credits;
            self.credits -= credits;
            self.order(Order::Grant { slice, credits });
        }
    }

    fn admit(&mut self, conn: ConnId, key: PoolKey) {
        let next = self.slices.len() as u32 + 1;
        let slice = *self.slices.entry(key.clone()).or_insert(SliceId(next));
        if slice == SliceId(next) {
            self.open(slice, key, false);
        }
        self.places += 1;
        let admission = Admission { public: PublicId(self.places), home: WorkerId(0), slice };
        self.order(Order::Admit { conn, verdict: Ok(admission) });
    }

    /// The steward opens a pool, or tells its settings anew.
    pub(crate) fn open(&mut self, slice: SliceId, key: PoolKey, stale: bool) {
        let settings = Arc::new(self.config.pool(&key.database, &key.user).expect("a pool"));
        self.order(Order::Open { slice, pool: PoolId(slice.0), key, settings, stale });
    }
}
