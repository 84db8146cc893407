//! The connection itself: messages, and text queries.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wire::backend::{self, Fields, TxStatus};
use wire::encode;
use wire::frame::{self, HEADER};
use wire::tag::BackendTag as Tag;

use super::dial::{Dialled, Secured, Stream};
use super::{Answer, AskError, ServerError, Way};

/// Longest message that is taken from a server.
const MESSAGE_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;

/// A logged-in connection. Dropping it closes the socket; [`Connection::close`] says goodbye first.
pub struct Connection {
    stream: Box<dyn Stream>,
    pub(super) secured: Option<Secured>,
    inbox: Vec<u8>,
    /// Bytes of the inbox that were read.
    used: usize,
    place: String,
    pub(super) pid: u32,
    /// What a cancel request has to know; empty where the other end gave none.
    pub(super) secret: Vec<u8>,
    parameters: BTreeMap<String, String>,
    patience: Duration,
    pub(super) way: Way,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection on which nothing was said yet.
    pub(super) fn fresh(dialled: Dialled, place: &str, patience: Duration) -> Self {
        Self {
            stream: dialled.stream,
            secured: dialled.secured,
            inbox: Vec::new(),
            used: 0,
            place: place.to_owned(),
            pid: 0,
            secret: Vec::new(),
            parameters: BTreeMap::new(),
            patience,
            way: Way::Ordinary,
        }
    }

    /// Asks: one answer for each statement that returns rows. Statements of one text share a snapshot and a transaction.
    ///
    /// # Errors
    /// The first error of the server, a lost connection, an answer out of shape, too slow.
    pub async fn ask(&mut self, sql: &str) -> Result<Vec<Answer>, AskError> {
        let patience = self.patience;
        timeout(patience, self.exchange(sql)).await.unwrap_or(Err(AskError::TimedOut(patience)))
    }

    async fn exchange(&mut self, sql: &str) -> Result<Vec<Answer>, AskError> {
        let mut out = Vec::new();
        encode::query(&mut out, sql.as_bytes());
        self.send(&out).await?;
        let mut answers: Vec<Answer> = Vec::new();
        let mut refused = None;
        loop {
            let (tag, body) = self.receive().await?;
            match tag {
                Tag::RowDescription => answers.push(Answer::new(columns(&body)?)),
                Tag::DataRow => {
                    let answer =
                        answers.last_mut().ok_or_else(|| AskError::Shape("a row of nothing".into()))?;
                    answer.push(values(&body)?)?;
                }
                Tag::ParameterStatus => self.note(&body),
                Tag::ErrorResponse => {
                    let error = ServerError::read(&body);
                    if Fields::parse(&body).is_fatal() {
                        return Err(error.into());
                    }
                    refused = refused.or(Some(error));
                }
                Tag::ReadyForQuery => return refused.map_or(Ok(answers), |error| Err(error.into())),
                _ => {}
            }
        }
    }

    /// Has statements carried out and drops their rows, however many: what counts is that they are done. Says whether a
    /// transaction is open then.
    ///
    /// # Errors
    /// The first error of the server, with which the connection stays usable unless it is fatal; a lost connection, too slow.
    pub async fn run(&mut self, sql: &str) -> Result<TxStatus, AskError> {
        let patience = self.patience;
        timeout(patience, self.carried_out(sql)).await.unwrap_or(Err(AskError::TimedOut(patience)))
    }

    async fn carried_out(&mut self, sql: &str) -> Result<TxStatus, AskError> {
        let mut out = Vec::new();
        encode::query(&mut out, sql.as_bytes());
        self.send(&out).await?;
        let mut refused = None;
        loop {
            let (tag, body) = self.receive().await?;
            match tag {
                Tag::ErrorResponse => {
                    let error = ServerError::read(&body);
                    if Fields::parse(&body).is_fatal() {
                        return Err(error.into());
                    }
                    refused = refused.or(Some(error));
                }
                // Nobody here has data for it, or wants any.
                Tag::CopyInResponse => {
                    out.clear();
                    encode::copy_fail(&mut out, b"COPY FROM STDIN has no data here");
                    self.send(&out).await?;
                }
                Tag::ReadyForQuery => {
                    let status = backend::ready_for_query(&body)
                        .ok_or_else(|| AskError::Shape("ready for query in no known status".into()))?;
                    return refused.map_or(Ok(status), |error| Err(error.into()));
                }
                _ => {}
            }
        }
    }

    /// Says goodbye, so that the server counts a session that ended in order.
    pub async fn close(mut self) {
        let mut out = Vec::new();
        encode::terminate(&mut out);
        // It may have left before us.
        let _ = timeout(Duration::from_millis(200), self.send(&out)).await;
    }

    /// Says goodbye and waits until the server has hung up: a backend keeps its socket until it is gone, so its slot is free
    /// then. What it still had to say is dropped. False: it did not leave in time.
    pub async fn close_and_wait(mut self, patience: Duration) -> bool {
        let mut out = Vec::new();
        encode::terminate(&mut out);
        let leaving = async {
            if self.send(&out).await.is_ok() {
                let mut bytes = [0; 4096];
                while self.stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
            }
        };
        timeout(patience, leaving).await.is_ok()
    }

    /// Where it goes.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The process id that the other end announced. Behind a pooler it is not the backend's.
    pub fn announced_pid(&self) -> u32 {
        self.pid
    }

    /// How it got in.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Nobody reads along.
    pub fn is_encrypted(&self) -> bool {
        self.secured.is_some()
    }

    /// What the server reported of a setting.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The major version, as in `server_version`; 0 where it reports none.
    pub fn major(&self) -> u32 {
        let version = self.parameter("server_version").unwrap_or_default();
        let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
        version[..digits].parse().unwrap_or(0)
    }

    pub(super) fn note(&mut self, body: &[u8]) {
        if let Some((name, value)) = backend::parameter_status(body) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.parameters.insert(text(name), text(value));
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), AskError> {
        self.stream.write_all(bytes).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)
    }

    pub(super) async fn receive(&mut self) -> Result<(Tag, Vec<u8>), AskError> {
        loop {
            let unread = &self.inbox[self.used..];
            let header =
                frame::peek(unread, MESSAGE_BYTES_MAX).map_err(|error| AskError::Shape(error.to_string()))?;
            if let Some(header) = header
                && unread.len() >= header.total()
            {
                let tag = Tag::from_byte(header.tag)
                    .ok_or_else(|| AskError::Shape(format!("message {:?}", char::from(header.tag))))?;
                let body = unread[HEADER..header.total()].to_vec();
                self.used += header.total();
                return Ok((tag, body));
            }
            self.inbox.drain(..self.used);
            self.used = 0;
            let at = self.inbox.len();
            self.inbox.resize(at + READ_BYTES, 0);
            let read = self.stream.read(&mut self.inbox[at..]).await;
            self.inbox.truncate(at + *read.as_ref().unwrap_or(&0));
            if read.map_err(lost)? == 0 {
                return Err(AskError::Lost("the server closed the connection".into()));
            }
        }
    }
}

fn lost(error: io::Error) -> AskError {
    AskError::Lost(tls::alert(&error).map_or_else(|| error.to_string(), |alert| alert.to_string()))
}

/// The names in a RowDescription.
fn columns(body: &[u8]) -> Result<Vec<String>, AskError> {
    let broken = || AskError::Shape("a row description that does not fit".into());
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(broken)?;
    let mut names = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (name, behind) = frame::cstr(rest).ok_or_else(broken)?;
        names.push(String::from_utf8_lossy(name).into_owned());
        rest = behind.get(18..).ok_or_else(broken)?;
    }
    Ok(names)
}

/// The values in a DataRow. A byte that is not UTF-8 becomes U+FFFD: databases of other encodings exist.
fn values(body: &[u8]) -> Result<Vec<Option<String>>, AskError> {
    let broken = || AskError::Shape("a row that does not fit".into());
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(broken)?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
        rest = behind;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            values.push(None);
            continue;
        };
        let value = rest.get(..length).ok_or_else(broken)?;
        values.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = &rest[length..];
    }
    Ok(values)
}
