//! Messages of a client to a session.

use wire::encode;
use wire::frontend::{self, Parse, Target};

use super::run::{How, aborted, describe, duplicate_statement, no_statement};
use super::session::{Portal, Prepared, Session, Shared, SqlError, Tx, frame, write_error};
use super::sql::{self, Statement};

impl Session {
    /// Takes one message. To be called only while nothing runs.
    pub(crate) fn message(&mut self, tag: u8, body: &[u8], shared: &mut Shared) {
        if self.copy.is_some() {
            return self.copy_message(tag, body, shared);
        }
        self.cancelled = false;
        if self.skipping && !matches!(tag, b'S' | b'X') {
            return;
        }
        match tag {
            b'Q' => self.query(body),
            b'P' => self.extended(|session| session.parse(body, shared)),
            b'B' => self.extended(|session| session.bind(body, shared)),
            b'D' => self.extended(|session| session.describe(body, shared)),
            b'E' => self.extended(|session| session.execute(body, shared)),
            b'C' => self.extended(|session| session.close(body)),
            b'H' => self.flush(),
            b'S' => self.sync(shared),
            b'F' => self.call(shared),
            b'X' => self.ended = true,
            b'd' | b'c' | b'f' => {}
            _ => self.fatal(&SqlError::new(
                "08P01",
                format!("invalid frontend message type {tag}"),
                "SocketBackend",
            )),
        }
    }

    /// Says that it is over.
    pub(crate) fn fatal(&mut self, error: &SqlError) {
        self.send(|out| write_error(out, "FATAL", error));
        self.flush();
        self.ended = true;
    }

    fn query(&mut self, body: &[u8]) {
        self.statements.remove("");
        self.portals.remove("");
        let text = String::from_utf8_lossy(frontend::query(body).unwrap_or_default()).into_owned();
        match sql::parse(&text) {
            Err(word) => self.fail(&How::Simple, &syntax(&word)),
            Ok(list) if list.is_empty() => {
                self.send(encode::empty_query);
                self.plan = Some(list.into());
            }
            Ok(list) => self.plan = Some(list.into()),
        }
    }

    fn extended(&mut self, run: impl FnOnce(&mut Self) -> Result<(), SqlError>) {
        if let Err(error) = run(self) {
            self.fail(&How::Portal(String::new()), &error);
        }
    }

    fn parse(&mut self, body: &[u8], shared: &Shared) -> Result<(), SqlError> {
        self.begin_implicit();
        let read = Parse::read(body).map_err(|error| malformed(&error.to_string()))?;
        let name = String::from_utf8_lossy(read.name).into_owned();
        if name.is_empty() {
            self.statements.remove("");
        }
        let mut list = sql::parse(&String::from_utf8_lossy(read.query())).map_err(|word| syntax(&word))?;
        if list.len() > 1 {
            let text = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new("42601", text, "exec_parse_message"));
        }
        let statement = list.pop();
        if self.tx == Tx::Failed && statement.as_ref().is_some_and(|s| !s.ends_transaction()) {
            return Err(aborted("exec_parse_message"));
        }
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(duplicate_statement(&name));
        }
        self.statements.insert(name, Prepared { statement, generation: shared.generation, by_sql: false });
        self.send(encode::parse_complete);
        Ok(())
    }

    fn prepared(&self, name: &str) -> Result<&Prepared, SqlError> {
        self.statements.get(name).ok_or_else(|| match name {
            "" => SqlError::new("26000", "unnamed prepared statement does not exist", "exec_bind_message"),
            name => no_statement(name),
        })
    }

    fn bind(&mut self, body: &[u8], shared: &Shared) -> Result<(), SqlError> {
        self.begin_implicit();
        let names = frontend::bind_names(body).ok().flatten().ok_or_else(|| malformed("bind"))?;
        let (portal, name) = (text(names.portal), text(names.statement));
        let values = bind_values(&body[names.len..]).ok_or_else(|| malformed("bind"))?;
        let prepared = self.prepared(&name)?.clone();
        let wanted = prepared.statement.as_ref().map_or(0, Statement::parameters);
        if wanted != values.len() {
            let given = values.len();
            let text = format!(
                "bind message supplies {given} parameters, but prepared statement \"{name}\" requires {wanted}"
            );
            return Err(SqlError::new("08P01", text, "exec_bind_message"));
        }
        let exit = prepared.statement.as_ref().is_some_and(Statement::ends_transaction);
        if self.tx == Tx::Failed && (!exit || wanted != 0) {
            return Err(aborted("exec_bind_message"));
        }
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            let text = format!("cursor \"{portal}\" already exists");
            return Err(SqlError::new("42P03", text, "CreatePortal"));
        }
        let made = Portal { statement: prepared.statement.clone(), values, sent: None, at_end: false };
        self.portals.insert(portal, made);
        revalidate(&prepared, shared)?;
        self.send(encode::bind_complete);
        Ok(())
    }

    fn describe(&mut self, body: &[u8], shared: &Shared) -> Result<(), SqlError> {
        self.begin_implicit();
        let (target, name) =
            frontend::describe_or_close(body).map_err(|error| malformed(&error.to_string()))?;
        let name = text(name);
        let statement = match target {
            Target::Statement => {
                let prepared = self.prepared(&name)?.clone();
                self.refuse_rows(prepared.statement.as_ref(), "exec_describe_statement_message")?;
                revalidate(&prepared, shared)?;
                let count = prepared.statement.as_ref().map_or(0, Statement::parameters);
                self.send(|out| {
                    let mut body = (count as u16).to_be_bytes().to_vec();
                    for _ in 0..count {
                        body.extend_from_slice(&25u32.to_be_bytes());
                    }
                    frame(out, b't', &body);
                });
                prepared.statement
            }
            Target::Portal => {
                let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?;
                let statement = portal.statement.clone();
                self.refuse_rows(statement.as_ref(), "exec_describe_portal_message")?;
                statement
            }
        };
        self.send(|out| describe(out, statement.as_ref()));
        Ok(())
    }

    fn refuse_rows(&self, statement: Option<&Statement>, routine: &'static str) -> Result<(), SqlError> {
        let rows = statement.is_some_and(|statement| statement.column().is_some());
        if self.tx == Tx::Failed && rows { Err(aborted(routine)) } else { Ok(()) }
    }

    fn execute(&mut self, body: &[u8], shared: &mut Shared) -> Result<(), SqlError> {
        self.begin_implicit();
        let (name, limit) = frontend::execute(body).map_err(|error| malformed(&error.to_string()))?;
        let name = text(name);
        let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?.clone();
        let Some(statement) = portal.statement else {
            self.send(encode::empty_query);
            return Ok(());
        };
        let limit = u64::try_from(limit).ok().filter(|limit| *limit > 0);
        if portal.at_end {
            if statement.column().is_none() {
                let text = format!("portal \"{name}\" cannot be run");
                return Err(SqlError::new("55000", text, "MarkPortalActive"));
            }
            self.send(|out| encode::command_complete(out, "SELECT 0"));
            return Ok(());
        }
        self.start(&statement, &portal.values, How::Portal(name), limit, shared)
    }

    fn close(&mut self, body: &[u8]) -> Result<(), SqlError> {
        let (target, name) =
            frontend::describe_or_close(body).map_err(|error| malformed(&error.to_string()))?;
        match target {
            Target::Statement => drop(self.statements.remove(&text(name))),
            Target::Portal => drop(self.portals.remove(&text(name))),
        }
        self.send(encode::close_complete);
        Ok(())
    }

    fn sync(&mut self, shared: &mut Shared) {
        self.skipping = false;
        if self.tx == Tx::Implicit {
            self.commit(shared);
        }
        self.ready();
    }

    fn call(&mut self, shared: &mut Shared) {
        if self.tx == Tx::Failed {
            return self.fail(&How::Simple, &aborted("HandleFunctionRequest"));
        }
        self.begin_implicit();
        self.send(|out| frame(out, b'V', &[0, 0, 0, 1, b'7']));
        if self.tx == Tx::Implicit {
            self.commit(shared);
        }
        self.ready();
    }

    fn copy_message(&mut self, tag: u8, body: &[u8], shared: &mut Shared) {
        let Some(copy) = &mut self.copy else { return };
        let how = if copy.extended { How::Portal(String::new()) } else { How::Simple };
        match tag {
            b'd' if self.cancelled => {
                self.cancelled = false;
                let text = "canceling statement due to user request";
                self.fail(&how, &SqlError::new("57014", text, "ProcessInterrupts"));
            }
            b'd' if body.starts_with(b"BAD") => {
                self.fail(
                    &how,
                    &SqlError::new("22P04", "extra data after last expected column", "NextCopyFrom"),
                );
            }
            b'd' => copy.rows.push(String::from_utf8_lossy(body).trim_end().to_owned()),
            b'c' => {
                let rows = std::mem::take(&mut copy.rows);
                self.copy = None;
                let done = format!("COPY {}", rows.len());
                self.inserts.extend(rows);
                self.send(|out| encode::command_complete(out, &done));
            }
            b'f' => {
                let reason = text(body.strip_suffix(b"\0").unwrap_or(body));
                let text = format!("COPY from stdin failed: {reason}");
                self.fail(&how, &SqlError::new("57014", text, "CopyGetData"));
            }
            b'S' | b'H' => {}
            _ => {
                let _ = shared;
                let text = format!("unexpected message type 0x{tag:02X} during COPY from stdin");
                self.fatal(&SqlError::new("08P01", text, "CopyGetData"));
            }
        }
    }

    /// What the next tenant must not find, settings that are reported left aside: whoever lends a session knows them.
    pub(crate) fn stains(&self) -> Vec<String> {
        let reported = |trace: &String| {
            let name = trace.strip_prefix("set ").and_then(|set| set.split('=').next());
            name.is_some_and(|name| {
                super::settings::REPORTED.contains(&name) || name == "client_connection_check_interval"
            })
        };
        self.traces().into_iter().filter(|trace| !reported(trace)).collect()
    }
}

fn revalidate(prepared: &Prepared, shared: &Shared) -> Result<(), SqlError> {
    let depends = matches!(prepared.statement, Some(Statement::FromTable(_)));
    if depends && prepared.generation != shared.generation {
        let text = "cached plan must not change result type";
        return Err(SqlError::new("0A000", text, "RevalidateCachedQuery"));
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn malformed(text: &str) -> SqlError {
    SqlError::new("08P01", text, "pq_getmsgend")
}

fn syntax(word: &str) -> SqlError {
    SqlError::new("42601", format!("syntax error at or near \"{word}\""), "scanner_yyerror")
}

fn no_portal(name: &str) -> SqlError {
    SqlError::new("34000", format!("portal \"{name}\" does not exist"), "exec_execute_message")
}

/// The values of Bind, behind its names.
fn bind_values(rest: &[u8]) -> Option<Vec<Option<Vec<u8>>>> {
    let (formats, rest) = rest.split_first_chunk::<2>()?;
    let rest = rest.get(2 * usize::from(u16::from_be_bytes(*formats))..)?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (len, tail) = rest.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*len)) {
            Err(_) => {
                values.push(None);
                rest = tail;
            }
            Ok(len) => {
                values.push(Some(tail.get(..len)?.to_vec()));
                rest = &tail[len..];
            }
        }
    }
    Some(values)
}
