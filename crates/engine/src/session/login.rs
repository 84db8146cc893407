//! One client's way from its first byte to proof of who it is. It never speaks to a server and knows nothing of pools.
//!
//! ```text
//!   First --SSLRequest, GSSENCRequest: 'N'--> First      at most once each, nothing may follow in the same input
//!   First --SSLRequest: 'S'--> Tls --on_tls--> First
//!   First --CancelRequest--> Over
//!   First --StartupMessage--> Proving, or Over where nothing has to be proven
//!   Proving --message--> Proving, Deriving, Over
//!   Deriving --on_derived--> Proving, Over
//! ```
//!
//! Until the proof is there, a client learns nothing of which users and databases exist: a user who does not goes
//! through the same messages, and the database is looked up afterwards.

mod accounts;
mod answer;
mod asked;
mod proof;

use std::sync::Arc;
use std::{fmt, mem};

use model::config::checked::{Config, SecretText};
use rand_chacha::ChaCha8Rng;
use wire::auth::scram::{ClientKey, SaltedPassword};
use wire::encode;
use wire::startup::{self, First, Startup, StartupError};

use self::answer::{Answer, read_answer};
use self::asked::Asked;
use self::proof::{Proof, Slow, Verdict};
use super::keys::Keys;
use crate::contract::{Peer, Then};
use crate::orders::PoolKey;
use crate::refuse::Refusal;
use crate::tally::WorkerTally;

/// What a login needs of its worker.
pub struct LoginCx<'a> {
    /// Who may log in, and how.
    pub config: &'a Arc<Config>,
    /// For nonces and salts.
    pub rng: &'a mut ChaCha8Rng,
    /// Results of the slow step.
    pub keys: &'a mut Keys,
    /// Counts what logins asked to derive, and logins of users who do not exist.
    pub tally: &'a mut WorkerTally,
    /// The user id that this process runs under.
    pub own_uid: u32,
}

/// What happens next.
#[derive(Debug)]
pub enum LoginStep {
    /// Bytes: [`Then::More`] or [`Then::AtLeast`].
    Need(Then),
    /// No bytes: a derivation is outstanding.
    Wait,
    /// `S` has been written: turn TLS on, then tell [`Login::on_tls`].
    StartTls,
    /// The slow step; its result goes to [`Login::on_derived`].
    Derive {
        /// The stored password, or the one that was given.
        password: SecretText,
        /// The salt.
        salt: Box<[u8]>,
        /// The rounds, within their limit.
        iterations: u32,
    },
    /// Not a login: somebody's query is to be cancelled.
    Cancel {
        /// The first half of the key.
        pid: u32,
        /// The second half.
        secret: Box<[u8]>,
    },
    /// The client is who it says, and the database exists. AuthenticationOk is not sent.
    Proven(Box<Proven>),
    /// The same for the console; true for those who may command. AuthenticationOk is not sent.
    Console(Box<Proven>, bool),
    /// To be written by the caller, who then finishes.
    Refuse(Refusal),
    /// The client leaves.
    Leave,
}

/// A startup parameter: name and value.
pub type Parameter = (Arc<str>, Arc<[u8]>);

/// A client that has proven who it is.
pub struct Proven {
    /// Its pool.
    pub key: PoolKey,
    /// The minor protocol version spoken: 0 or 2.
    pub minor: u16,
    /// Startup parameters other than user, database and replication: names in lower case and each once, those of
    /// `options` first.
    pub parameters: Vec<Parameter>,
    /// What logs in to servers that have the same verifier.
    pub client_key: Option<[u8; 32]>,
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven")
            .field("key", &self.key)
            .field("minor", &self.minor)
            .field("parameters", &self.parameters)
            .field("client_key", &self.client_key.map(|_| "***"))
            .finish()
    }
}

enum State {
    First,
    Tls,
    Proving(Box<Asked>, Proof),
    Deriving(Box<Asked>, Slow),
    Over,
}

/// See the module.
pub struct Login {
    peer: Peer,
    state: State,
    offers_tls: bool,
    asked_tls: bool,
    asked_gss: bool,
}

/// Bytes used, and what to do; `None`: go on with the bytes behind them.
type Progress = (usize, Option<LoginStep>);

impl Login {
    /// Somebody connected.
    pub fn new(peer: Peer) -> Self {
        Self { peer, state: State::First, offers_tls: false, asked_tls: false, asked_gss: false }
    }

    /// SSLRequest is answered with `S`.
    pub fn offering_tls(self) -> Self {
        Self { offers_tls: true, ..self }
    }

    /// Bytes of the client: how many were used, and what to do.
    pub fn on_bytes(&mut self, mut cx: LoginCx<'_>, bytes: &[u8], send: &mut Vec<u8>) -> (usize, LoginStep) {
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let (taken, step) = match mem::replace(&mut self.state, State::Over) {
                State::First => self.on_first(&mut cx, rest, send),
                State::Tls if rest.is_empty() => self.stay(State::Tls, LoginStep::Wait),
                State::Tls => (0, Some(broken(AFTER_TLS))),
                State::Proving(asked, proof) => self.on_answer(&mut cx, asked, proof, rest, send),
                State::Deriving(asked, slow) => self.stay(State::Deriving(asked, slow), LoginStep::Wait),
                State::Over => (rest.len(), Some(LoginStep::Leave)),
            };
            used += taken;
            if let Some(step) = step {
                return (used, step);
            }
        }
    }

    /// The result of the [`LoginStep::Derive`] that was asked for.
    pub fn on_derived(&mut self, mut cx: LoginCx<'_>, salted: [u8; 32], send: &mut Vec<u8>) -> LoginStep {
        match mem::replace(&mut self.state, State::Over) {
            State::Deriving(asked, slow) => {
                let verdict = slow.on_derived(&mut cx, SaltedPassword::from_bytes(salted), send);
                self.on_verdict(&mut cx, asked, verdict).unwrap_or(LoginStep::Need(Then::More))
            }
            State::First | State::Tls | State::Proving(..) | State::Over => {
                LoginStep::Refuse(Refusal::OutOfStep)
            }
        }
    }

    /// TLS is on: everything begins anew, except that it cannot be asked for again.
    pub fn on_tls(&mut self) {
        if matches!(self.state, State::Tls) {
            self.state = State::First;
        }
    }

    fn stay(&mut self, state: State, step: LoginStep) -> Progress {
        self.state = state;
        (0, Some(step))
    }

    fn on_first(&mut self, cx: &mut LoginCx<'_>, bytes: &[u8], send: &mut Vec<u8>) -> Progress {
        let need = |bytes| LoginStep::Need(Then::AtLeast(bytes));
        let len = match startup::first_packet_len(bytes) {
            Ok(Some(len)) => len,
            Ok(None) => return self.stay(State::First, need(4)),
            Err(error) => return (0, Some(bad_startup(&error))),
        };
        let Some((packet, behind)) = bytes.split_at_checked(len) else {
            return self.stay(State::First, need(len));
        };
        let step = match First::read(packet) {
            Err(error) => Some(bad_startup(&error)),
            Ok(First::SslRequest) => self.on_tls_request(behind, send),
            Ok(First::GssEncRequest) => self.on_gss_request(behind, send),
            Ok(First::Cancel { pid, secret }) => Some(LoginStep::Cancel { pid, secret: secret.into() }),
            Ok(First::Startup(startup)) => self.on_startup(cx, &startup, send),
        };
        (len, step)
    }

    /// Bytes behind the request were sent before the answer was known: they are someone's attempt to have plain text
    /// taken for text that came encrypted.
    fn on_tls_request(&mut self, behind: &[u8], send: &mut Vec<u8>) -> Option<LoginStep> {
        if mem::replace(&mut self.asked_tls, true) {
            return Some(broken("SSL was requested twice"));
        }
        if !behind.is_empty() {
            return Some(broken(AFTER_TLS));
        }
        if self.offers_tls {
            // As in PostgreSQL, nothing else is negotiated under TLS.
            self.asked_gss = true;
            self.state = State::Tls;
            send.push(b'S');
            return Some(LoginStep::StartTls);
        }
        self.state = State::First;
        send.push(b'N');
        None
    }

    fn on_gss_request(&mut self, behind: &[u8], send: &mut Vec<u8>) -> Option<LoginStep> {
        if mem::replace(&mut self.asked_gss, true) {
            return Some(broken("GSSAPI encryption was requested twice"));
        }
        if !behind.is_empty() {
            return Some(broken("received unencrypted data after GSSAPI encryption request"));
        }
        self.state = State::First;
        send.push(b'N');
        None
    }

    fn on_startup(
        &mut self,
        cx: &mut LoginCx<'_>,
        startup: &Startup<'_>,
        send: &mut Vec<u8>,
    ) -> Option<LoginStep> {
        let asked = match Asked::of(startup, cx.config) {
            Ok(asked) => Box::new(asked),
            Err(refusal) => return Some(LoginStep::Refuse(refusal)),
        };
        if startup.needs_negotiation() {
            encode::negotiate(send, asked.minor.into(), &startup.unrecognized);
        }
        if accounts::is_console(&asked.database)
            && accounts::is_ourselves(&self.peer, &asked.user, cx.own_uid)
        {
            return Some(LoginStep::Console(Box::new(asked.proven(None)), true));
        }
        let verdict = proof::begin(cx, &asked, send);
        self.on_verdict(cx, asked, verdict)
    }

    fn on_answer(
        &mut self,
        cx: &mut LoginCx<'_>,
        asked: Box<Asked>,
        proof: Proof,
        bytes: &[u8],
        send: &mut Vec<u8>,
    ) -> Progress {
        match read_answer(bytes, proof.expects()) {
            Answer::Need(then) => self.stay(State::Proving(asked, proof), LoginStep::Need(then)),
            Answer::Leave => (0, Some(LoginStep::Leave)),
            Answer::Broken(text) => (0, Some(LoginStep::Refuse(Refusal::Protocol(text)))),
            Answer::Body(body, len) => {
                let verdict = proof.on_message(cx, &asked, body, send);
                (len, self.on_verdict(cx, asked, verdict))
            }
        }
    }

    fn on_verdict(&mut self, cx: &mut LoginCx<'_>, asked: Box<Asked>, verdict: Verdict) -> Option<LoginStep> {
        match verdict {
            Verdict::Right(client_key) => Some(admitted(cx.config, *asked, client_key)),
            Verdict::Wrong => {
                cx.tally.doomed_logins += u64::from(!accounts::knows(cx.config, &asked.user));
                Some(LoginStep::Refuse(Refusal::WrongPassword { user: (*asked.user).into() }))
            }
            Verdict::Broken(text) => Some(LoginStep::Refuse(Refusal::Protocol(text))),
            Verdict::Next(proof) => {
                self.state = State::Proving(asked, proof);
                None
            }
            Verdict::Slow(slow) => {
                cx.tally.derivations += 1;
                let step = slow.step();
                self.state = State::Deriving(asked, slow);
                Some(step)
            }
        }
    }
}

const AFTER_TLS: &str = "received unencrypted data after SSL request";

fn broken(text: &str) -> LoginStep {
    LoginStep::Refuse(Refusal::Protocol(text.into()))
}

fn bad_startup(error: &StartupError) -> LoginStep {
    LoginStep::Refuse(Refusal::BadStartup { code: error.code(), text: error.to_string().into() })
}

/// The user is who it says: now it may learn whether what it asked for exists.
fn admitted(config: &Config, asked: Asked, client_key: Option<ClientKey>) -> LoginStep {
    if accounts::is_console(&asked.database) {
        return match accounts::console_right(config, &asked.user) {
            Some(admin) => LoginStep::Console(Box::new(asked.proven(client_key)), admin),
            None => broken("not allowed"),
        };
    }
    if accounts::serves(config, &asked.database) {
        LoginStep::Proven(Box::new(asked.proven(client_key)))
    } else {
        LoginStep::Refuse(Refusal::NoSuchDatabase { database: (*asked.database).into() })
    }
}

#[cfg(test)]
mod tests;
