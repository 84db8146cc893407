//! One connection to the model server, from its first byte to its exit.

use wire::auth::scram::server::{AwaitingProof, ClientFirst};
use wire::auth::scram::{MECHANISM, NONCE_BYTES};
use wire::encode;
use wire::frame;
use wire::frontend;
use wire::startup::{First, Startup};

use super::super::scram;
use super::run::Step;
use super::session::{Session, SqlError, write_error};
use super::settings::Settings;
use super::{Method, Postgres};

/// It stops making output above this, as a full socket would.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;
/// From the decision to exit to the free slot.
const EXIT_US: u64 = 300;
/// From a cancel request to its signal.
const SIGNAL_US: u64 = 200;

/// Where a backend is in its life.
#[derive(Debug)]
pub(crate) enum Life {
    /// Reads the startup packet.
    Packet,
    /// Has asked for the password.
    Password(Box<Login>),
    /// Has asked for a SCRAM exchange; the challenge that is out.
    Sasl(Box<Login>, Option<Box<AwaitingProof>>),
    Session(Box<Session>),
    /// A cancel request: signals, then exits.
    Cancel {
        at: u64,
    },
    /// Exits at that moment; it holds its slot until then.
    Leaving {
        at: u64,
    },
    Gone,
}

/// Who wants to log in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    user: String,
    database: String,
    settings: Vec<(String, String)>,
}

/// One backend.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) pid: u32,
    pub(crate) secret: [u8; 4],
    pub(crate) life: Life,
    /// It holds a slot.
    pub(crate) slot: bool,
    /// It is past authentication and counts against its role and database.
    pub(crate) counted: bool,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// The other end has closed.
    pub(crate) eof: bool,
    /// Something happened to it from outside.
    pub(crate) stirred: bool,
    doomed: Option<SqlError>,
}

impl Backend {
    pub(super) fn new(pid: u32, secret: [u8; 4]) -> Self {
        Self {
            pid,
            secret,
            life: Life::Packet,
            slot: false,
            counted: false,
            user: String::new(),
            database: String::new(),
            input: Vec::new(),
            output: Vec::new(),
            eof: false,
            stirred: false,
            doomed: None,
        }
    }

    /// The session, where it has come that far.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.life {
            Life::Session(session) => Some(session),
            Life::Packet
            | Life::Password(_)
            | Life::Sasl(..)
            | Life::Cancel { .. }
            | Life::Leaving { .. }
            | Life::Gone => None,
        }
    }

    /// SIGTERM.
    pub(super) fn terminate(&mut self, code: &'static str, text: &'static str) {
        self.doomed = Some(SqlError::new(code, text, "ProcessInterrupts"));
        self.stirred = true;
    }

    /// Works until it waits; the moment to go on by itself, if any.
    pub(super) fn turn(&mut self, now: u64, server: &mut Postgres) -> Option<u64> {
        if let Some(error) = self.doomed.take()
            && !matches!(self.life, Life::Leaving { .. } | Life::Gone)
        {
            self.flush_session();
            self.refuse(now, &error);
        }
        loop {
            match &mut self.life {
                Life::Packet => {
                    if !self.read_packet(now, server) {
                        return self.wait_or_leave(now);
                    }
                }
                Life::Password(_) => {
                    if !self.read_password(now, server) {
                        return self.wait_or_leave(now);
                    }
                }
                Life::Sasl(..) => {
                    if !self.read_sasl(now, server) {
                        return self.wait_or_leave(now);
                    }
                }
                Life::Session(_) => match self.work(now, server) {
                    Step::Progress => {}
                    Step::Until(at) => return Some(at),
                    Step::Idle if self.eof && self.output.len() < OUTPUT_BYTES_MAX => self.leave(now),
                    Step::Idle => return None,
                },
                Life::Cancel { at } if now < *at => return Some(*at),
                Life::Cancel { .. } => {
                    server.signal(now);
                    self.life = Life::Gone;
                }
                Life::Leaving { at } if now < *at => return Some(*at),
                Life::Leaving { .. } => self.life = Life::Gone,
                Life::Gone => {
                    if self.eof {
                        self.output.clear();
                    }
                    return None;
                }
            }
        }
    }

    fn wait_or_leave(&mut self, now: u64) -> Option<u64> {
        if !self.eof {
            return None;
        }
        self.leave(now);
        Some(now + EXIT_US)
    }

    fn leave(&mut self, now: u64) {
        self.life = Life::Leaving { at: now + EXIT_US };
    }

    fn refuse(&mut self, now: u64, error: &SqlError) {
        write_error(&mut self.output, "FATAL", error);
        self.leave(now);
    }

    fn flush_session(&mut self) {
        if let Life::Session(session) = &mut self.life {
            while let Some(message) = session.take_flushed() {
                self.output.extend_from_slice(&message);
            }
        }
    }

    /// True where it went on.
    fn read_packet(&mut self, now: u64, server: &mut Postgres) -> bool {
        let Ok(len) = wire::startup::first_packet_len(&self.input) else {
            self.leave(now);
            return true;
        };
        let Some(len) = len.filter(|len| self.input.len() >= *len) else { return false };
        let packet: Vec<u8> = self.input.drain(..len).collect();
        match First::read(&packet) {
            Ok(First::SslRequest | First::GssEncRequest) => self.output.push(b'N'),
            Ok(First::Cancel { pid, secret }) => {
                let at = now + SIGNAL_US;
                server.cancel(at, pid, secret);
                self.life = Life::Cancel { at };
            }
            Ok(First::Startup(startup)) => self.start(now, &startup, server),
            Err(error) => {
                self.refuse(now, &SqlError::new("08P01", error.to_string(), "ProcessStartupPacket"))
            }
        }
        true
    }

    fn start(&mut self, now: u64, startup: &Startup<'_>, server: &mut Postgres) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let settings = startup.all_settings().unwrap_or_default();
        let login = Login {
            user: text(startup.user),
            database: text(startup.database),
            settings: settings.iter().map(|(name, value)| (text(name), text(value))).collect(),
        };
        if let Err(error) = server.admit_slot() {
            return self.refuse(now, &error);
        }
        self.slot = true;
        self.user.clone_from(&login.user);
        self.database.clone_from(&login.database);
        match server.setup.method {
            Method::Trust => self.log_in(now, login, server),
            Method::Password => {
                encode::auth_cleartext(&mut self.output);
                self.life = Life::Password(Box::new(login));
            }
            Method::Scram => {
                encode::auth_sasl(&mut self.output, &[MECHANISM]);
                self.life = Life::Sasl(Box::new(login), None);
            }
        }
    }

    fn read_password(&mut self, now: u64, server: &mut Postgres) -> bool {
        let Some((tag, body)) = take_message(&mut self.input) else { return false };
        let Life::Password(login) = &mut self.life else { return false };
        let login = std::mem::take(login.as_mut());
        let known = server.setup.roles.get(&login.user).map(|role| role.password.clone());
        let given = body.strip_suffix(b"\0").unwrap_or(&body);
        if tag == b'p' && known.is_some_and(|known| known.as_bytes() == given) {
            self.log_in(now, login, server);
        } else {
            self.wrong_password(now, &login.user);
        }
        true
    }

    fn read_sasl(&mut self, now: u64, server: &mut Postgres) -> bool {
        let Some((tag, body)) = take_message(&mut self.input) else { return false };
        let Life::Sasl(login, out) = &mut self.life else { return false };
        let (login, out) = (std::mem::take(login.as_mut()), out.take());
        if tag != b'p' || !server.setup.roles.contains_key(&login.user) {
            self.wrong_password(now, &login.user);
            return true;
        }
        match out {
            None => {
                let data = frontend::sasl_initial(&body).ok().and_then(|(_, data)| data);
                let Some(first) = data.and_then(|data| ClientFirst::read(data).ok()) else {
                    self.wrong_password(now, &login.user);
                    return true;
                };
                let (awaiting, challenge) =
                    first.challenge(scram::verifier(), &[self.pid as u8; NONCE_BYTES]);
                encode::auth_sasl_continue(&mut self.output, &challenge);
                self.life = Life::Sasl(Box::new(login), Some(Box::new(awaiting)));
            }
            Some(awaiting) => match awaiting.client_final(&body) {
                Ok(proven) => {
                    encode::auth_sasl_final(&mut self.output, &proven.server_final);
                    self.log_in(now, login, server);
                }
                Err(_) => self.wrong_password(now, &login.user),
            },
        }
        true
    }

    fn wrong_password(&mut self, now: u64, user: &str) {
        let text = format!("password authentication failed for user \"{user}\"");
        self.refuse(now, &SqlError::new("28P01", text, "auth_failed"));
    }

    fn log_in(&mut self, now: u64, login: Login, server: &mut Postgres) {
        encode::auth_ok(&mut self.output);
        if let Err(error) = server.admit_session(&login.user, &login.database) {
            return self.refuse(now, &error);
        }
        match Settings::new(&login.user, &login.settings) {
            Err(error) => self.refuse(now, &error),
            Ok(settings) => {
                let mut session = Session::new(self.pid, settings, server.setup.report_late);
                session.welcome(&self.secret);
                self.counted = true;
                self.life = Life::Session(Box::new(session));
                self.flush_session();
            }
        }
    }

    /// One piece of work of a session.
    fn work(&mut self, now: u64, server: &mut Postgres) -> Step {
        self.flush_session();
        let Life::Session(session) = &mut self.life else { return Step::Idle };
        if self.output.len() >= OUTPUT_BYTES_MAX {
            if self.eof {
                // Writing fails: the query dies with it.
                self.output.clear();
                session.ended = true;
            } else {
                return Step::Idle;
            }
        }
        if session.ended {
            self.leave(now);
            return Step::Progress;
        }
        let step = session.step(now, &mut server.shared);
        let Life::Session(session) = &mut self.life else { return step };
        if step != Step::Idle || !(session.resting() || session.copy.is_some()) {
            self.flush_session();
            return step;
        }
        if session.resting() && !session.news.is_empty() {
            session.tell_news();
            if session.tx == super::session::Tx::None {
                session.flush();
                self.flush_session();
            }
        }
        let Some((tag, body)) = take_message(&mut self.input) else { return Step::Idle };
        let Life::Session(session) = &mut self.life else { return step };
        session.message(tag, &body, &mut server.shared);
        self.flush_session();
        Step::Progress
    }
}

/// Takes a whole message off the front.
pub(crate) fn take_message(input: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let header = frame::peek(input, u32::MAX).ok()??;
    if input.len() < header.total() {
        return None;
    }
    let message: Vec<u8> = input.drain(..header.total()).collect();
    Some((header.tag, message[frame::HEADER..].to_vec()))
}
