//! A model client: plays its script, reads what comes, and compares every message with its shadow's.

use std::collections::VecDeque;

use wire::backend::{Authentication, backend_key};
use wire::encode::{self, Version};
use wire::frame;

use super::net::{End, Ending, Net};
use super::scram::Exchange;
use super::script::Act;
use super::shadow::{Seen, Shadow, show};
use crate::rng::Rng;

/// How a client's visit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did all it wanted.
    Done,
    /// It closed the connection by itself, in the midst of something.
    Vanished,
    /// It was told goodbye: code and text.
    Refused(String, String),
    /// The connection ended without a word.
    Dropped,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Login,
    Playing,
    Over(Outcome),
}

/// What a client asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Call again then.
    At(u64),
    /// Send a cancel request with this key.
    Cancel { pid: u32, secret: Vec<u8> },
}

/// Who it is and what it brings.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) token: String,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) password: String,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) lasting: bool,
    pub(crate) report_late: bool,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) visit: Visit,
    pub(crate) end: End,
    pub(crate) shadow: Shadow,
    stage: Stage,
    script: VecDeque<Act>,
    /// Bytes that the socket did not take yet.
    unsent: VecDeque<u8>,
    received: Vec<u8>,
    exchange: Exchange,
    key: Option<(u32, Vec<u8>)>,
    resume_at: u64,
    stalled_until: u64,
    parsed: Vec<u8>,
    leaving: bool,
    rng: Rng,
    pub(crate) answers: u64,
    /// The connection ended within a message.
    pub(crate) cut: bool,
    /// When the last progress was made: a byte sent or received.
    pub(crate) stirred_at: u64,
}

impl Client {
    pub(crate) fn new(visit: Visit, end: End, script: Vec<Act>, rng: Rng) -> Self {
        let shadow = Shadow::new(&visit.user, &visit.settings, visit.report_late, !visit.lasting);
        let mut first = Vec::new();
        let mut pairs =
            vec![(&b"user"[..], visit.user.as_bytes()), (&b"database"[..], visit.database.as_bytes())];
        pairs.extend(visit.settings.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        encode::startup(&mut first, Version { major: 3, minor: 0 }, pairs.into_iter());
        Self {
            visit,
            end,
            shadow,
            stage: Stage::Login,
            script: script.into(),
            unsent: first.into(),
            received: Vec::new(),
            exchange: Exchange::None,
            key: None,
            resume_at: 0,
            stalled_until: 0,
            parsed: Vec::new(),
            leaving: false,
            rng,
            answers: 0,
            cut: false,
            stirred_at: 0,
        }
    }

    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Over(outcome) => Some(outcome),
            Stage::Login | Stage::Playing => None,
        }
    }

    /// What it is doing, for a report.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} {:?}, next act {:?}, {} bytes unsent, since {} us",
            self.visit.token,
            self.stage,
            self.script.front(),
            self.unsent.len(),
            self.stirred_at
        )
    }

    /// It is somebody's turn: reads, plays, writes. `Err`: it received what it should not have.
    pub(crate) fn turn(&mut self, now: u64, net: &mut Net) -> Result<Vec<Wish>, String> {
        let mut wishes = Vec::new();
        if matches!(self.stage, Stage::Over(_)) {
            return Ok(wishes);
        }
        self.read(now, net)?;
        if now < self.stalled_until {
            wishes.push(Wish::At(self.stalled_until));
        }
        loop {
            self.write(now, net);
            if self.stage != Stage::Playing || now < self.resume_at || !self.unsent.is_empty() {
                break;
            }
            let Some(act) = self.script.pop_front() else { break };
            if !self.play(now, net, act, &mut wishes) {
                break;
            }
        }
        if now < self.resume_at {
            wishes.push(Wish::At(self.resume_at));
        }
        Ok(wishes)
    }

    /// True where the script goes on at once.
    fn play(&mut self, now: u64, net: &mut Net, act: Act, wishes: &mut Vec<Wish>) -> bool {
        match act {
            Act::Send(bytes) => {
                self.tell_shadow(&bytes);
                self.unsent.extend(bytes);
            }
            Act::Await => {
                if !self.shadow.quiet() {
                    self.script.push_front(Act::Await);
                    return false;
                }
            }
            Act::Think(us) => {
                self.resume_at = now + us;
                return us == 0;
            }
            Act::Stall(us) => self.stalled_until = now + us,
            Act::Cancel => {
                if let Some((pid, secret)) = self.key.clone() {
                    self.shadow.cancels += 1;
                    wishes.push(Wish::Cancel { pid, secret });
                }
            }
            Act::Leave => {
                self.unsent.extend(encode::TERMINATE);
                self.leaving = true;
                self.write(now, net);
            }
            Act::Vanish => {
                let how = if self.rng.percent(50) { Ending::Fin } else { Ending::Reset };
                net.end(now, self.end, how);
                self.stage = Stage::Over(Outcome::Vanished);
                return false;
            }
        }
        true
    }

    fn tell_shadow(&mut self, bytes: &[u8]) {
        self.parsed.extend_from_slice(bytes);
        while let Some(len) = whole(&self.parsed) {
            let message: Vec<u8> = self.parsed.drain(..len).collect();
            self.shadow.sent(message[0], &message[frame::HEADER..]);
        }
    }

    fn write(&mut self, now: u64, net: &mut Net) {
        while !self.unsent.is_empty() {
            let (front, _) = self.unsent.as_slices();
            let taken = net.write(now, self.end, front);
            if taken == 0 {
                return;
            }
            self.stirred_at = now;
            self.unsent.drain(..taken);
        }
        if self.leaving {
            self.leaving = false;
            net.end(now, self.end, Ending::Fin);
            self.stage = Stage::Over(Outcome::Done);
        }
    }

    fn read(&mut self, now: u64, net: &mut Net) -> Result<(), String> {
        if now < self.stalled_until {
            return Ok(());
        }
        let bytes = net.read(now, self.end, usize::MAX);
        if !bytes.is_empty() {
            self.stirred_at = now;
        }
        self.received.extend(bytes);
        while let Some(len) = whole(&self.received) {
            let message: Vec<u8> = self.received.drain(..len).collect();
            self.take(&message)?;
            if matches!(self.stage, Stage::Over(_)) {
                return Ok(());
            }
        }
        if net.readable(self.end) == 0 && net.ended(self.end).is_some() {
            self.cut = !self.received.is_empty();
            net.end(now, self.end, Ending::Fin);
            self.stage = Stage::Over(Outcome::Dropped);
        }
        Ok(())
    }

    fn take(&mut self, message: &[u8]) -> Result<(), String> {
        self.answers += 1;
        if self.stage == Stage::Login {
            return self.take_login(message);
        }
        match self.shadow.check(message)? {
            Seen::Fine => {}
            Seen::Fatal(code, text) => self.stage = Stage::Over(Outcome::Refused(code, text)),
        }
        Ok(())
    }

    fn take_login(&mut self, message: &[u8]) -> Result<(), String> {
        let body = &message[frame::HEADER..];
        match message[0] {
            b'R' => match Authentication::parse(body) {
                Some(Authentication::Ok) if self.exchange.is_settled() => {}
                Some(Authentication::CleartextPassword) => {
                    let mut out = Vec::new();
                    encode::password(&mut out, self.visit.password.as_bytes());
                    self.unsent.extend(out);
                }
                Some(
                    asked @ (Authentication::Sasl { .. }
                    | Authentication::SaslContinue(_)
                    | Authentication::SaslFinal(_)),
                ) => {
                    let mut out = Vec::new();
                    let exchange = std::mem::take(&mut self.exchange);
                    self.exchange = exchange.step(asked, &self.visit.password, &mut self.rng, &mut out)?;
                    self.unsent.extend(out);
                }
                other => return Err(format!("an unexpected authentication request: {other:?}")),
            },
            b'S' | b'E' => match self.shadow.check(message)? {
                Seen::Fine => {}
                Seen::Fatal(code, text) => self.stage = Stage::Over(Outcome::Refused(code, text)),
            },
            b'K' => self.key = backend_key(body).map(|(pid, secret)| (pid, secret.to_vec())),
            b'Z' => {
                if body != b"I" || self.key.is_none() {
                    return Err("the login ends without a key, or not idle".into());
                }
                self.shadow.check_welcome()?;
                self.stage = Stage::Playing;
            }
            b'N' => {}
            _ => return Err(format!("{} during login", show(message))),
        }
        Ok(())
    }
}

/// Length of the whole message at the front.
fn whole(bytes: &[u8]) -> Option<usize> {
    let header = frame::peek(bytes, u32::MAX).ok()??;
    (bytes.len() >= header.total()).then_some(header.total())
}
