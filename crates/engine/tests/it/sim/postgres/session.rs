//! One session as PostgreSQL keeps it: transaction, settings, prepared statements, portals, what it listens to.
//!
//! A session takes one message at a time and answers in steps, so that whoever drives it (a model backend, or a
//! client's shadow) may look, cancel or stop between any two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wire::backend::TxStatus;
use wire::encode;

use super::run::Running;
use super::settings::{Mark, REPORTED, Settings};
use super::sql::Statement;

/// An error as the server says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) routine: &'static str,
}

impl SqlError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, routine: &'static str) -> Self {
        Self { code, message: message.into(), routine }
    }
}

/// What all sessions of one server share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Committed rows of table `t`, in order of commit.
    pub(crate) rows: Vec<String>,
    /// Counts ALTER TABLE.
    pub(crate) generation: u64,
    /// Committed notifications: channel, payload, sender's process id. Whoever drives the sessions delivers them.
    pub(crate) notifications: Vec<(String, String, u32)>,
}

/// Where a session is between transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tx {
    None,
    /// Begun by a statement, ends with it or at Sync.
    Implicit,
    Block,
    Failed,
}

/// A prepared statement. `None`: an empty text.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) statement: Option<Statement>,
    /// The table's generation at Parse.
    pub(crate) generation: u64,
    /// Made by SQL's PREPARE.
    pub(crate) by_sql: bool,
}

/// A portal of the extended protocol.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    pub(crate) statement: Option<Statement>,
    pub(crate) values: Vec<Option<Vec<u8>>>,
    /// Rows sent by earlier Executes; `None`: not begun.
    pub(crate) sent: Option<u64>,
    pub(crate) at_end: bool,
}

/// COPY FROM STDIN under way.
#[derive(Clone, Debug)]
pub(crate) struct CopyIn {
    pub(crate) extended: bool,
    pub(crate) rows: Vec<String>,
}

/// What a rollback brings back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    settings: Mark,
    temp: BTreeSet<String>,
    listens: BTreeSet<String>,
    cursors: BTreeMap<String, (bool, String)>,
    inserts: usize,
    notifies: usize,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) pid: u32,
    /// Report changed settings only before ReadyForQuery, as since PostgreSQL 14.
    pub(crate) report_late: bool,
    pub(crate) settings: Settings,
    pub(crate) reported: BTreeMap<&'static str, String>,
    pub(crate) tx: Tx,
    pub(crate) before: Before,
    pub(crate) savepoints: Vec<(String, Before)>,
    pub(crate) inserts: Vec<String>,
    pub(crate) notifies: Vec<(String, String)>,
    pub(crate) temp: BTreeSet<String>,
    /// What is listened to, the transaction's own changes included.
    pub(crate) listens: BTreeSet<String>,
    pub(crate) locks: BTreeSet<String>,
    /// SQL cursors: with hold?, row.
    pub(crate) cursors: BTreeMap<String, (bool, String)>,
    pub(crate) statements: BTreeMap<String, Prepared>,
    pub(crate) portals: BTreeMap<String, Portal>,
    /// An error in an extended batch: everything is ignored until Sync.
    pub(crate) skipping: bool,
    pub(crate) copy: Option<CopyIn>,
    pub(crate) running: Option<Running>,
    /// The rest of a simple query string.
    pub(crate) plan: Option<VecDeque<Statement>>,
    /// A cancel has come and is to be seen by what runs.
    pub(crate) cancelled: bool,
    /// Messages made and not taken yet.
    pub(crate) out: VecDeque<Vec<u8>>,
    /// So many of them may leave.
    pub(crate) flushed: usize,
    unflushed_bytes: usize,
    /// It said goodbye.
    pub(crate) ended: bool,
    /// Notifications to be told when idle.
    pub(crate) news: VecDeque<(String, String, u32)>,
}

impl Session {
    pub(crate) fn new(pid: u32, settings: Settings, report_late: bool) -> Self {
        Self {
            pid,
            report_late,
            settings,
            reported: BTreeMap::new(),
            tx: Tx::None,
            before: Before::default(),
            savepoints: Vec::new(),
            inserts: Vec::new(),
            notifies: Vec::new(),
            temp: BTreeSet::new(),
            listens: BTreeSet::new(),
            locks: BTreeSet::new(),
            cursors: BTreeMap::new(),
            statements: BTreeMap::new(),
            portals: BTreeMap::new(),
            skipping: false,
            copy: None,
            running: None,
            plan: None,
            cancelled: false,
            out: VecDeque::new(),
            flushed: 0,
            unflushed_bytes: 0,
            ended: false,
            news: VecDeque::new(),
        }
    }

    /// The parameters, the key and the first ReadyForQuery.
    pub(crate) fn welcome(&mut self, secret: &[u8]) {
        self.report();
        let pid = self.pid;
        self.send(|out| encode::backend_key(out, pid, secret));
        self.ready();
    }

    /// Queues one message.
    pub(crate) fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut message = Vec::new();
        write(&mut message);
        self.unflushed_bytes += message.len();
        self.out.push_back(message);
        if self.unflushed_bytes >= 8192 {
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        self.flushed = self.out.len();
        self.unflushed_bytes = 0;
    }

    /// The next message that may leave.
    pub(crate) fn take_flushed(&mut self) -> Option<Vec<u8>> {
        self.flushed = self.flushed.checked_sub(1)?;
        self.out.pop_front()
    }

    /// The next message, though it may not leave yet.
    pub(crate) fn take_any(&mut self) -> Option<Vec<u8>> {
        self.flushed = self.flushed.saturating_sub(1);
        self.out.pop_front()
    }

    pub(crate) fn status(&self) -> TxStatus {
        match self.tx {
            Tx::None | Tx::Implicit => TxStatus::Idle,
            Tx::Block => TxStatus::InTransaction,
            Tx::Failed => TxStatus::Failed,
        }
    }

    /// True where it waits for a command, with nothing half done.
    pub(crate) fn resting(&self) -> bool {
        self.running.is_none() && self.plan.is_none() && self.copy.is_none()
    }

    pub(crate) fn ready(&mut self) {
        self.tell_news();
        self.report();
        let status = self.status();
        self.send(|out| encode::ready(out, status));
        self.flush();
    }

    /// Tells notifications, where that is allowed: outside of transactions.
    pub(crate) fn tell_news(&mut self) {
        if self.tx != Tx::None {
            return;
        }
        while let Some((channel, payload, from)) = self.news.pop_front() {
            self.send(|out| {
                let mut body = from.to_be_bytes().to_vec();
                for text in [&channel, &payload] {
                    body.extend_from_slice(text.as_bytes());
                    body.push(0);
                }
                frame(out, b'A', &body);
            });
        }
    }

    /// Sends ParameterStatus for whatever changed.
    pub(crate) fn report(&mut self) {
        for name in REPORTED {
            let value = self.settings.show(name).unwrap_or_default().to_owned();
            if self.reported.get(name) != Some(&value) {
                self.send(|out| encode::parameter_status(out, name.as_bytes(), value.as_bytes()));
                self.reported.insert(name, value);
            }
        }
    }

    pub(crate) fn say_error(&mut self, error: &SqlError) {
        self.send(|out| write_error(out, "ERROR", error));
        self.flush();
    }

    pub(crate) fn notice(&mut self, severity: &'static str, code: &'static str, text: &str) {
        let error = SqlError::new(code, text, "exec_stmt_raise");
        self.send(|out| {
            write_error(out, severity, &error);
            out[0] = b'N';
        });
    }

    fn snapshot(&self) -> Before {
        Before {
            settings: self.settings.mark(),
            temp: self.temp.clone(),
            listens: self.listens.clone(),
            cursors: self.cursors.clone(),
            inserts: self.inserts.len(),
            notifies: self.notifies.len(),
        }
    }

    /// A statement begins: a transaction is there from now on.
    pub(crate) fn begin_implicit(&mut self) {
        if self.tx == Tx::None {
            self.tx = Tx::Implicit;
            self.before = self.snapshot();
        }
    }

    fn restore(&mut self, before: &Before) {
        self.settings.back_to(&before.settings);
        self.temp.clone_from(&before.temp);
        self.listens.clone_from(&before.listens);
        self.cursors.clone_from(&before.cursors);
        self.inserts.truncate(before.inserts);
        self.notifies.truncate(before.notifies);
    }

    /// The transaction ends well.
    pub(crate) fn commit(&mut self, shared: &mut Shared) {
        self.settings.commit();
        shared.rows.append(&mut self.inserts);
        let pid = self.pid;
        let told = self.notifies.drain(..).map(|(channel, payload)| (channel, payload, pid));
        shared.notifications.extend(told);
        self.cursors.retain(|_, (hold, _)| *hold);
        self.transaction_over();
    }

    /// The transaction is undone.
    pub(crate) fn roll_back(&mut self) {
        let before = std::mem::take(&mut self.before);
        self.restore(&before);
        self.inserts.clear();
        self.notifies.clear();
        self.transaction_over();
    }

    fn transaction_over(&mut self) {
        self.tx = Tx::None;
        self.savepoints.clear();
        self.portals.clear();
    }

    pub(crate) fn savepoint(&mut self, name: &str) {
        let here = self.snapshot();
        self.savepoints.push((name.to_owned(), here));
    }

    /// ROLLBACK TO; false where there is no such savepoint.
    pub(crate) fn roll_back_to(&mut self, name: &str) -> bool {
        let Some(at) = self.savepoints.iter().rposition(|(known, _)| known == name) else { return false };
        self.savepoints.truncate(at + 1);
        let before = self.savepoints[at].1.clone();
        self.restore(&before);
        self.tx = Tx::Block;
        true
    }

    /// RELEASE; false where there is no such savepoint.
    pub(crate) fn release(&mut self, name: &str) -> bool {
        let Some(at) = self.savepoints.iter().rposition(|(known, _)| known == name) else { return false };
        self.savepoints.truncate(at);
        true
    }

    /// An error has been said: what it does to the transaction.
    pub(crate) fn fail_transaction(&mut self) {
        match self.tx {
            Tx::None => self.portals.clear(),
            Tx::Implicit => self.roll_back(),
            Tx::Block | Tx::Failed => self.tx = Tx::Failed,
        }
    }

    /// All that the next tenant of this session must not find; the session's own defaults are not mentioned.
    pub(crate) fn traces(&self) -> Vec<String> {
        let mut traces: Vec<String> =
            self.settings.changed().into_iter().map(|(name, value)| format!("set {name}={value}")).collect();
        traces.extend(self.temp.iter().map(|name| format!("temp {name}")));
        traces.extend(self.locks.iter().map(|key| format!("lock {key}")));
        traces.extend(self.listens.iter().map(|channel| format!("listen {channel}")));
        traces.extend(self.cursors.keys().map(|name| format!("cursor {name}")));
        let by_sql = self.statements.iter().filter(|(_, prepared)| prepared.by_sql);
        traces.extend(by_sql.map(|(name, _)| format!("prepared {name}")));
        traces
    }
}

/// One message from its tag and body.
pub(crate) fn frame(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}

/// ErrorResponse with the fields that PostgreSQL always sends.
pub(crate) fn write_error(out: &mut Vec<u8>, severity: &str, error: &SqlError) {
    let fields: [(u8, &[u8]); 7] = [
        (b'S', severity.as_bytes()),
        (b'V', severity.as_bytes()),
        (b'C', error.code.as_bytes()),
        (b'M', error.message.as_bytes()),
        (b'F', b"model.c"),
        (b'L', b"1"),
        (b'R', error.routine.as_bytes()),
    ];
    encode::error_fields(out, fields.into_iter());
}
