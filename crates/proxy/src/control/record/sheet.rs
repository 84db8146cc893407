//! The lines of a trace: the first says what it is, then one for each checkout, the last says how it ended. Nothing here
//! knows who records or when.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use engine::orders::PoolKey;
use engine::trace::{Batch, Row};

/// What the first line says the file is.
const SCHEMA: &str = "connwarden.trace/1";
/// Room that is kept for the last line.
const LAST_LINE_BYTES: u64 = 256;

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its time was over.
    Time,
    /// RECORD STOP.
    Stopped,
    /// One of its bounds was reached.
    Full,
    /// The process has ended.
    Shutdown,
    /// The file could not be written.
    Failed,
}

impl Ended {
    /// The word of the last line and of SHOW RECORD.
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Stopped => "stopped",
            Self::Full => "full",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
        }
    }
}

/// Where lines go.
pub(super) trait Paper: Write {
    /// Takes back whatever lies beyond so many bytes, and goes on from there.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Paper for File {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)?;
        self.seek(SeekFrom::Start(bytes)).map(|_| ())
    }
}

/// What a trace may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Checkouts.
    pub(super) checkouts: u64,
    /// Bytes, all lines together.
    pub(super) bytes: u64,
    /// Who asks this late or later, in microseconds, is not recorded.
    pub(super) span_us: u64,
}

/// Whether more fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Left,
    None,
}

/// A trace being written.
#[derive(Debug)]
pub(super) struct Sheet<P> {
    paper: P,
    bounds: Bounds,
    /// Whole lines that are there.
    bytes: u64,
    checkouts: u64,
    text: String,
}

impl<P: Paper> Sheet<P> {
    /// Writes the first line. `started` is in UTC, as RFC 3339 has it.
    pub(super) fn begin(paper: P, bounds: Bounds, started: &str, program: &str) -> io::Result<Self> {
        let mut sheet = Self { paper, bounds, bytes: 0, checkouts: 0, text: String::new() };
        let seconds = bounds.span_us as f64 / 1e6;
        let (started, program) = (quoted(started), quoted(program));
        // Writing to a String does not fail.
        let _ = writeln!(
            sheet.text,
            "{{\"schema\":\"{SCHEMA}\",\"started\":{started},\"seconds\":{seconds},\"program\":{program}}}"
        );
        sheet.write()?;
        Ok(sheet)
    }

    /// Writes a line for each row, as long as there is room.
    pub(super) fn put(&mut self, batch: &Batch) -> io::Result<Room> {
        let pools: Vec<String> = batch.pools.iter().map(name).collect();
        self.text.clear();
        let (mut lines, mut room) = (0, Room::Left);
        for row in batch.rows.iter().filter(|row| row.at_us < self.bounds.span_us) {
            let Some(pool) = pools.get(row.pool as usize) else { continue };
            let whole = self.text.len();
            line(&mut self.text, row, pool);
            let bytes = self.bytes + self.text.len() as u64 + LAST_LINE_BYTES;
            if self.checkouts + lines >= self.bounds.checkouts || bytes > self.bounds.bytes {
                self.text.truncate(whole);
                room = Room::None;
                break;
            }
            lines += 1;
        }
        self.write()?;
        self.checkouts += lines;
        Ok(room)
    }

    /// Checkouts that are written.
    pub(super) fn checkouts(&self) -> u64 {
        self.checkouts
    }

    /// Writes the last line. Where writing has failed before, what is left of half a line makes room for it.
    pub(super) fn end(mut self, how: Ended, dropped: u64, unfinished: u64) -> io::Result<P> {
        if how == Ended::Failed {
            self.paper.cut(self.bytes)?;
        }
        self.text.clear();
        let (word, checkouts) = (how.word(), self.checkouts);
        let _ = writeln!(
            self.text,
            "{{\"ended\":\"{word}\",\"checkouts\":{checkouts},\"dropped\":{dropped},\"unfinished\":{unfinished}}}"
        );
        self.write()?;
        Ok(self.paper)
    }

    fn write(&mut self) -> io::Result<()> {
        self.paper.write_all(self.text.as_bytes())?;
        self.paper.flush()?;
        self.bytes += self.text.len() as u64;
        Ok(())
    }
}

fn line(text: &mut String, row: &Row, pool: &str) {
    let Row { at_us, wait_us, hold_us, .. } = row;
    let _ = match hold_us {
        Some(hold_us) => writeln!(
            text,
            "{{\"at_us\":{at_us},\"wait_us\":{wait_us},\"hold_us\":{hold_us},\"pool\":{pool}}}"
        ),
        None => {
            writeln!(text, "{{\"at_us\":{at_us},\"wait_us\":{wait_us},\"gave_up\":true,\"pool\":{pool}}}")
        }
    };
}

fn name(pool: &PoolKey) -> String {
    quoted(&format!("{}/{}", pool.database, pool.user))
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use engine::orders::Replication;

    use super::*;

    /// A disk with so much room.
    #[derive(Debug, Default)]
    struct Disk {
        kept: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.kept.len());
            self.kept.extend(&bytes[..taken]);
            if taken == 0 && !bytes.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper for Disk {
        fn cut(&mut self, bytes: u64) -> io::Result<()> {
            self.kept.truncate(bytes as usize);
            Ok(())
        }
    }

    const WIDE: Bounds = Bounds { checkouts: 1_000, bytes: 1 << 20, span_us: 60_000_000 };

    fn sheet(bounds: Bounds, room: usize) -> Sheet<Disk> {
        let disk = Disk { room, ..Disk::default() };
        Sheet::begin(disk, bounds, "2026-01-02T03:04:05.006Z", "connwarden 9").unwrap()
    }

    fn batch(rows: impl IntoIterator<Item = (u64, u64, Option<u64>)>) -> Batch {
        let pool = PoolKey { database: "shop".into(), user: "a\"b".into(), replication: Replication::No };
        let row = |(at_us, wait_us, hold_us)| Row { pool: 0, at_us, wait_us, hold_us };
        Batch { pools: vec![pool], rows: rows.into_iter().map(row).collect(), unfinished: None }
    }

    fn lines(sheet: Sheet<Disk>, how: Ended) -> Vec<String> {
        let disk = sheet.end(how, 0, 0).unwrap();
        String::from_utf8(disk.kept).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_trace_is_lines_of_json() {
        let mut sheet = sheet(Bounds { span_us: 1_500_000, ..WIDE }, 1 << 20);
        assert_eq!(sheet.put(&batch([(1, 2, Some(3)), (4, 5, None)])).unwrap(), Room::Left);
        // Who asked when the time was over came between that moment and the word of it.
        assert_eq!(sheet.put(&batch([(1_500_000, 0, Some(1))])).unwrap(), Room::Left);
        let disk = sheet.end(Ended::Stopped, 7, 9).unwrap();
        let text = "{\"schema\":\"connwarden.trace/1\",\"started\":\"2026-01-02T03:04:05.006Z\",\"seconds\":1.5,\
             \"program\":\"connwarden 9\"}\n\
             {\"at_us\":1,\"wait_us\":2,\"hold_us\":3,\"pool\":\"shop/a\\\"b\"}\n\
             {\"at_us\":4,\"wait_us\":5,\"gave_up\":true,\"pool\":\"shop/a\\\"b\"}\n\
             {\"ended\":\"stopped\",\"checkouts\":2,\"dropped\":7,\"unfinished\":9}\n";
        assert_eq!(String::from_utf8(disk.kept).unwrap(), text);
    }

    #[test]
    fn a_bound_of_checkouts_is_kept_to_the_last_one() {
        let mut sheet = sheet(Bounds { checkouts: 3, ..WIDE }, 1 << 20);
        assert_eq!(sheet.put(&batch((0..3).map(|at| (at, 0, Some(1))))).unwrap(), Room::Left);
        assert_eq!(sheet.put(&batch([(9, 0, Some(1))])).unwrap(), Room::None);
        assert_eq!(sheet.checkouts(), 3);
        assert_eq!(lines(sheet, Ended::Full).len(), 5);
    }

    #[test]
    fn a_bound_of_bytes_has_room_for_the_last_line() {
        let bounds = Bounds { bytes: 1_000, ..WIDE };
        let mut sheet = sheet(bounds, 1 << 20);
        assert_eq!(sheet.put(&batch((0..100).map(|at| (at, 0, Some(1))))).unwrap(), Room::None);
        let written = sheet.checkouts();
        let lines = lines(sheet, Ended::Full);
        assert!((5..20).contains(&written), "{written}");
        assert_eq!(lines.len() as u64, written + 2);
        assert!(lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>() <= bounds.bytes);
    }

    #[test]
    fn a_full_disk_leaves_whole_lines_and_says_so() {
        let mut sheet = sheet(WIDE, 400);
        assert_eq!(sheet.put(&batch([(1, 0, Some(1)), (2, 0, Some(1))])).unwrap(), Room::Left);
        let error = sheet.put(&batch((3..100).map(|at| (at, 0, Some(1))))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let lines = lines(sheet, Ended::Failed);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        assert_eq!(lines[3], r#"{"ended":"failed","checkouts":2,"dropped":0,"unfinished":0}"#);
    }
}
