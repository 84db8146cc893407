//! The functions themselves. The engine's tests include this file, so it depends on nothing of the fuzzer's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::contract::{DialError, Gone, Input, Output, Outputs, Peer};
use engine::orders::{Admission, Note, Order};
use engine::time::Now;
use engine::worker::Worker;
use model::config::checked::{AuthType, Config};
use model::id::{ConnId, PoolId, PublicId, SliceId, Ticket, WorkerId};
use wire::auth::scram::{Verifier, client, derive, server};
use wire::backend::{self, Authentication, Fields};
use wire::{frame as frames, frontend, startup as first};

/// Readers of messages, both directions.
pub fn frame(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(header)) = frames::peek(rest, 1 << 20) {
        let body = rest
            .get(frames::HEADER..header.total())
            .unwrap_or(rest.get(frames::HEADER..).unwrap_or_default());
        let _ = frontend::Parse::read(body).map(|parse| parse.parameter_types().count());
        let _ = frontend::bind_names(body);
        let _ = frontend::describe_or_close(body);
        let _ = frontend::execute(body);
        let _ = frontend::query(body);
        let _ = backend::parameter_status(body);
        let _ = backend::command_tag(body);
        let _ = backend::backend_key(body);
        let _ = backend::ready_for_query(body);
        if let Some(Authentication::Sasl { mechanisms }) = Authentication::parse(body) {
            let _ = mechanisms.count();
        }
        let fields = Fields::parse(body);
        let _ = (fields.code(), fields.is_fatal(), fields.routine(), fields.iter().count());
        let _ = backend::negotiate(body).map(|negotiation| negotiation.unrecognized.count());
        rest = rest.get(header.total()..).unwrap_or_default();
    }
}

/// The first packet.
pub fn startup(bytes: &[u8]) {
    let _ = first::first_packet_len(bytes);
    if let Ok(first::First::Startup(startup)) = first::First::read(bytes) {
        let _ = startup.needs_negotiation();
        let _ = startup.all_settings();
    }
    let _ = first::parse_options(bytes);
}

/// Both sides of a SCRAM exchange; the first byte chooses, a zero byte parts the messages.
pub fn scram(bytes: &[u8]) {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let mut messages = rest.split(|byte| *byte == 0);
    let (one, two) = (messages.next().unwrap_or_default(), messages.next().unwrap_or_default());
    match which % 3 {
        0 => {
            let Ok(asked) = server::ClientFirst::read(one) else { return };
            let verifier =
                Verifier::of(&derive(b"secret", b"saltsaltsaltsalt", 1), b"saltsaltsaltsalt", 4096);
            let (waiting, _) = asked.challenge(verifier, &[7; 18]);
            let _ = waiting.client_final(two);
        }
        1 => {
            let (waiting, _) = client::start(client::Credential::Password, &[7; 18]);
            if let Ok(client::Challenged::NeedsDerive(needs)) = waiting.server_first(one) {
                let keys = derive(b"secret", needs.salt(), 1).keys();
                let (waiting, _) = needs.derived(&keys);
                let _ = waiting.server_final(two);
            }
        }
        _ => {
            let _ = Verifier::parse(one);
        }
    }
}

/// A worker with a steward that says yes, driven by a script of bytes: what happens, to whom, and with what.
struct Play {
    worker: Worker,
    config: Arc<Config>,
    out: Outputs,
    now: Now,
    conns: Vec<ConnId>,
    kept: BTreeMap<ConnId, Vec<u8>>,
    opened: bool,
    admitted: u64,
}

impl Play {
    fn take(&mut self, input: Input<'_>) {
        self.out.clear();
        self.worker.on(self.now, input, &mut self.out);
        self.perform();
    }

    fn bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(kept) = self.kept.get_mut(&conn) else { return };
        kept.extend_from_slice(bytes);
        let whole = std::mem::take(kept);
        self.out.clear();
        let taken = self.worker.on(self.now, Input::Bytes { conn, bytes: &whole }, &mut self.out);
        assert!(taken.used <= whole.len(), "no more is used than was given");
        if let Some(kept) = self.kept.get_mut(&conn) {
            *kept = whole[taken.used..].to_vec();
        }
        self.perform();
    }

    fn perform(&mut self) {
        for output in std::mem::take(&mut self.out.list) {
            match output {
                Output::Dial { conn, .. } => {
                    self.conns.push(conn);
                    self.kept.insert(conn, Vec::new());
                }
                Output::Close { conn } | Output::Finish { conn } => {
                    assert!(self.kept.remove(&conn).is_some(), "each connection ends once");
                    self.conns.retain(|other| *other != conn);
                }
                Output::Send { to, .. } => {
                    assert!(self.kept.contains_key(&to), "bytes go to somebody who is there")
                }
                Output::Hold { .. } | Output::Read { .. } | Output::StartTls { .. } | Output::Shut { .. } => {
                }
            }
        }
        for note in std::mem::take(&mut self.out.notes) {
            self.note(note);
        }
    }

    fn note(&mut self, note: Note) {
        let slice = SliceId(1);
        match note {
            Note::Knock { conn, key } => {
                let Ok(settings) = self.config.pool(&key.database, &key.user) else { return };
                if !std::mem::replace(&mut self.opened, true) {
                    let settings = Arc::new(settings);
                    self.take(Input::Order(Order::Open {
                        slice,
                        pool: PoolId(1),
                        key,
                        settings,
                        stale: false,
                    }));
                }
                self.admitted += 1;
                let admission = Admission { public: PublicId(self.admitted), home: WorkerId(0), slice };
                self.take(Input::Order(Order::Admit { conn, verdict: Ok(admission) }));
            }
            Note::Want { slice, servers, .. } if servers > 0 => {
                self.take(Input::Order(Order::Grant { slice, credits: servers.min(2) }));
            }
            _ => {}
        }
    }

    fn step(&mut self, op: u8, who: u8, data: &[u8]) {
        let conn = self.conns.get(usize::from(who) % self.conns.len().max(1)).copied();
        match (op % 8, conn) {
            (0, _) => {
                self.out.clear();
                let peer = Peer::Ip([127, 0, 0, 1].into(), 1);
                if let Some(conn) = self.worker.accept(self.now, peer, &mut self.out) {
                    self.conns.push(conn);
                    self.kept.insert(conn, Vec::new());
                }
                self.perform();
            }
            (1..=3, Some(conn)) => self.bytes(conn, data),
            (4, Some(conn)) if conn.is_server() => self.take(Input::Dialled { conn }),
            (5, Some(conn)) if conn.is_server() => {
                self.take(Input::DialFailed { conn, why: DialError::Refused })
            }
            (6, Some(conn)) => self.take(Input::Gone { conn, how: Gone::Eof }),
            _ => {
                self.now = self.now.plus(Duration::from_millis(u64::from(who)));
                self.take(Input::Tick);
            }
        }
    }
}

/// A worker, its clients and its servers: operation, whom, length, bytes, and again.
pub fn worker(bytes: &[u8]) {
    let mut config = Config::for_tests();
    config.proxy.auth_type = AuthType::Trust;
    let config = Arc::new(config);
    let mut play = Play {
        worker: Worker::new(WorkerId(0), [7; 32], 1000, config.clone()),
        config,
        out: Outputs::default(),
        now: Now(1),
        conns: Vec::new(),
        kept: BTreeMap::new(),
        opened: false,
        admitted: 0,
    };
    if bytes.len().is_multiple_of(2) {
        play.take(Input::Order(Order::Record { ticket: Ticket(1), since: Some(play.now) }));
    }
    let mut rest = bytes;
    while let [op, who, len, tail @ ..] = rest {
        let (data, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        play.step(*op, *who, data);
        rest = tail;
    }
}
