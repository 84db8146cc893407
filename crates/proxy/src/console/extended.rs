//! The extended protocol, as far as a console needs it: statements without parameters, portals that may pause.
//! Manual: "Extended Query".

use std::collections::BTreeMap;
use std::sync::Arc;

use wire::encode;
use wire::frontend::{self, Target};
use wire::sqlstate::SqlState;

use super::grammar::{self, Statement};
use super::reply::{self, Failure, Formats, Reply};
use super::table::{Columns, Row};

/// Statements and portals a guest may keep, each.
const KEPT_MAX: usize = 64;
/// ParameterDescription of no parameters.
const NO_PARAMETERS: &[u8] = b"t\0\0\0\x06\0\0";

/// Something said once, to be done perhaps often.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// What was said.
    pub(super) said: String,
    /// What it means.
    pub(super) statement: Statement,
}

/// A statement about to be done, or half shown.
#[derive(Debug)]
struct Portal {
    prepared: Arc<Prepared>,
    formats: Formats,
    /// Rows that are still to be sent, once it has been done.
    left: Option<std::vec::IntoIter<Row>>,
}

/// What a guest has prepared.
#[derive(Debug, Default)]
pub(super) struct Extended {
    statements: BTreeMap<Vec<u8>, Arc<Prepared>>,
    portals: BTreeMap<Vec<u8>, Portal>,
}

/// What Execute finds.
#[derive(Debug)]
pub(super) enum Execute {
    /// To be done first; then [`Extended::done`].
    Do(Arc<Prepared>),
    /// Nothing to do: what was left to be sent has been sent.
    Sent,
}

fn failure(code: SqlState, message: impl Into<String>) -> Failure {
    Failure::Error { code, message: message.into(), detail: None }
}

fn broken(error: impl std::fmt::Display) -> Failure {
    failure(SqlState::PROTOCOL_VIOLATION, error.to_string())
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Extended {
    /// Parse.
    ///
    /// # Errors
    /// What was said is not understood, or has parameters, or too much is kept.
    pub(super) fn parse(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let parse = frontend::Parse::read(body).map_err(broken)?;
        if parse.parameter_types().len() > 0 {
            return Err(Failure::plain("the console takes no parameters"));
        }
        let said = String::from_utf8_lossy(parse.query()).into_owned();
        let statement = grammar::parse(&said).map_err(|error| Failure::plain(error.to_string()))?;
        if !parse.name.is_empty() && self.statements.contains_key(parse.name) {
            let text = format!("prepared statement \"{}\" already exists", name(parse.name));
            return Err(failure(SqlState::DUPLICATE_PREPARED_STATEMENT, text));
        }
        if self.statements.len() >= KEPT_MAX && !parse.name.is_empty() {
            return Err(Failure::plain("too many prepared statements"));
        }
        self.statements.insert(parse.name.to_vec(), Arc::new(Prepared { said, statement }));
        encode::parse_complete(out);
        Ok(())
    }

    /// Bind.
    ///
    /// # Errors
    /// No such statement, parameters, or too much is kept.
    pub(super) fn bind(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let names = frontend::bind_names(body).map_err(broken)?.ok_or_else(|| broken("bind is cut short"))?;
        let formats = result_formats(&body[names.len..])?;
        let prepared = self.statement(names.statement)?;
        if self.portals.len() >= KEPT_MAX && !self.portals.contains_key(names.portal) {
            return Err(Failure::plain("too many portals"));
        }
        let portal = Portal { prepared, formats, left: None };
        self.portals.insert(names.portal.to_vec(), portal);
        encode::bind_complete(out);
        Ok(())
    }

    fn statement(&self, named: &[u8]) -> Result<Arc<Prepared>, Failure> {
        self.statements.get(named).cloned().ok_or_else(|| {
            let text = format!("prepared statement \"{}\" does not exist", name(named));
            failure(SqlState::INVALID_SQL_STATEMENT_NAME, text)
        })
    }

    fn portal(&mut self, named: &[u8]) -> Result<&mut Portal, Failure> {
        self.portals.get_mut(named).ok_or_else(|| {
            failure(SqlState::INVALID_CURSOR_NAME, format!("portal \"{}\" does not exist", name(named)))
        })
    }

    /// Describe.
    ///
    /// # Errors
    /// No such statement or portal.
    pub(super) fn describe(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        match frontend::describe_or_close(body).map_err(broken)? {
            (Target::Statement, named) => {
                let columns = self.statement(named)?.statement.columns();
                out.extend_from_slice(NO_PARAMETERS);
                reply::put_columns(out, columns, &Formats::default());
            }
            (Target::Portal, named) => {
                let portal = self.portal(named)?;
                reply::put_columns(out, portal.prepared.statement.columns(), &portal.formats);
            }
        }
        Ok(())
    }

    /// Close. What does not exist is closed already.
    ///
    /// # Errors
    /// A body that is none.
    pub(super) fn close(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        match frontend::describe_or_close(body).map_err(broken)? {
            (Target::Statement, named) => drop(self.statements.remove(named)),
            (Target::Portal, named) => drop(self.portals.remove(named)),
        }
        encode::close_complete(out);
        Ok(())
    }

    /// Execute: what is to be done, unless only rows are left to be sent.
    ///
    /// # Errors
    /// No such portal.
    pub(super) fn execute(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<Execute, Failure> {
        let (named, rows_max) = frontend::execute(body).map_err(broken)?;
        let portal = self.portal(named)?;
        if portal.left.is_none() {
            return Ok(Execute::Do(portal.prepared.clone()));
        }
        portal.send(rows_max, out);
        Ok(Execute::Sent)
    }

    /// What Execute asked for has been done.
    ///
    /// # Errors
    /// The portal is gone.
    pub(super) fn done(&mut self, body: &[u8], done: Reply, out: &mut Vec<u8>) -> Result<(), Failure> {
        let (named, rows_max) = frontend::execute(body).map_err(broken)?;
        let portal = self.portal(named)?;
        match done {
            Reply::Empty => encode::empty_query(out),
            Reply::Rows(table) => {
                portal.left = Some(table.rows.into_iter());
                portal.send(rows_max, out);
            }
            Reply::Done { tag, notice } => {
                if let Some((notice, detail)) = notice {
                    reply::put_notice(out, notice, detail);
                }
                encode::command_complete(out, &tag);
            }
        }
        Ok(())
    }

    /// Sync: portals end with the transaction that there is none of.
    pub(super) fn sync(&mut self) {
        self.portals.clear();
    }
}

impl Portal {
    /// Sends rows, at most so many (0: all), and says whether that was all.
    fn send(&mut self, rows_max: i32, out: &mut Vec<u8>) {
        let columns: Columns = self.prepared.statement.columns();
        let most = usize::try_from(rows_max).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let Some(left) = &mut self.left else { return };
        for row in left.by_ref().take(most) {
            reply::put_row(out, columns, &row, &self.formats);
        }
        if left.len() > 0 {
            out.extend_from_slice(encode::PORTAL_SUSPENDED);
        } else {
            encode::command_complete(out, "SHOW");
        }
    }
}

/// Reads what follows the names in Bind: formats and values of parameters, of which there must be none, and the formats
/// of the result.
fn result_formats(tail: &[u8]) -> Result<Formats, Failure> {
    fn count<'a>(tail: &'a [u8], what: &str) -> Result<(usize, &'a [u8]), Failure> {
        let (count, rest) = tail
            .split_first_chunk::<2>()
            .ok_or_else(|| broken(format!("the count of {what} is cut short")))?;
        Ok((usize::from(u16::from_be_bytes(*count)), rest))
    }
    let (parameter_formats, rest) = count(tail, "parameter formats")?;
    let rest =
        rest.get(parameter_formats * 2..).ok_or_else(|| broken("the parameter formats are cut short"))?;
    let (parameters, rest) = count(rest, "parameters")?;
    if parameters > 0 {
        return Err(Failure::plain("the console takes no parameters"));
    }
    let (formats, rest) = count(rest, "result formats")?;
    let list = rest.get(..formats * 2).ok_or_else(|| broken("the result formats are cut short"))?;
    Ok(Formats(list.as_chunks::<2>().0.iter().map(|format| u16::from_be_bytes(*format)).collect()))
}
