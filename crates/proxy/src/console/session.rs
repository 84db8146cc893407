//! One guest, from the greeting to the goodbye.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine::session::seed::ConsoleSeed;
use model::id::PublicId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wire::backend::TxStatus;
use wire::frame::{self, HEADER};
use wire::sqlstate::SqlState;
use wire::tag::FrontendTag as Tag;
use wire::{encode, frontend};

use super::act;
use super::extended::{Execute, Extended};
use super::grammar::{self, Statement};
use super::reply::{self, Failure, Formats, Reply};
use super::rights::Right;
use crate::control::Hub;

/// Nothing that is said here is longer.
const MESSAGE_BYTES_MAX: u32 = 64 * 1024;
/// A guest who takes no byte for so long is gone.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// A socket, whatever lies beneath.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One guest.
pub(super) struct Session<S> {
    hub: Arc<Hub>,
    stream: S,
    seed: Box<ConsoleSeed>,
    number: PublicId,
    /// Bytes read and not used.
    kept: Vec<u8>,
    /// Bytes to send.
    out: Vec<u8>,
    extended: Extended,
    /// An error in an extended batch: nothing counts before the next Sync.
    skipping: bool,
}

/// Why a session ends.
enum End {
    /// It was said goodbye, or the connection is gone, or the process ends.
    Quiet,
    /// The guest broke a rule, and has been told.
    Rule,
    /// Reading or writing failed.
    Broken,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        End::Broken
    }
}

impl<S: Stream> Session<S> {
    /// A guest whose login is done; `AuthenticationOk` is still owed to it.
    pub(super) fn new(
        hub: Arc<Hub>,
        stream: S,
        seed: Box<ConsoleSeed>,
        number: PublicId,
        kept: Vec<u8>,
    ) -> Self {
        let (out, extended) = (Vec::new(), Extended::default());
        Self { hub, stream, seed, number, kept, out, extended, skipping: false }
    }

    /// Serves the guest to its end. `backlog` is what is owed from before.
    pub(super) async fn run(mut self, backlog: &[u8]) {
        self.out.extend_from_slice(backlog);
        self.greet();
        let end = self.talk().await;
        if matches!(end, Err(End::Rule)) {
            // Whoever broke a rule may not wait for the reason.
            let _ = self.flush().await;
        }
        let _ = self.stream.shutdown().await;
    }

    fn greet(&mut self) {
        let out = &mut self.out;
        encode::auth_ok(out);
        let version = self.hub.server_version();
        for (name, value) in [
            ("server_version", version),
            ("client_encoding", "UTF8"),
            ("server_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("TimeZone", "GMT"),
            ("standard_conforming_strings", "on"),
            ("is_superuser", "on"),
        ] {
            encode::parameter_status(out, name.as_bytes(), value.as_bytes());
        }
        // Nothing here can be cancelled: the key opens nothing.
        encode::backend_key(out, std::process::id(), &crate::life::entropy()[..4]);
        encode::ready(out, TxStatus::Idle);
    }

    async fn talk(&mut self) -> Result<(), End> {
        loop {
            self.flush().await?;
            let (tag, body) = self.message().await?;
            self.hub.guests().asks(self.number, self.hub.age());
            match Tag::from_byte(tag) {
                Some(Tag::Terminate) => return Err(End::Quiet),
                Some(Tag::Query) => self.simple(&body).await?,
                Some(tag) if self.speaks_extended() => self.step(tag, &body).await?,
                Some(Tag::Parse | Tag::Bind | Tag::Execute) => {
                    return Err(self.refuse("extended query protocol not supported by admin console"));
                }
                Some(_) | None => {
                    let text = format!("unsupported packet type for admin console: {tag}");
                    return Err(self.refuse(&text));
                }
            }
        }
    }

    /// As in PgBouncer, the reserved name of old speaks the simple protocol alone.
    fn speaks_extended(&self) -> bool {
        &*self.seed.database != "pgbouncer"
    }

    fn right(&self) -> Right {
        if self.seed.admin { Right::Admin } else { Right::Stats }
    }

    fn refuse(&mut self, text: &str) -> End {
        let code = SqlState::PROTOCOL_VIOLATION;
        reply::put_error(&mut self.out, "ERROR", code, text, None);
        encode::ready(&mut self.out, TxStatus::Idle);
        reply::put_error(&mut self.out, "FATAL", code, "bad packet", None);
        End::Rule
    }

    /// One Query.
    async fn simple(&mut self, body: &[u8]) -> Result<(), End> {
        self.skipping = false;
        let said = match frontend::query(body) {
            Ok(said) => String::from_utf8_lossy(said).into_owned(),
            Err(error) => return Err(self.refuse(&error.to_string())),
        };
        let answer = match grammar::parse(&said) {
            Ok(statement) => self.execute(&said, &statement).await?,
            Err(error) => Err(Failure::plain(error.to_string())),
        };
        match answer {
            Ok(done) => self.put(done),
            Err(failure) => self.put_failure(failure)?,
        }
        encode::ready(&mut self.out, TxStatus::Idle);
        Ok(())
    }

    fn put(&mut self, done: Reply) {
        let out = &mut self.out;
        match done {
            Reply::Empty => encode::empty_query(out),
            Reply::Rows(table) => {
                let formats = Formats::default();
                reply::put_columns(out, table.columns, &formats);
                for row in &table.rows {
                    reply::put_row(out, table.columns, row, &formats);
                }
                encode::command_complete(out, "SHOW");
            }
            Reply::Done { tag, notice } => {
                if let Some((notice, detail)) = notice {
                    reply::put_notice(out, notice, detail);
                }
                encode::command_complete(out, &tag);
            }
        }
    }

    fn put_failure(&mut self, failure: Failure) -> Result<(), End> {
        match failure {
            Failure::Error { code, message, detail } => {
                reply::put_error(&mut self.out, "ERROR", code, &message, detail.as_deref());
                Ok(())
            }
            Failure::Ended => Err(End::Quiet),
        }
    }

    /// One message of the extended protocol.
    async fn step(&mut self, tag: Tag, body: &[u8]) -> Result<(), End> {
        if tag == Tag::Sync {
            self.skipping = false;
            self.extended.sync();
            encode::ready(&mut self.out, TxStatus::Idle);
            return Ok(());
        }
        if self.skipping {
            return Ok(());
        }
        let result = match tag {
            Tag::Parse => self.extended.parse(body, &mut self.out),
            Tag::Bind => self.extended.bind(body, &mut self.out),
            Tag::Describe => self.extended.describe(body, &mut self.out),
            Tag::Close => self.extended.close(body, &mut self.out),
            Tag::Execute => match self.extended.execute(body, &mut self.out) {
                Ok(Execute::Sent) => Ok(()),
                Ok(Execute::Do(prepared)) => match self.execute(&prepared.said, &prepared.statement).await? {
                    Ok(done) => self.extended.done(body, done, &mut self.out),
                    Err(failure) => Err(failure),
                },
                Err(failure) => Err(failure),
            },
            Tag::Flush => Ok(()),
            _ => {
                return Err(
                    self.refuse(&format!("unsupported packet type for admin console: {}", tag.byte()))
                );
            }
        };
        if let Err(failure) = result {
            self.skipping = true;
            self.put_failure(failure)?;
        }
        Ok(())
    }

    /// Does what was said, unless the guest leaves first: PAUSE and WAIT_CLOSE may take for ever.
    async fn execute(&mut self, said: &str, statement: &Statement) -> Result<Result<Reply, Failure>, End> {
        // What is owed so far must not wait, either.
        self.flush().await?;
        let (hub, right) = (self.hub.clone(), self.right());
        tokio::select! {
            biased;
            answer = act::execute(&hub, right, said, statement) => Ok(answer),
            end = gone(&mut self.stream, &mut self.kept) => Err(end),
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if !self.out.is_empty() {
            let written = tokio::time::timeout(WRITE_TIME, self.stream.write_all(&self.out)).await;
            written.map_err(|_| End::Broken)??;
            // A long list is no reason to keep its room for ever.
            self.out = Vec::new();
        }
        Ok(())
    }

    /// The next message: its tag and body.
    async fn message(&mut self) -> Result<(u8, Vec<u8>), End> {
        loop {
            match frame::peek(&self.kept, MESSAGE_BYTES_MAX) {
                Err(error) => {
                    let text = error.to_string();
                    return Err(self.refuse(&text));
                }
                Ok(Some(header)) if self.kept.len() >= header.total() => {
                    let body = self.kept[HEADER..header.total()].to_vec();
                    self.kept.drain(..header.total());
                    return Ok((header.tag, body));
                }
                Ok(_) => {}
            }
            if self.stream.read_buf(&mut self.kept).await? == 0 {
                return Err(End::Quiet);
            }
        }
    }
}

/// Waits until the guest is gone; what it says meanwhile is kept, up to a limit.
async fn gone(stream: &mut impl Stream, kept: &mut Vec<u8>) -> End {
    while kept.len() < MESSAGE_BYTES_MAX as usize {
        match stream.read_buf(kept).await {
            Ok(0) => return End::Quiet,
            Ok(_) => {}
            Err(_) => return End::Broken,
        }
    }
    std::future::pending().await
}
