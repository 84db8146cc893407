//! A client's shadow: the same bytes given to a session of its own, and what a direct connection would have answered.
//!
//! The shadow is lazy: it does no more than the client has seen answered, so that a cancel, which hits at a moment that
//! nobody can foretell, can be given to it where it was seen to hit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wire::backend::{Fields, parameter_status};

use super::postgres::session::{Session, Shared, SqlError, Tx};
use super::postgres::settings::Settings;
use super::postgres::sql::Statement;

/// Settings that follow a client wherever it is served.
pub(crate) const FOLLOWING: [&str; 5] =
    ["application_name", "client_encoding", "DateStyle", "standard_conforming_strings", "TimeZone"];

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// As expected, or news that is no answer.
    Fine,
    /// The proxy or the server says goodbye: code and text.
    Fatal(String, String),
}

/// What a direct connection would have answered.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) session: Session,
    pub(crate) shared: Shared,
    input: VecDeque<(u8, Vec<u8>)>,
    /// Session state may be gone after each transaction.
    forgetful: bool,
    /// The client's view of the settings, by what it was told.
    pub(crate) view: BTreeMap<String, String>,
    /// What it ought to believe.
    told: BTreeMap<String, String>,
    /// Nothing of the present request has been answered yet, and there is no transaction.
    fresh: bool,
    /// Cancel requests the client has sent and not seen hit.
    pub(crate) cancels: u32,
    ever_listened: BTreeSet<String>,
    traces_ever: BTreeSet<String>,
    /// What its startup packet brought: never forgotten, unless it said otherwise since.
    brought: Vec<String>,
    /// How often the plan of a text broke.
    pub(crate) broken: BTreeMap<String, u64>,
    /// The goodbye it was told is the one that a direct connection would have said.
    pub(crate) deserved: bool,
    clock: u64,
}

impl Shadow {
    pub(crate) fn new(user: &str, startup: &[(String, String)], report_late: bool, forgetful: bool) -> Self {
        let settings = Settings::new(user, startup).unwrap_or_default();
        let mut session = Session::new(0, settings, report_late);
        session.welcome(b"key!");
        let mut shadow = Self {
            session,
            shared: Shared::default(),
            input: VecDeque::new(),
            forgetful,
            view: BTreeMap::new(),
            told: BTreeMap::new(),
            fresh: true,
            cancels: 0,
            ever_listened: BTreeSet::new(),
            traces_ever: BTreeSet::new(),
            brought: Vec::new(),
            broken: BTreeMap::new(),
            deserved: false,
            clock: 0,
        };
        while let Some(message) = shadow.session.take_any() {
            shadow.note(&message);
        }
        shadow.brought = shadow.session.stains();
        shadow.traces_ever.extend(shadow.brought.iter().cloned());
        shadow
    }

    /// The client has sent this.
    pub(crate) fn sent(&mut self, tag: u8, body: &[u8]) {
        self.input.push_back((tag, body.to_vec()));
    }

    /// Remembers what a message of the shadow tells aside; true where it is no answer.
    fn note(&mut self, message: &[u8]) -> bool {
        if message[0] == b'S'
            && let Some((name, value)) = parameter_status(&message[5..])
        {
            self.told.insert(text(name), text(value));
        }
        matches!(message[0], b'S' | b'A')
    }

    /// The next answer is made, if there is one.
    fn advance(&mut self) -> Option<Vec<u8>> {
        loop {
            while let Some(message) = self.session.take_any() {
                if !self.note(&message) {
                    return Some(message);
                }
            }
            if !self.turn() {
                return None;
            }
        }
    }

    /// One step; false where there is nothing to do.
    fn turn(&mut self) -> bool {
        if !self.session.resting() && self.session.copy.is_none() {
            self.clock += 3_600_000_000;
            self.session.step(self.clock, &mut self.shared);
        } else {
            let Some((tag, body)) = self.input.pop_front() else { return false };
            self.session.message(tag, &body, &mut self.shared);
        }
        self.ever_listened.extend(self.session.listens.iter().cloned());
        self.traces_ever.extend(self.session.stains());
        true
    }

    /// Nothing is owed to the client.
    pub(crate) fn quiet(&mut self) -> bool {
        loop {
            while let Some(message) = self.session.out.front() {
                let aside = matches!(message[0], b'S' | b'A');
                if !aside {
                    return false;
                }
                if let Some(message) = self.session.take_any() {
                    self.note(&message);
                }
            }
            if !self.session.resting() && self.session.copy.is_none() {
                return false;
            }
            let Some((tag, body)) = self.input.front() else { return true };
            let silent = match (&self.session.copy, tag) {
                (Some(_), b'd') => !body.starts_with(b"BAD"),
                (Some(_), b'S' | b'H') => true,
                (Some(_), _) => false,
                (None, b'S' | b'X') => false,
                (None, b'H' | b'd' | b'c' | b'f') => true,
                (None, _) => self.session.skipping,
            };
            if !silent {
                return false;
            }
            self.turn();
        }
    }

    /// Compares a message that the client received.
    pub(crate) fn check(&mut self, message: &[u8]) -> Result<Seen, String> {
        let (tag, body) = (message[0], &message[5..]);
        match tag {
            b'S' => {
                let (name, value) = parameter_status(body).ok_or("a ParameterStatus that does not parse")?;
                self.view.insert(text(name), text(value));
                return Ok(Seen::Fine);
            }
            b'A' => return self.notification(body),
            b'N' if Fields::parse(body).message() == Some(b"query_wait_notify") => return Ok(Seen::Fine),
            b'E' => {
                let fields = Fields::parse(body);
                let field = |letter| text(fields.field(letter).unwrap_or_default());
                if fields.is_fatal() {
                    // What it would have done next, it has not seen done.
                    let committed = self.shared.rows.len();
                    self.deserved = self.advance().is_some_and(|expected| expected == message);
                    if !self.deserved {
                        self.shared.rows.truncate(committed);
                    }
                    return Ok(Seen::Fatal(field(b'C'), field(b'M')));
                }
                if self.outside_error(message, &field(b'C'), &field(b'M')) {
                    return Ok(Seen::Fine);
                }
            }
            _ => {}
        }
        let expected = self.advance().ok_or_else(|| format!("{} where nothing is owed", show(message)))?;
        self.fresh = (tag == b'Z' && self.session.tx == Tx::None) || (self.fresh && tag == b'3');
        if expected != message && !self.alike(&expected, message) {
            return Err(format!(
                "received {}, a direct connection would say {}",
                show(message),
                show(&expected)
            ));
        }
        if tag == b'Z' {
            self.compare_views()?;
        }
        Ok(Seen::Fine)
    }

    fn notification(&self, body: &[u8]) -> Result<Seen, String> {
        let channel = text(body[4..].split(|b| *b == 0).next().unwrap_or_default());
        if self.forgetful {
            return Err(format!("a notification on {channel}, though no session is its own"));
        }
        if !self.ever_listened.contains(&channel) {
            return Err(format!("a notification on {channel}, to which it never listened"));
        }
        Ok(Seen::Fine)
    }

    /// Errors that come from outside of the session's own logic: cancels, and plans broken by an ALTER TABLE.
    fn outside_error(&mut self, message: &[u8], code: &str, said: &str) -> bool {
        if code == "57014" && said.starts_with("canceling statement") && self.cancels > 0 {
            return self.take_cancel();
        }
        if code == "0A000" && said.starts_with("cached plan") {
            return self.take_broken_plan(message);
        }
        false
    }

    fn take_cancel(&mut self) -> bool {
        if self.fresh && self.session.resting() && self.session.out.is_empty() {
            return self.take_cancel_in_line();
        }
        while self.session.running.is_none() && self.session.copy.is_none() {
            if self.session.out.iter().any(|message| !matches!(message[0], b'S' | b'A')) || !self.turn() {
                return false;
            }
        }
        if self.session.out.iter().any(|message| !matches!(message[0], b'S' | b'A')) {
            return false;
        }
        self.cancels -= 1;
        self.session.cancelled = true;
        match self.session.copy {
            None => {
                self.session.step(self.clock, &mut self.shared);
            }
            Some(_) => {
                // A server looks for cancels at a row, and has passed over any Sync or Flush in front of it.
                while matches!(self.input.front(), Some((b'S' | b'H', _))) {
                    self.input.pop_front();
                }
                self.session.message(b'd', b"", &mut self.shared);
            }
        }
        self.fresh = false;
        loop {
            match self.session.take_any() {
                Some(message) if message[0] == b'E' => return true,
                Some(message) => drop(self.note(&message)),
                None => return false,
            }
        }
    }

    /// The proxy has cancelled a client that stood in line: the whole request is gone.
    fn take_cancel_in_line(&mut self) -> bool {
        if self.input.is_empty() {
            // A query that was begun and will not be ended: its front is enough to answer it.
            self.session.ready();
        }
        while let Some((tag, body)) = self.input.front() {
            // A query or Parse that is answered so has been begun, and has destroyed the unnamed statement.
            if matches!((tag, body.first()), (b'Q', _) | (b'P', Some(0))) {
                self.session.statements.remove("");
            }
            match tag {
                b'H' | b'd' | b'c' | b'f' => drop(self.input.pop_front()),
                b'Q' | b'F' => {
                    self.input.pop_front();
                    self.session.ready();
                    break;
                }
                _ => {
                    self.session.skipping = true;
                    break;
                }
            }
        }
        self.cancels -= 1;
        self.fresh = false;
        true
    }

    fn take_broken_plan(&mut self, _message: &[u8]) -> bool {
        if !self.session.out.is_empty() || !self.session.resting() {
            return false;
        }
        let Some((tag, body)) = self.input.front() else { return false };
        let name = match tag {
            b'B' => body.split(|b| *b == 0).nth(1).map(text),
            b'D' if body.first() == Some(&b'S') => Some(text(&body[1..body.len() - 1])),
            _ => None,
        };
        let prepared = name.and_then(|name| self.session.statements.get(&name));
        let Some(Statement::FromTable(token)) = prepared.and_then(|prepared| prepared.statement.clone())
        else {
            return false;
        };
        *self.broken.entry(token).or_default() += 1;
        self.input.pop_front();
        let error =
            SqlError::new("0A000", "cached plan must not change result type", "RevalidateCachedQuery");
        self.session.fail(&super::postgres::How::Portal(String::new()), &error);
        while let Some(message) = self.session.take_any() {
            self.note(&message);
        }
        self.fresh = false;
        true
    }

    /// Rows that show the session's state may miss what was forgotten between transactions, but show nothing else.
    fn alike(&self, expected: &[u8], message: &[u8]) -> bool {
        if expected[0] == b'E' && message[0] == b'E' {
            return self.names_another(expected, message);
        }
        if !self.forgetful || expected[0] != b'D' || message[0] != b'D' {
            return false;
        }
        let (expected, message) = (text(&expected[11..]), text(&message[11..]));
        let (mut expected, mut message) = (expected.split('|'), message.split('|'));
        let first = expected.next();
        let found: BTreeSet<&str> = message.clone().skip(1).collect();
        let brought = self.brought.iter().filter(|trace| expected.clone().any(|now| now == trace.as_str()));
        first.is_some_and(|first| first.starts_with("whoami ") && message.next() == Some(first))
            && message.all(|trace| self.traces_ever.contains(trace))
            && brought.into_iter().all(|trace| found.contains(trace.as_str()))
    }

    /// An error that names a prepared statement may name another one of this client's, of the same text.
    fn names_another(&self, expected: &[u8], message: &[u8]) -> bool {
        let (expected, message) = (text(&expected[5..]), text(&message[5..]));
        let (a, b): (Vec<&str>, Vec<&str>) = (expected.split('"').collect(), message.split('"').collect());
        let [a0, a1, a2] = a[..] else { return false };
        let [b0, b1, b2] = b[..] else { return false };
        let text_of = |name: &str| self.session.statements.get(name).map(|prepared| &prepared.statement);
        (a0, a2) == (b0, b2) && text_of(b1).is_some() && (text_of(a1) == text_of(b1) || text_of(a1).is_none())
    }

    fn compare_views(&self) -> Result<(), String> {
        for name in FOLLOWING {
            let (view, told) = (self.view.get(name), self.told.get(name));
            if view != told {
                return Err(format!(
                    "believes that {name} is {view:?}; a direct connection would say {told:?}"
                ));
            }
        }
        Ok(())
    }

    /// The first ReadyForQuery of the login.
    pub(crate) fn check_welcome(&self) -> Result<(), String> {
        if !self.view.contains_key("server_version") {
            return Err("no server_version in the welcome".into());
        }
        self.compare_views()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A message in short.
pub(crate) fn show(message: &[u8]) -> String {
    let body: String =
        message[5..].iter().take(80).map(|b| if (32..127).contains(b) { *b as char } else { '.' }).collect();
    format!("{:?}[{}]{body:?}", message[0] as char, message.len() - 5)
}
