//! Statements at work: what they change, the rows they give, and how they end.

use wire::encode::{self, Column};

use super::session::{CopyIn, Portal, Prepared, Session, Shared, SqlError, Tx, frame};
use super::sql::{Discard, Statement};

/// On whose behalf a statement runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Simple,
    /// Of this portal.
    Portal(String),
}

/// Rows being made.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    how: How,
    row: Vec<Vec<u8>>,
    total: u64,
    next: u64,
    /// Rows that may still be sent this time.
    left: Option<u64>,
    this_time: u64,
    tag: &'static str,
    /// No row before that long; then the moment.
    sleep_us: Option<u64>,
    until: Option<u64>,
    /// Nobody else may be in this database meanwhile.
    pub(crate) alone: Option<String>,
}

/// How long what needs a database alone takes.
const ALONE_US: u64 = 4_000;

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something was done.
    Progress,
    /// Nothing before that moment.
    Until(u64),
    /// Nothing without a message.
    Idle,
}

const ABORTED: &str = "current transaction is aborted, commands ignored until end of transaction block";

/// The refusal of everything in a failed transaction.
pub(crate) fn aborted(routine: &'static str) -> SqlError {
    SqlError::new("25P02", ABORTED, routine)
}

fn not_in_block(what: &str) -> SqlError {
    SqlError::new("25P01", format!("{what} can only be used in transaction blocks"), "CheckTransactionBlock")
}

/// RowDescription of a statement, NoData where it gives no rows.
pub(crate) fn describe(out: &mut Vec<u8>, statement: Option<&Statement>) {
    match statement.and_then(|s| s.column().map(|name| (s, name))) {
        None => encode::no_data(out),
        Some((statement, name)) => {
            let type_oid =
                if matches!(statement, Statement::Lock(_) | Statement::UnlockAll) { 2278 } else { 25 };
            encode::row_description(out, &vec![Column { name, type_oid }; statement.columns()]);
        }
    }
}

impl Session {
    /// One step of whatever is under way.
    pub(crate) fn step(&mut self, now: u64, shared: &mut Shared) -> Step {
        if let Some(running) = self.running.take() {
            return self.step_rows(running, now, shared);
        }
        if self.copy.is_some() {
            return Step::Idle;
        }
        let Some(plan) = &mut self.plan else { return Step::Idle };
        match plan.pop_front() {
            Some(statement) => {
                if let Err(error) = self.start(&statement, &[], How::Simple, None, shared) {
                    self.fail(&How::Simple, &error);
                }
            }
            None => {
                self.plan = None;
                if self.tx == Tx::Implicit {
                    self.commit(shared);
                }
                self.ready();
            }
        }
        Step::Progress
    }

    fn step_rows(&mut self, mut running: Running, now: u64, shared: &mut Shared) -> Step {
        if self.cancelled {
            self.cancelled = false;
            let error =
                SqlError::new("57014", "canceling statement due to user request", "ProcessInterrupts");
            self.fail(&running.how.clone(), &error);
            return Step::Progress;
        }
        if let Some(us) = running.sleep_us.take() {
            running.until = Some(now + us);
        }
        if let Some(until) = running.until
            && now < until
        {
            self.running = Some(running);
            return Step::Until(until);
        }
        running.until = None;
        if running.left == Some(0) {
            self.suspend(&running);
        } else if running.next == running.total {
            self.rows_over(&running, shared);
        } else {
            self.send_row(&running);
            running.next += 1;
            running.this_time += 1;
            running.left = running.left.map(|left| left - 1);
            self.running = Some(running);
        }
        Step::Progress
    }

    fn send_row(&mut self, running: &Running) {
        if running.tag == "COPY" {
            let mut line = running.row[0].clone();
            line.push(b'\n');
            self.send(|out| frame(out, b'd', &line));
        } else {
            let values: Vec<Option<&[u8]>> = running.row.iter().map(|value| Some(&value[..])).collect();
            self.send(|out| encode::data_row(out, &values));
        }
    }

    fn suspend(&mut self, running: &Running) {
        if let How::Portal(name) = &running.how
            && let Some(portal) = self.portals.get_mut(name)
        {
            portal.sent = Some(running.next);
        }
        self.send(|out| out.extend_from_slice(encode::PORTAL_SUSPENDED));
    }

    fn rows_over(&mut self, running: &Running, _shared: &mut Shared) {
        if running.tag == "COPY" {
            self.send(|out| out.extend_from_slice(encode::COPY_DONE));
        }
        let tag = match running.tag {
            tag @ ("SHOW" | "DROP DATABASE" | "ALTER DATABASE" | "CREATE DATABASE") => tag.to_owned(),
            tag => format!("{tag} {}", running.this_time),
        };
        if let How::Portal(name) = &running.how
            && let Some(portal) = self.portals.get_mut(name)
        {
            portal.sent = Some(running.next);
            portal.at_end = true;
        }
        self.complete(&tag);
    }

    fn complete(&mut self, tag: &str) {
        if !self.report_late {
            self.report();
        }
        self.send(|out| encode::command_complete(out, tag));
    }

    /// Says an error, with all that follows from it.
    pub(crate) fn fail(&mut self, how: &How, error: &SqlError) {
        self.say_error(error);
        self.running = None;
        self.copy = None;
        self.fail_transaction();
        match how {
            How::Simple => {
                self.plan = None;
                self.ready();
            }
            How::Portal(_) => self.skipping = true,
        }
    }

    /// Begins a statement: rows come with the steps that follow, everything else is done here.
    pub(crate) fn start(
        &mut self,
        statement: &Statement,
        values: &[Option<Vec<u8>>],
        how: How,
        limit: Option<u64>,
        shared: &mut Shared,
    ) -> Result<(), SqlError> {
        if self.tx == Tx::Failed && !statement.ends_transaction() {
            return Err(aborted(if how == How::Simple {
                "exec_simple_query"
            } else {
                "exec_execute_message"
            }));
        }
        self.begin_implicit();
        if let Statement::CopyIn = statement {
            self.copy = Some(CopyIn { extended: how != How::Simple, rows: Vec::new() });
            self.send(|out| frame(out, b'G', &[0, 0, 1, 0, 0]));
            self.flush();
            return Ok(());
        }
        if let Statement::Execute(name) = statement {
            let known = self.statements.get(name).and_then(|prepared| prepared.statement.clone());
            let inner = known.ok_or_else(|| no_statement(name))?;
            return self.start(&inner, values, how, limit, shared);
        }
        if let Statement::CopyOut { .. } = statement {
            self.send(|out| frame(out, b'H', &[0, 0, 1, 0, 0]));
        }
        let rows = self.rows(statement, values)?;
        let Some((tag, total, row)) = rows else {
            let tag = self.perform(statement, shared)?;
            if let How::Portal(name) = &how
                && let Some(portal) = self.portals.get_mut(name)
            {
                portal.at_end = true;
            }
            self.complete(&tag);
            return Ok(());
        };
        let sent = self.portal_of(&how).and_then(|portal| portal.sent);
        if how == How::Simple && statement.column().is_some() {
            self.send(|out| describe(out, Some(statement)));
        }
        let sleep_us = match statement {
            Statement::Sleep { us, .. } if sent.is_none() => Some(*us),
            Statement::Alone { .. } if sent.is_none() => Some(ALONE_US),
            _ => None,
        };
        let next = sent.unwrap_or(0);
        let alone =
            if let Statement::Alone { database, .. } = statement { Some(database.clone()) } else { None };
        self.running = Some(Running {
            how,
            row,
            total,
            next,
            left: limit,
            this_time: 0,
            tag,
            sleep_us,
            until: None,
            alone,
        });
        Ok(())
    }

    fn portal_of(&self, how: &How) -> Option<&Portal> {
        match how {
            How::Simple => None,
            How::Portal(name) => self.portals.get(name),
        }
    }

    /// Tag, number and shape of the rows, with the effects of statements that give rows.
    #[expect(clippy::type_complexity, reason = "said once, read once")]
    fn rows(
        &mut self,
        statement: &Statement,
        values: &[Option<Vec<u8>>],
    ) -> Result<Option<(&'static str, u64, Vec<Vec<u8>>)>, SqlError> {
        let one = |text: &str| Ok(Some(("SELECT", 1, vec![text.as_bytes().to_vec()])));
        match statement {
            Statement::Literal(text) | Statement::Sleep { token: text, .. } => one(text),
            Statement::Parameter => {
                let value = values.first().cloned().flatten().unwrap_or_default();
                Ok(Some(("SELECT", 1, vec![value])))
            }
            Statement::ParameterWith(suffix) => {
                let mut value = values.first().cloned().flatten().unwrap_or_default();
                value.extend_from_slice(suffix.as_bytes());
                Ok(Some(("SELECT", 1, vec![value])))
            }
            Statement::Configure(pairs) => {
                let text = |at: usize| {
                    String::from_utf8_lossy(values.get(at).cloned().flatten().unwrap_or_default().as_slice())
                        .into_owned()
                };
                let mut row = Vec::new();
                for pair in 0..*pairs {
                    let value = self.settings.set(&text(2 * pair), Some(&text(2 * pair + 1)), false)?;
                    row.push(value.into_bytes());
                }
                Ok(Some(("SELECT", 1, row)))
            }
            Statement::ConfigureTo { name, value, local } => {
                let value = self.settings.set(name, Some(value), *local)?;
                one(&value)
            }
            Statement::Rows { rows, token, times } => {
                Ok(Some(("SELECT", *rows, vec![token.repeat(*times).into_bytes()])))
            }
            Statement::CopyOut { rows, token } => Ok(Some(("COPY", *rows, vec![token.clone().into_bytes()]))),
            Statement::Show(name) => {
                let value = self.settings.show_or_fail(name)?.to_owned();
                Ok(Some(("SHOW", 1, vec![value.into_bytes()])))
            }
            Statement::Lock(key) => {
                self.locks.insert(key.clone());
                one("")
            }
            Statement::UnlockAll => {
                self.locks.clear();
                one("")
            }
            Statement::FromTable(_) => Ok(Some(("SELECT", 0, vec![Vec::new()]))),
            Statement::Alone { tag, .. } => Ok(Some((tag, 0, vec![Vec::new()]))),
            Statement::Whoami(token) => {
                let text = self.whoami(token);
                one(&text)
            }
            Statement::Fetch(name) => match self.cursors.get(name) {
                Some((_, token)) => Ok(Some(("FETCH", 1, vec![token.clone().into_bytes()]))),
                None => Err(no_cursor(name)),
            },
            Statement::Fail => Err(SqlError::new("22012", "division by zero", "int4div")),
            _ => Ok(None),
        }
    }

    /// A statement without rows; its tag.
    fn perform(&mut self, statement: &Statement, shared: &mut Shared) -> Result<String, SqlError> {
        use Statement as S;
        Ok(match statement {
            S::Begin(_) | S::Commit | S::Rollback | S::Savepoint(_) | S::RollbackTo(_) | S::Release(_) => {
                self.transaction(statement, shared)?.to_owned()
            }
            S::Set { name, value, local } => {
                if *local && self.tx != Tx::Block {
                    self.notice("WARNING", "25P01", "SET LOCAL can only be used in transaction blocks");
                } else {
                    self.settings.set(name, value.as_deref(), *local)?;
                }
                "SET".into()
            }
            S::SetTransaction => "SET".into(),
            S::SetAuthorization(user) => {
                self.settings.set("session_authorization", user.as_deref(), false)?;
                self.settings.set("role", None, false)?;
                "SET".into()
            }
            S::Reset(name) => {
                self.settings.set(name, None, false)?;
                "RESET".into()
            }
            S::ResetAll => {
                self.settings.reset_all();
                "RESET".into()
            }
            S::Notice(text) => {
                self.notice("NOTICE", "00000", text);
                "DO".into()
            }
            S::Insert(token) => {
                self.inserts.push(token.clone());
                "INSERT 0 1".into()
            }
            S::CreateTemp(name) => {
                if !self.temp.insert(name.clone()) {
                    let text = format!("relation \"{name}\" already exists");
                    return Err(SqlError::new("42P07", text, "heap_create_with_catalog"));
                }
                "CREATE TABLE".into()
            }
            S::Alter => {
                shared.generation += 1;
                "ALTER TABLE".into()
            }
            _ => self.perform_object(statement)?,
        })
    }

    fn transaction(&mut self, statement: &Statement, shared: &mut Shared) -> Result<&'static str, SqlError> {
        let none = "there is no transaction in progress";
        let lost = |name: &str| {
            SqlError::new("3B001", format!("savepoint \"{name}\" does not exist"), "RollbackToSavepoint")
        };
        match (statement, self.tx) {
            (Statement::Begin(tag), Tx::None | Tx::Implicit) => {
                self.tx = Tx::Block;
                return Ok(tag);
            }
            (Statement::Begin(tag), Tx::Block | Tx::Failed) => {
                self.notice("WARNING", "25001", "there is already a transaction in progress");
                return Ok(tag);
            }
            (Statement::Commit, Tx::Block) => self.commit(shared),
            (Statement::Commit | Statement::Rollback, Tx::Failed) | (Statement::Rollback, Tx::Block) => {
                self.roll_back();
                return Ok("ROLLBACK");
            }
            (Statement::Commit, Tx::None | Tx::Implicit) => {
                self.notice("WARNING", "25P01", none);
                self.commit(shared);
            }
            (Statement::Rollback, Tx::None | Tx::Implicit) => {
                self.notice("WARNING", "25P01", none);
                self.roll_back();
                return Ok("ROLLBACK");
            }
            (Statement::Savepoint(_), Tx::None | Tx::Implicit) => return Err(not_in_block("SAVEPOINT")),
            (Statement::RollbackTo(_), Tx::None | Tx::Implicit) => {
                return Err(not_in_block("ROLLBACK TO SAVEPOINT"));
            }
            (Statement::Release(_), Tx::None | Tx::Implicit) => {
                return Err(not_in_block("RELEASE SAVEPOINT"));
            }
            (Statement::Savepoint(name), Tx::Block | Tx::Failed) => {
                self.savepoint(name);
                return Ok("SAVEPOINT");
            }
            (Statement::RollbackTo(name), Tx::Block | Tx::Failed) => {
                return if self.roll_back_to(name) { Ok("ROLLBACK") } else { Err(lost(name)) };
            }
            (Statement::Release(name), Tx::Block | Tx::Failed) => {
                return if self.release(name) { Ok("RELEASE") } else { Err(lost(name)) };
            }
            _ => {}
        }
        Ok("COMMIT")
    }

    fn perform_object(&mut self, statement: &Statement) -> Result<String, SqlError> {
        use Statement as S;
        Ok(match statement {
            S::Listen(channel) => {
                self.listens.insert(channel.clone());
                "LISTEN".into()
            }
            S::Unlisten(channel) => {
                match channel {
                    Some(channel) => drop(self.listens.remove(channel)),
                    None => self.listens.clear(),
                }
                "UNLISTEN".into()
            }
            S::Notify { channel, payload } => {
                self.notifies.push((channel.clone(), payload.clone()));
                "NOTIFY".into()
            }
            S::Declare { name, hold, token } => {
                if !*hold && self.tx != Tx::Block {
                    return Err(not_in_block("DECLARE CURSOR"));
                }
                if self.cursors.insert(name.clone(), (*hold, token.clone())).is_some() {
                    let text = format!("cursor \"{name}\" already exists");
                    return Err(SqlError::new("42P03", text, "CreatePortal"));
                }
                "DECLARE CURSOR".into()
            }
            S::CloseCursor(Some(name)) => {
                self.cursors.remove(name).ok_or_else(|| no_cursor(name))?;
                "CLOSE CURSOR".into()
            }
            S::CloseCursor(None) => {
                self.cursors.clear();
                "CLOSE CURSOR ALL".into()
            }
            S::Prepare { name, inner } => {
                if self.statements.contains_key(name) {
                    return Err(duplicate_statement(name));
                }
                let statement = Some(inner.as_ref().clone());
                self.statements.insert(name.clone(), Prepared { statement, generation: 0, by_sql: true });
                "PREPARE".into()
            }
            S::Deallocate(Some(name)) => {
                self.statements.remove(name).ok_or_else(|| no_statement(name))?;
                "DEALLOCATE".into()
            }
            S::Deallocate(None) => {
                self.statements.retain(|name, _| name.is_empty());
                "DEALLOCATE ALL".into()
            }
            S::Discard(what) => self.discard(*what)?,
            _ => "SELECT 0".into(),
        })
    }

    fn discard(&mut self, what: Discard) -> Result<String, SqlError> {
        Ok(match what {
            Discard::All => {
                let multi = self.plan.as_ref().is_some_and(|plan| !plan.is_empty());
                if self.tx == Tx::Block || multi {
                    let text = "DISCARD ALL cannot run inside a transaction block";
                    return Err(SqlError::new("25001", text, "PreventInTransactionBlock"));
                }
                self.settings.set("session_authorization", None, false)?;
                self.settings.set("role", None, false)?;
                self.settings.reset_all();
                self.statements.retain(|name, _| name.is_empty());
                self.cursors.clear();
                self.listens.clear();
                self.locks.clear();
                self.temp.clear();
                "DISCARD ALL".into()
            }
            Discard::Temp => {
                self.temp.clear();
                "DISCARD TEMP".into()
            }
            Discard::Sequences => "DISCARD SEQUENCES".into(),
            Discard::Plans => "DISCARD PLANS".into(),
        })
    }

    /// What `WHOAMI` answers: the client's token, then traces of this session.
    fn whoami(&self, token: &str) -> String {
        let mut parts = vec![format!("whoami {token}")];
        parts.extend(self.stains());
        parts.join("|")
    }
}

fn no_cursor(name: &str) -> SqlError {
    SqlError::new("34000", format!("cursor \"{name}\" does not exist"), "PerformPortalFetch")
}

/// No such prepared statement.
pub(crate) fn no_statement(name: &str) -> SqlError {
    SqlError::new("26000", format!("prepared statement \"{name}\" does not exist"), "FetchPreparedStatement")
}

/// There is such a prepared statement already.
pub(crate) fn duplicate_statement(name: &str) -> SqlError {
    SqlError::new("42P05", format!("prepared statement \"{name}\" already exists"), "StorePreparedStatement")
}
