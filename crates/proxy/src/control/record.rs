//! RECORD: a trace of checkouts in a file, for whoever wants to simulate them.
//!
//! One thread writes, for as long as a recording lasts. The workers' rows come by way of the steward's thread, which never
//! waits: when too many are not written yet, the next ones are dropped and counted.

mod sheet;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::steward::Command;
use engine::time::Now;
use engine::trace::Batch;
use model::config::value::print_duration;
use tokio::sync::oneshot;

use self::sheet::{Bounds, Paper, Room, Sheet};
use crate::mail::{StewardLetter, StewardMail};
use crate::observe::format;

pub use self::sheet::Ended;

/// A recording takes at least and at most so long.
pub const SPAN_MIN: Duration = Duration::from_secs(1);
/// See [`SPAN_MIN`].
pub const SPAN_MAX: Duration = Duration::from_secs(3_600);
/// A trace has so many checkouts at most,
const CHECKOUTS_MAX: u64 = 5_000_000;
/// and so many bytes.
const BYTES_MAX: u64 = 512 << 20;
/// Batches that may wait to be written: some 5 MiB.
const PENDING_MAX: usize = 128;

/// Why nothing was begun or ended.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    /// One at a time.
    #[error("a recording is under way")]
    UnderWay {
        /// Its file.
        file: PathBuf,
        /// How long it goes on.
        left: Duration,
    },
    /// There is nothing to stop.
    #[error("no recording is under way")]
    Idle,
    /// From where?
    #[error("{0:?} is a relative path")]
    Relative(PathBuf),
    /// Nothing is overwritten.
    #[error("{0:?} is there already")]
    Exists(PathBuf),
    /// The system refuses.
    #[error("cannot write {file:?}: {error}")]
    Refused {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The process ends.
    #[error("the process ends")]
    Ended,
}

/// How a recording stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its file.
    pub file: PathBuf,
    /// How long it was to take.
    pub span: Duration,
    /// What of that is left.
    pub left: Duration,
    /// How it ended; `None`: it is under way.
    pub ended: Option<Ended>,
    /// Checkouts written.
    pub checkouts: u64,
    /// Checkouts dropped because the file was written too slowly.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    /// Batches on their way.
    pending: AtomicUsize,
    written: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Word {
    Batch(Box<Batch>),
    Stop,
    /// The steward has ended, or records elsewhere.
    Gone,
}

/// Where the steward's thread puts rows.
#[derive(Debug)]
pub struct Tape {
    words: Sender<Word>,
    counts: Arc<Counts>,
}

impl Tape {
    /// Never waits. A worker's last batch is small and is never dropped.
    pub(super) fn put(&self, batch: Box<Batch>) {
        if batch.unfinished.is_none() && self.counts.pending.load(Ordering::Relaxed) >= PENDING_MAX {
            self.counts.dropped.fetch_add(batch.rows.len() as u64, Ordering::Relaxed);
            return;
        }
        self.counts.pending.fetch_add(1, Ordering::Relaxed);
        // Where the recording is over, nobody wants them.
        let _ = self.words.send(Word::Batch(batch));
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        let _ = self.words.send(Word::Gone);
    }
}

/// One recording, from its beginning; the last one is remembered.
#[derive(Debug)]
struct Reel {
    file: PathBuf,
    span: Duration,
    until: Instant,
    ended: Option<Ended>,
    counts: Arc<Counts>,
    words: Sender<Word>,
}

/// The process's recording, if there is one. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    reel: Mutex<Option<Reel>>,
    /// A recording has ended.
    over: Condvar,
}

/// Whom a recording asks.
#[derive(Clone, Debug)]
pub(super) struct Office {
    pub(super) steward: StewardMail,
    /// The zero of all clocks.
    pub(super) epoch: Instant,
    /// For the first line.
    pub(super) program: String,
}

impl Office {
    /// Tells every worker, and waits until each has done it. False where the process ends.
    fn record(&self, since: Option<Now>) -> bool {
        let (reply, answer) = oneshot::channel();
        self.steward.send(StewardLetter::Ask(Command::Record(since), reply)) && answer.blocking_recv().is_ok()
    }
}

impl Recorder {
    /// Begins. Waits for the disk and for the workers: not to be called where nobody may wait.
    ///
    /// # Errors
    /// [`NotRecorded`]; then there is no file of ours.
    pub(super) fn start(&self, file: &Path, span: Duration, office: Office) -> Result<(), NotRecorded> {
        if !file.is_absolute() {
            return Err(NotRecorded::Relative(file.to_owned()));
        }
        let (words, inbox) = channel();
        let counts = Arc::<Counts>::default();
        let (zero, since, wall) = (Instant::now(), office.epoch.elapsed(), SystemTime::now());
        let until = zero + span;
        let tape = Tape { words: words.clone(), counts: counts.clone() };
        let reel = Reel { file: file.to_owned(), span, until, ended: None, counts: counts.clone(), words };
        let before = self.reserve(reel)?;
        let (ready, told) = channel();
        let begun = create(file).and_then(|paper| {
            let sheet = begin(paper, file, span, wall, &office.program)?;
            let scribe = Scribe { sheet, inbox, counts, office, until, unfinished: 0 };
            let recorder = self.clone();
            let since = Now(u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
            let body = move || recorder.over(scribe.run(tape, since, &ready));
            let begun = thread::Builder::new().name("record".into()).spawn(body);
            begun.inspect_err(|_| drop(fs::remove_file(file)))
        });
        if let Err(error) = begun {
            *self.reel() = before;
            self.0.over.notify_all();
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => NotRecorded::Exists(file.to_owned()),
                _ => NotRecorded::Refused { file: file.to_owned(), error },
            });
        }
        if !told.recv().unwrap_or(false) {
            return Err(NotRecorded::Ended);
        }
        tracing::info!("recording checkouts for {} into {}", print_duration(span), file.display());
        Ok(())
    }

    /// Ends the recording, and waits until its last line is written.
    ///
    /// # Errors
    /// [`NotRecorded::Idle`].
    pub(super) fn stop(&self) -> Result<(), NotRecorded> {
        let reel = self.reel();
        let Some(Reel { ended: None, words, counts, .. }) = &*reel else { return Err(NotRecorded::Idle) };
        // Where it is over already, so much the better.
        let _ = words.send(Word::Stop);
        let meant = counts.clone();
        // The next one may begin before this thread has its turn.
        let goes_on = |reel: &mut Option<Reel>| {
            is_under_way(reel) && reel.as_ref().is_some_and(|reel| Arc::ptr_eq(&reel.counts, &meant))
        };
        drop(self.0.over.wait_while(reel, goes_on));
        Ok(())
    }

    /// At the end of the process: waits for the last line of a recording, but not for ever.
    pub fn settle(&self, patience: Duration) {
        drop(self.0.over.wait_timeout_while(self.reel(), patience, |reel| is_under_way(reel)));
    }

    /// The recording under way, else the last one.
    pub fn status(&self) -> Option<Status> {
        let reel = self.reel();
        let reel = reel.as_ref()?;
        let left = reel.until.saturating_duration_since(Instant::now());
        Some(Status {
            file: reel.file.clone(),
            span: reel.span,
            left: if reel.ended.is_some() { Duration::ZERO } else { left },
            ended: reel.ended,
            checkouts: reel.counts.written.load(Ordering::Relaxed),
            dropped: reel.counts.dropped.load(Ordering::Relaxed),
        })
    }

    /// Takes the only place there is; what was remembered in it.
    fn reserve(&self, new: Reel) -> Result<Option<Reel>, NotRecorded> {
        let mut reel = self.reel();
        match &*reel {
            Some(old) if old.ended.is_none() => Err(NotRecorded::UnderWay {
                file: old.file.clone(),
                left: old.until.saturating_duration_since(Instant::now()),
            }),
            Some(_) | None => Ok(reel.replace(new)),
        }
    }

    fn over(&self, how: Ended) {
        if let Some(reel) = &mut *self.reel() {
            reel.ended = Some(how);
        }
        self.0.over.notify_all();
        if let Some(status) = self.status() {
            let Status { file, checkouts, dropped, .. } = status;
            let (file, how) = (file.display(), how.word());
            tracing::info!("recording into {file} is over ({how}): {checkouts} checkouts, {dropped} dropped");
        }
    }

    fn reel(&self) -> MutexGuard<'_, Option<Reel>> {
        // Nobody panics while it is held; if somebody did, what it guards would still be whole.
        self.0.reel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_under_way(reel: &Option<Reel>) -> bool {
    reel.as_ref().is_some_and(|reel| reel.ended.is_none())
}

/// A new file, for nobody else to read. What is there already stays, links that lead nowhere included.
fn create(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

/// The first line. Where it can't be written, the file goes again: it is ours, and nothing is in it.
fn begin(
    paper: File,
    file: &Path,
    span: Duration,
    wall: SystemTime,
    program: &str,
) -> io::Result<Sheet<File>> {
    let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let bounds = Bounds { checkouts: CHECKOUTS_MAX, bytes: BYTES_MAX, span_us };
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let started = format::moment(since.as_secs(), since.subsec_millis()).replacen(' ', "T", 1) + "Z";
    Sheet::begin(paper, bounds, &started, program).inspect_err(|_| drop(fs::remove_file(file)))
}

/// The thread that writes.
struct Scribe<P> {
    sheet: Sheet<P>,
    inbox: Receiver<Word>,
    counts: Arc<Counts>,
    office: Office,
    until: Instant,
    unfinished: u64,
}

impl<P: Paper> Scribe<P> {
    /// Writes from the workers' first row to the last line. `ready` hears when all workers record, or that none will.
    fn run(mut self, tape: Tape, since: Now, ready: &Sender<bool>) -> Ended {
        let told = self.office.steward.send(StewardLetter::Tape(tape)) && self.office.record(Some(since));
        // Whoever asked waits for it, and for nothing else.
        let _ = ready.send(told);
        let mut how = self.listen();
        if how != Ended::Shutdown {
            // The last rows of every worker are in the inbox before this is answered.
            self.office.record(None);
        }
        while let Ok(word) = self.inbox.try_recv() {
            if let Word::Batch(batch) = word {
                let wanted = !matches!(how, Ended::Full | Ended::Failed);
                how = self.put(&batch, wanted).unwrap_or(how);
            }
        }
        let dropped = self.counts.dropped.load(Ordering::Relaxed);
        if let Err(error) = self.sheet.end(how, dropped, self.unfinished)
            && how != Ended::Failed
        {
            tracing::error!("the recording's last line is missing: {error}");
            how = Ended::Failed;
        }
        how
    }

    fn listen(&mut self) -> Ended {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ended::Time;
            }
            match self.inbox.recv_timeout(left) {
                Ok(Word::Batch(batch)) => {
                    if let Some(how) = self.put(&batch, true) {
                        return how;
                    }
                }
                Ok(Word::Stop) => return Ended::Stopped,
                Ok(Word::Gone) | Err(RecvTimeoutError::Disconnected) => return Ended::Shutdown,
                Err(RecvTimeoutError::Timeout) => return Ended::Time,
            }
        }
    }

    /// Writes a batch where it is wanted; what ends the recording there, if anything.
    fn put(&mut self, batch: &Batch, wanted: bool) -> Option<Ended> {
        self.counts.pending.fetch_sub(1, Ordering::Relaxed);
        self.unfinished += u64::from(batch.unfinished.unwrap_or(0));
        if !wanted {
            return None;
        }
        let put = self.sheet.put(batch);
        self.counts.written.store(self.sheet.checkouts(), Ordering::Relaxed);
        match put {
            Ok(Room::Left) => None,
            Ok(Room::None) => Some(Ended::Full),
            Err(error) => {
                tracing::error!("the recording can't be written any further: {error}");
                Some(Ended::Failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use engine::orders::{PoolKey, Replication};
    use engine::steward::Answer;
    use engine::trace::Row;

    use super::*;
    use crate::mail::steward_box;

    fn batch(rows: usize, unfinished: Option<u32>) -> Box<Batch> {
        let pool = PoolKey { database: "d".into(), user: "u".into(), replication: Replication::No };
        let row = Row { pool: 0, at_us: 1, wait_us: 0, hold_us: Some(1) };
        Box::new(Batch { pools: vec![pool], rows: vec![row; rows], unfinished })
    }

    #[test]
    fn rows_beyond_what_may_wait_are_dropped_and_counted_but_for_the_last() {
        let (words, inbox) = channel();
        let counts = Arc::<Counts>::default();
        let tape = Tape { words, counts: counts.clone() };
        (0..PENDING_MAX + 3).for_each(|_| tape.put(batch(10, None)));
        tape.put(batch(1, Some(0)));
        drop(tape);
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 30);
        assert_eq!(inbox.iter().count(), PENDING_MAX + 2, "with the last batch and the goodbye");
    }

    /// The device that is always full, behind a first line that fits.
    struct Full(Vec<u8>, File);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.is_empty() { self.0.write(bytes) } else { self.1.write(bytes) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper for Full {
        fn cut(&mut self, bytes: u64) -> io::Result<()> {
            self.1.seek(SeekFrom::Start(bytes)).map(|_| ())
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_on_every_worker() {
        let (steward, letters) = steward_box();
        let (words, inbox) = channel();
        let counts = Arc::<Counts>::default();
        let tape = Tape { words, counts: counts.clone() };
        let bounds = Bounds { checkouts: 10, bytes: 1 << 20, span_us: 1_000_000 };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let sheet = Sheet::begin(Full(Vec::new(), full), bounds, "", "").unwrap();
        let office = Office { steward, epoch: Instant::now(), program: String::new() };
        let until = Instant::now() + Duration::from_secs(3_600);
        let scribe = Scribe { sheet, inbox, counts, office, until, unfinished: 0 };
        let (ready, told) = channel();
        let writes = thread::spawn(move || scribe.run(tape, Now(7), &ready));
        let Ok(StewardLetter::Tape(tape)) = letters.recv() else { panic!("the way for rows comes first") };
        let answer = |expected| match letters.recv() {
            Ok(StewardLetter::Ask(Command::Record(since), reply)) if since == expected => {
                reply.send(Answer::Done).unwrap()
            }
            other => panic!("{other:?}"),
        };
        answer(Some(Now(7)));
        assert!(told.recv().unwrap());
        tape.put(batch(1, None));
        answer(None);
        assert_eq!(writes.join().unwrap(), Ended::Failed);
    }
}
