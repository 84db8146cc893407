//! Where samples come from: the one connection to a server, or a file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use inspect::catalog::{Blocking, Sample, Wants};
use inspect::closing::Ended;
use inspect::connect::{AskError, Connection};
use inspect::record::{Entry, ReadError, Reader};

use super::closing::{self, Done, Order, Planned};
use crate::server::{Entrance, Failed};

/// So many looks go by from one question for settings that wait for a restart to the next.
const LOOKS_PER_WAITING: u64 = 60;
/// What `pg_stat_activity` calls us.
const APPLICATION: &str = "connwarden monitor";

/// What a look brought.
#[derive(Debug)]
pub(crate) enum Report {
    /// A sample; who waits for whom, if somebody does; from a file, also the seconds until the next one there.
    Sample(Box<Sample>, Option<Blocking>, Option<f64>),
    /// No answer. `lost`: there was a connection before.
    Failed {
        /// The exact words.
        why: String,
        /// When: microseconds since 1970; 0 for now.
        at_us: i64,
        /// There was a connection, and it is gone.
        lost: bool,
    },
    /// A plan.
    Planned(Box<Planned>),
    /// What became of one.
    Acted(Done),
    /// The file has no more.
    Ended,
}

/// A server or a file.
pub(crate) enum Source {
    Server(Box<ServerSource>),
    File(Box<FileSource>),
}

impl Source {
    /// Looks once. It is moved in and comes back, so that there is one look at a time and one connection.
    pub(crate) async fn look(mut self) -> (Self, Report) {
        let report = match &mut self {
            Self::Server(source) => source.look().await,
            Self::File(source) => source.next(),
        };
        (self, report)
    }

    /// Makes a plan of closing or cancelling.
    pub(crate) async fn plan(mut self, order: Order) -> (Self, Report) {
        let report = match &mut self {
            Self::Server(source) => source.plan(&order).await,
            Self::File(_) => Report::Ended,
        };
        (self, report)
    }

    /// Carries a plan out.
    pub(crate) async fn act(mut self, planned: Arc<Planned>, stop: Arc<AtomicBool>) -> (Self, Report) {
        let report = match &mut self {
            Self::Server(source) => source.act(&planned, &stop).await,
            Self::File(_) => Report::Ended,
        };
        (self, report)
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        match self {
            Self::Server(source) => {
                if let Some(connection) = source.connection {
                    connection.close().await;
                }
            }
            Self::File(_) => {}
        }
    }
}

/// One connection, opened again only after it is gone.
pub(crate) struct ServerSource {
    entrance: Entrance,
    connection: Option<Connection>,
    place: String,
    /// Also who waits for whom, where somebody waits.
    pub(crate) wants_blocking: bool,
    looks: u64,
    /// Settings that wait for a restart, as of the last time they were asked for.
    waiting: Vec<String>,
}

async fn look_once(
    connection: &mut Connection,
    wants: Wants,
    wants_blocking: bool,
) -> Result<(Sample, Option<Blocking>), AskError> {
    let sample = Sample::take(connection, wants).await?;
    if !wants_blocking {
        return Ok((sample, None));
    }
    match Blocking::of(&sample, connection).await {
        Ok(blocking) => Ok((sample, Some(blocking))),
        // In a storm of locks the question itself may take too long; what was seen besides is seen.
        Err(AskError::Server(error)) if error.severity == "ERROR" => Ok((sample, None)),
        Err(error) => Err(error),
    }
}

impl ServerSource {
    /// Not connected yet.
    pub(crate) fn new(entrance: Entrance) -> Self {
        Self {
            entrance,
            connection: None,
            place: String::new(),
            wants_blocking: false,
            looks: 0,
            waiting: Vec::new(),
        }
    }

    /// Logs in, if it is not.
    pub(crate) async fn connect(&mut self) -> Result<&mut Connection, Failed> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.entrance.connect(APPLICATION).await?,
        };
        connection.place().clone_into(&mut self.place);
        Ok(self.connection.insert(connection))
    }

    /// Where it goes.
    pub(crate) fn place(&self) -> String {
        self.place.clone()
    }

    async fn look(&mut self) -> Report {
        let (had, wants_blocking) = (self.connection.is_some(), self.wants_blocking);
        // What waits for a restart changes when somebody edits a file, and is dear to ask for.
        let waiting = self.looks.is_multiple_of(LOOKS_PER_WAITING);
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(failed) => return Report::Failed { why: failed.report.message, at_us: 0, lost: false },
        };
        match look_once(connection, Wants { waiting, ..Wants::ALL }, wants_blocking).await {
            Ok((mut sample, blocking)) => {
                self.looks += 1;
                if waiting {
                    self.waiting.clone_from(&sample.facts.pending_restart);
                } else {
                    sample.facts.pending_restart.clone_from(&self.waiting);
                }
                Report::Sample(Box::new(sample), blocking, None)
            }
            Err(error) => self.failed(&error, had),
        }
    }

    async fn plan(&mut self, order: &Order) -> Report {
        let had = self.connection.is_some();
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(failed) => return Report::Failed { why: failed.report.message, at_us: 0, lost: false },
        };
        match closing::plan(connection, order).await {
            Ok(planned) => Report::Planned(Box::new(planned)),
            Err(error) => self.failed(&error, had),
        }
    }

    /// Only over the connection that the plan was made over.
    async fn act(&mut self, planned: &Arc<Planned>, stop: &AtomicBool) -> Report {
        let Some(connection) = &mut self.connection else {
            return Report::Failed {
                why: "the connection of the plan is gone".to_owned(),
                at_us: 0,
                lost: true,
            };
        };
        let done = closing::act(connection, planned, &|| stop.load(Ordering::Relaxed)).await;
        if let Ended::Lost(_) = done.ended {
            self.connection = None;
        }
        Report::Acted(done)
    }

    fn failed(&mut self, error: &AskError, had: bool) -> Report {
        let lives = matches!(error, AskError::Server(error) if error.severity == "ERROR");
        if !lives {
            self.connection = None;
        }
        Report::Failed { why: error.to_string(), at_us: 0, lost: had && !lives }
    }
}

/// A recording, read one entry ahead: how long a sample lasted is known from the next one.
pub(crate) struct FileSource {
    reader: Reader<BufReader<File>>,
    ahead: Option<Entry>,
    place: String,
}

impl FileSource {
    /// Opens a recording and reads its first lines.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut reader = Reader::new(BufReader::new(file));
        let place = match reader.entry() {
            Ok(Some(Entry::Origin(origin))) => origin.place,
            Ok(_) => return Err("nothing is recorded there".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let ahead = read(&mut reader).map_err(|error| error.to_string())?;
        if ahead.is_none() {
            return Err("no look is recorded there".to_owned());
        }
        Ok(Self { reader, ahead, place })
    }

    /// Where the samples were taken.
    pub(crate) fn place(&self) -> String {
        self.place.clone()
    }

    fn next(&mut self) -> Report {
        let Some(entry) = self.ahead.take() else { return Report::Ended };
        // What comes behind a broken line is told as what it is, in its place; where nothing can be read, it ends.
        self.ahead = match read(&mut self.reader) {
            Ok(next) => next,
            Err(ReadError::Io { .. }) => None,
            Err(error) => Some(Entry::Failure { at_us: at_us(&entry).unwrap_or(0), why: error.to_string() }),
        };
        let next_us = self.ahead.as_ref().and_then(at_us);
        let gap_s = at_us(&entry).zip(next_us).map(|(here, next)| ((next - here) as f64 / 1e6).max(0.0));
        match entry {
            Entry::Sample(sample) => Report::Sample(sample, None, gap_s),
            Entry::Failure { at_us, why } => Report::Failed { why, at_us, lost: false },
            Entry::Origin(_) => Report::Ended,
        }
    }
}

/// The next sample or failure. Where a file was gone on with, the seam is passed over.
fn read(reader: &mut Reader<BufReader<File>>) -> Result<Option<Entry>, ReadError> {
    loop {
        match reader.entry()? {
            Some(Entry::Origin(_)) => {}
            other => return Ok(other),
        }
    }
}

fn at_us(entry: &Entry) -> Option<i64> {
    match entry {
        Entry::Sample(sample) => Some(sample.facts.now_us),
        Entry::Failure { at_us, .. } => Some(*at_us),
        Entry::Origin(_) => None,
    }
}
