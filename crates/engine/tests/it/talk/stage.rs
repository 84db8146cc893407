//! One worker on a stage: lines go in, lines come out. It keeps bytes as a shell does and admits and grants as a
//! steward does, so that a conversation shows only what matters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::contract::{DialError, DialTo, Gone, Input, Output, Outputs, Peer, Then};
use engine::orders::{Admission, Drain, Note, Order, Scope};
use engine::remark::Remark;
use engine::time::Now;
use engine::trace::Batch;
use engine::worker::Worker;
use model::config::checked::{AuthType, Config, Database, SecretText, User};
use model::config::value::Given;
use model::id::{ConnId, PoolId, PublicId, SliceId, Ticket, WorkerId};

use super::notation::{backend, frontend, messages, show_backend, show_frontend, words};

/// How a server greets.
const GREETING: &str = "R ok | S server_version=15.20 | S client_encoding=UTF8 | S DateStyle=\"ISO, MDY\" | \
    S TimeZone=Etc/UTC | S standard_conforming_strings=on | S application_name= | S IntervalStyle=postgres | \
    S in_hot_standby=off | K 1001 | Z I";

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    stopped: bool,
    held: bool,
    least: usize,
    started: bool,
    over: bool,
}

/// Bytes and ends, by connection: what a cut must not change.
pub(crate) type Sent = BTreeMap<String, Vec<u8>>;

/// The stage.
pub(crate) struct Stage {
    worker: Worker,
    config: Arc<Config>,
    out: Outputs,
    now: Now,
    names: BTreeMap<String, ConnId>,
    kept: BTreeMap<ConnId, Kept>,
    dialled: u32,
    opened: bool,
    credits: u32,
    wants: u32,
    next: u64,
    keys: BTreeMap<String, (u32, Vec<u8>)>,
    prefix: String,
    /// Names of the database that must be vacant: the worker's question, oldest first.
    asked: Vec<Ticket>,
    /// Nothing is granted: the pool's database must be vacant.
    vacating: bool,
    /// Lines that came out.
    pub(crate) lines: Vec<String>,
    pub(crate) sent: Sent,
    /// Sizes of the pieces in which bytes are offered; empty: whole.
    pub(crate) cuts: Vec<usize>,
}

/// Words of the line are `credits=N` and settings: of `[proxy]`, as `db.` of the database, as `user.` of alice.
fn config(line: &str) -> (Config, u32) {
    let mut config = Config::for_tests();
    config.proxy.auth_type = AuthType::Trust;
    let mut alice = account("alice");
    let mut database = Database { server: "main".into(), ..Database::with_defaults("app".into()) };
    let mut credits = 1;
    for word in words(line) {
        let (key, value) = word.split_once('=').unwrap_or((&word, ""));
        match (key, value) {
            ("credits", n) => credits = n.parse().expect("a number"),
            _ => {
                let given = Given::Word(value.into());
                let set = match key.split_once('.') {
                    Some(("db", key)) => database.set(key, &given),
                    Some(("user", key)) => alice.set(key, &given),
                    _ => config.proxy.set(key, &given),
                };
                set.unwrap_or_else(|| panic!("no such setting: {key}")).expect("a value of this setting");
            }
        }
    }
    config.add_database(database);
    config.add_user(alice);
    config.add_user(account("bob"));
    (config, credits)
}

fn account(name: &str) -> User {
    User { password: Some(SecretText::new("secret".into())), ..User::with_defaults(name.into()) }
}

impl Stage {
    pub(crate) fn new(settings: &str) -> Self {
        let (config, credits) = config(settings);
        let config = Arc::new(config);
        Self {
            worker: Worker::new(WorkerId(0), [7; 32], 1000, config.clone()),
            config,
            out: Outputs::default(),
            now: Now(1_000_000),
            names: BTreeMap::new(),
            kept: BTreeMap::new(),
            dialled: 0,
            opened: false,
            credits,
            wants: 0,
            next: 0,
            keys: BTreeMap::new(),
            prefix: String::new(),
            asked: Vec::new(),
            vacating: false,
            lines: Vec::new(),
            sent: Sent::new(),
            cuts: Vec::new(),
        }
    }

    /// Plays one line.
    pub(crate) fn play(&mut self, line: &str) {
        let who = line.split([' ', '<']).next().unwrap_or_default();
        let named = who.starts_with(['C', 'S']) && who[1..].parse::<u32>().is_ok();
        if named && !self.names.contains_key(who) && !line.ends_with("connects") && !line.contains("logs in")
        {
            return self.say(format!("there is no {who}"));
        }
        if let Some((who, text)) = line.split_once("< ") {
            let mut bytes = Vec::new();
            if let Some(victim) = text.strip_prefix("Cancel ") {
                let (pid, secret) = self.keys.get(victim).cloned().expect("a client that has its key");
                wire::encode::cancel_request(&mut bytes, pid, &secret);
            } else {
                let text = text.replace("cw#", &self.prefix);
                for words in messages(&text) {
                    if who.starts_with('S') {
                        backend(&mut bytes, &words)
                    } else {
                        frontend(&mut bytes, &words)
                    }
                }
            }
            return self.bytes(who, &bytes);
        }
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            [who, "connects"] => self.connect(who),
            [who, "logs", "in", ref pairs @ ..] => {
                self.connect(who);
                let pairs: String = pairs.iter().map(|pair| format!(" \"{pair}\"")).collect();
                self.play(&format!("{who}< Startup user=alice database=app{pairs}"));
            }
            [who, "dialled"] => self.take(Input::Dialled { conn: self.names[who] }),
            [who, "greets"] => {
                self.take(Input::Dialled { conn: self.names[who] });
                self.play(&format!("{who}< {GREETING}"));
            }
            [who, "refused"] => {
                self.take(Input::DialFailed { conn: self.names[who], why: DialError::Refused });
            }
            [who, "eof"] => self.take(Input::Gone { conn: self.names[who], how: Gone::Eof }),
            [who, "reset"] => self.take(Input::Gone { conn: self.names[who], how: Gone::Reset }),
            [who, "backlogged"] => self.take(Input::Backlogged { conn: self.names[who] }),
            [who, "drained"] => self.take(Input::Drained { conn: self.names[who] }),
            ["wait", ms] => {
                self.now = self.now.plus(Duration::from_millis(ms.parse().expect("milliseconds")));
                self.take(Input::Tick);
            }
            ["order", order] => self.order(order),
            _ => panic!("not a line of a conversation: {line:?}"),
        }
    }

    fn order(&mut self, order: &str) {
        let (ticket, scope) = (Ticket(99), Scope::All);
        self.vacating = order == "vacate" || self.vacating && order != "reopen";
        let order = match order {
            "pause" => Order::Pause { ticket, scope },
            "resume" => Order::Resume { ticket, scope },
            "reconnect" => Order::Reconnect { ticket, scope },
            "kill" => Order::Kill { ticket, scope },
            "drain" => Order::Drain(Drain::WhenIdle),
            "record" => Order::Record { ticket, since: Some(self.now) },
            "record-no-more" => Order::Record { ticket, since: None },
            "vacate" => Order::Vacate { ticket, slice: SliceId(1) },
            "reopen" => Order::Reopen { ticket, slice: SliceId(1) },
            "vacant" => Order::Vacant { ticket: self.asked.remove(0) },
            "revoke" => Order::Revoke { slice: SliceId(1), credits: 1 },
            other => panic!("no such order: {other}"),
        };
        self.take(Input::Order(order));
    }

    fn recorded(&mut self, batch: &Batch) {
        for row in &batch.rows {
            let pool = &batch.pools[row.pool as usize];
            let end = match row.hold_us {
                Some(hold) => format!("held {} ms", hold / 1_000),
                None => "gave up".to_owned(),
            };
            let (at, wait) = (row.at_us / 1_000, row.wait_us / 1_000);
            self.say(format!("row: {}/{} at {at} ms, waited {wait} ms, {end}", pool.database, pool.user));
        }
        if let Some(unfinished) = batch.unfinished {
            self.say(format!("rows end, {unfinished} unfinished"));
        }
    }

    fn connect(&mut self, who: &str) {
        self.out.clear();
        let peer = Peer::Ip([10, 0, 0, 1].into(), 5000 + self.kept.len() as u16);
        let conn = self.worker.accept(self.now, peer, &mut self.out).expect("a client is wanted");
        self.names.insert(who.to_owned(), conn);
        self.kept.insert(conn, Kept { started: true, ..Kept::default() });
        self.perform(&[]);
    }

    fn take(&mut self, input: Input<'_>) {
        self.out.clear();
        self.worker.on(self.now, input, &mut self.out);
        self.perform(&[]);
    }

    fn bytes(&mut self, who: &str, bytes: &[u8]) {
        let conn = self.names[who];
        let mut rest = bytes;
        let mut cuts = std::mem::take(&mut self.cuts).into_iter();
        while !rest.is_empty() {
            let len = cuts.next().unwrap_or(rest.len()).clamp(1, rest.len());
            let Some(kept) = self.kept.get_mut(&conn) else { break };
            kept.bytes.extend_from_slice(&rest[..len]);
            rest = &rest[len..];
            self.offer(conn);
        }
        self.cuts = cuts.collect();
    }

    fn offer(&mut self, conn: ConnId) {
        let Some(kept) = self.kept.get_mut(&conn) else { return };
        if kept.stopped || kept.held || kept.over || kept.bytes.is_empty() || kept.bytes.len() < kept.least {
            return;
        }
        let bytes = std::mem::take(&mut kept.bytes);
        self.out.clear();
        let taken = self.worker.on(self.now, Input::Bytes { conn, bytes: &bytes }, &mut self.out);
        let Some(kept) = self.kept.get_mut(&conn) else { return };
        kept.bytes = bytes[taken.used..].to_vec();
        kept.stopped = taken.then == Then::WhenTold;
        kept.least = if let Then::AtLeast(least) = taken.then { least } else { 0 };
        self.perform(&bytes);
    }

    fn name(&self, conn: ConnId) -> String {
        self.names.iter().find(|(_, known)| **known == conn).map_or("?".to_owned(), |(name, _)| name.clone())
    }

    fn say(&mut self, line: String) {
        self.lines.push(format!("  {line}"));
    }

    fn perform(&mut self, input: &[u8]) {
        let mut sends: Vec<(ConnId, Vec<u8>)> = Vec::new();
        let mut reads = Vec::new();
        let (mut later, mut overs) = (Vec::new(), Vec::new());
        for output in self.out.list.clone() {
            match output {
                Output::Send { to, piece } => {
                    let bytes = self.out.bytes(piece, input).to_vec();
                    match sends.iter_mut().find(|(conn, _)| *conn == to) {
                        Some((_, pending)) => pending.extend(bytes),
                        None => sends.push((to, bytes)),
                    }
                }
                Output::Dial { conn, dial } => self.dial(conn, dial),
                Output::Read { conn } => reads.push(conn),
                Output::Hold { conn } => {
                    self.kept.entry(conn).or_default().held = true;
                    later.push(format!("hold {}", self.name(conn)));
                }
                Output::StartTls { conn } => later.push(format!("start TLS {}", self.name(conn))),
                Output::Shut { conn } => later.push(format!("shut {}", self.name(conn))),
                Output::Close { conn } | Output::Finish { conn } => {
                    self.kept.entry(conn).or_default().over = true;
                    let how = if matches!(output, Output::Close { .. }) { "close" } else { "finish" };
                    later.push(format!("{how} {}", self.name(conn)));
                    overs.push(self.name(conn));
                }
            }
        }
        for (conn, bytes) in sends {
            self.send(conn, &bytes);
        }
        for line in later {
            self.say(line);
        }
        for name in overs {
            self.sent.entry(name).or_default().extend_from_slice(b"<over>");
        }
        let notes = std::mem::take(&mut self.out.notes);
        for remark in std::mem::take(&mut self.out.remarks) {
            self.remark(&remark);
        }
        for conn in reads {
            let kept = self.kept.entry(conn).or_default();
            (kept.stopped, kept.held, kept.least) = (false, false, 0);
            self.offer(conn);
        }
        for note in notes {
            self.note(note);
        }
    }

    fn dial(&mut self, conn: ConnId, dial: u32) {
        self.dialled += 1;
        let name = format!("S{}", self.dialled);
        self.names.insert(name.clone(), conn);
        self.kept.insert(conn, Kept::default());
        let line = match self.out.dials[dial as usize].clone() {
            DialTo::Server(_) => format!("dial {name}"),
            DialTo::SameAs(other) => format!("dial {name} as {}", self.name(other)),
        };
        self.say(line);
    }

    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        let name = self.name(conn);
        self.sent.entry(name.clone()).or_default().extend_from_slice(bytes);
        let kept = self.kept.entry(conn).or_default();
        let shown = if conn.is_server() {
            let shown = show_frontend(bytes, kept.started);
            kept.started = true;
            shown
        } else {
            self.learn_key(&name, bytes);
            show_backend(bytes)
        };
        let mut line = shown.join(" | ");
        if let Some(at) = line.find("cw_") {
            self.prefix = line[at..at + 20].to_owned();
        }
        if !self.prefix.is_empty() {
            line = line.replace(&self.prefix, "cw#");
        }
        self.say(format!("{name}> {line}"));
    }

    fn learn_key(&mut self, name: &str, bytes: &[u8]) {
        let mut rest = bytes;
        while let Ok(Some(header)) = wire::frame::peek(rest, 1 << 30) {
            if rest.len() < header.total() {
                return;
            }
            if header.tag == b'K'
                && let Some((pid, secret)) = wire::backend::backend_key(&rest[5..header.total()])
            {
                self.keys.insert(name.to_owned(), (pid, secret.to_vec()));
            }
            rest = &rest[header.total()..];
        }
    }

    fn remark(&mut self, remark: &Remark) {
        match remark {
            Remark::OutOfStep { tag, owed, .. } => {
                self.say(format!("out of step: {:?}, owed {owed}", *tag as char))
            }
            Remark::Tainted { reason, .. } => self.say(format!("tainted: {reason}")),
            _ => {}
        }
    }

    /// What a steward would answer.
    fn note(&mut self, note: Note) {
        match note {
            Note::Knock { conn, key } => {
                if !self.opened {
                    self.opened = true;
                    let settings = self.config.pool(&key.database, &key.user).expect("a pool");
                    self.take(Input::Order(Order::Open {
                        slice: SliceId(1),
                        pool: PoolId(1),
                        key,
                        settings: Arc::new(settings),
                        stale: false,
                    }));
                }
                self.next += 1;
                let public = PublicId(self.next);
                let admission = Admission { public, home: WorkerId(0), slice: SliceId(1) };
                self.take(Input::Order(Order::Admit { conn, verdict: Ok(admission) }));
            }
            Note::Want { slice, servers, .. } => {
                self.wants = servers;
                let credits = servers.min(self.credits);
                if credits > 0 && !self.vacating {
                    self.credits -= credits;
                    self.take(Input::Order(Order::Grant { slice, credits }));
                }
            }
            Note::Back { slice, credits, why } => {
                self.credits += credits;
                let why = format!("{why:?}");
                let why = why.split(['(', ' ']).next().unwrap_or_default().to_owned();
                self.say(format!("back: {credits} {why}"));
                let again = self.wants.min(self.credits);
                if again > 0 && why == "Closed" && !self.vacating {
                    self.credits -= again;
                    self.wants -= again;
                    self.take(Input::Order(Order::Grant { slice, credits: again }));
                }
            }
            Note::Recorded { batch } => self.recorded(&batch),
            Note::Done { found, .. } => self.say(format!("done, found: {found}")),
            Note::Drained => self.say("drained".to_owned()),
            Note::Vacate { ticket, database, .. } => {
                self.asked.push(ticket);
                self.say(format!("to be vacant: {database}"));
            }
            Note::VacancyOver { .. } => self.say("need not be vacant any more".to_owned()),
            Note::Vacant { .. } => self.say("vacant".to_owned()),
            Note::Cancel { .. } | Note::CancelDone { .. } => self.say(format!("{note:?}")),
            _ => {}
        }
    }
}
