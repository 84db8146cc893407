//! Checkouts as they were recorded: JSON Lines, one for each, behind a first line that names the schema. The shell reads
//! lines and hands them over; nothing here opens a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::Checkout;
use crate::{Finding, Level, Place, Rule};

/// What the first line calls the format.
pub const SCHEMA: &str = "connwarden.trace/1";
/// Lines that are taken, at most.
pub const LINES_MAX: u32 = 5_000_000;
/// Bytes of a line, at most.
pub const LINE_BYTES_MAX: usize = 4_096;
/// Pools that are told apart, at most.
pub const POOLS_MAX: usize = 10_000;
/// Findings that are told, at most: a file of something else is wrong in each of its lines.
const FINDINGS_MAX: usize = 50;

/// A trace that cannot be read.
pub const TRACE001: Rule =
    Rule { id: "TRACE001", level: Level::Error, summary: "A line of a recorded trace is not understood." };

/// One checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When the connection was asked for, in microseconds of any clock that all lines share.
    pub at_us: i64,
    /// How long it took to get it.
    pub wait_us: u64,
    /// How long it was held; `None` where the client left the line without one.
    pub hold_us: Option<u64>,
    /// Of which pool: its place in [`Trace::pools`].
    pub pool: u32,
}

/// What was recorded, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The pools' names, `db/user`, in the order of their first checkout.
    pub pools: Vec<String>,
    /// The checkouts.
    pub checkouts: Vec<Recorded>,
    /// The last line was cut off while it was written, and is passed over.
    pub torn: bool,
    /// Checkouts that the recorder could not keep up with.
    pub dropped: u64,
    /// The recorder said how it ended, and that was in order.
    pub complete: bool,
}

impl Trace {
    /// The requests of one pool, or of all, in the order of time and counted from the first. Who gave up would have held a
    /// connection as well: as long as the others on average.
    pub fn arrivals(&self, pool: Option<&str>) -> Vec<Checkout> {
        let mut chosen: Vec<Recorded> = self.of(pool).collect();
        chosen.sort_by_key(|one| one.at_us);
        let first_us = chosen.first().map_or(0, |one| one.at_us);
        let seconds = |us: u64| us as f64 / 1e6;
        let holds = self.holds_s(pool);
        let mean_s = holds.iter().sum::<f64>() / holds.len().max(1) as f64;
        chosen
            .into_iter()
            .map(|one| Checkout {
                arrival_s: seconds(one.at_us.abs_diff(first_us)),
                hold_s: one.hold_us.map_or(mean_s, seconds),
            })
            .collect()
    }

    /// The holds of one pool, or of all, in seconds.
    pub fn holds_s(&self, pool: Option<&str>) -> Vec<f64> {
        self.of(pool).filter_map(|one| one.hold_us).map(|us| us as f64 / 1e6).collect()
    }

    /// How many left the line without a connection.
    pub fn gave_up(&self, pool: Option<&str>) -> usize {
        self.of(pool).filter(|one| one.hold_us.is_none()).count()
    }

    /// The waits of one pool, or of all, in seconds: what a simulation of the size that was in use should give again.
    pub fn waits_s(&self, pool: Option<&str>) -> Vec<f64> {
        self.of(pool).map(|one| one.wait_us as f64 / 1e6).collect()
    }

    fn of(&self, pool: Option<&str>) -> impl Iterator<Item = Recorded> {
        let wanted = pool.map(|name| self.pools.iter().position(|known| known == name));
        let is_wanted = move |one: &Recorded| wanted.is_none_or(|wanted| wanted == Some(one.pool as usize));
        self.checkouts.iter().copied().filter(is_wanted)
    }
}

/// A trace that is being read, line by line.
#[derive(Debug)]
pub struct Reading {
    file: Arc<str>,
    line: u32,
    trace: Trace,
    pools: BTreeMap<String, u32>,
    /// What was wrong with the line before, if that may be its being cut off.
    cut_off: Option<Finding>,
    findings: Vec<Finding>,
    more: u32,
    ended: bool,
}

#[derive(Deserialize)]
struct First {
    schema: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Further {
    Checkout {
        at_us: i64,
        wait_us: u64,
        hold_us: u64,
        pool: String,
    },
    GaveUp {
        at_us: i64,
        wait_us: u64,
        gave_up: bool,
        pool: String,
    },
    /// The last line.
    End {
        ended: String,
        #[serde(default)]
        dropped: u64,
    },
}

impl Reading {
    /// A trace of a file, at its beginning.
    pub fn new(file: &Arc<str>) -> Self {
        Self {
            file: Arc::clone(file),
            line: 0,
            trace: Trace::default(),
            pools: BTreeMap::new(),
            cut_off: None,
            findings: Vec::new(),
            more: 0,
            ended: false,
        }
    }

    /// The next line, without its end. False: no more of them is needed.
    pub fn line(&mut self, text: &str) -> bool {
        if self.ended {
            return false;
        }
        self.line = self.line.saturating_add(1);
        if let Some(finding) = self.cut_off.take() {
            self.tell(finding);
        }
        match text.trim() {
            _ if text.len() > LINE_BYTES_MAX => {
                self.wrong(0, format!("longer than {LINE_BYTES_MAX} bytes"), "is it a trace?");
            }
            "" => {}
            text if self.line == 1 => self.first(text),
            text => self.further(text),
        }
        !self.ended
    }

    fn first(&mut self, text: &str) {
        let schema = serde_json::from_str::<First>(text).map(|first| first.schema).unwrap_or_default();
        if schema == SCHEMA {
            return;
        }
        let fix = if schema.starts_with("connwarden.samples/") {
            "this is a recording of monitor: give it as one"
        } else {
            "record one with the proxy"
        };
        self.wrong(0, format!("not a trace: the first line does not say \"schema\":\"{SCHEMA}\""), fix);
        self.ended = true;
    }

    fn further(&mut self, text: &str) {
        if self.line > LINES_MAX {
            self.wrong(0, format!("more than {LINES_MAX} lines"), "give a part of it");
            self.ended = true;
            return;
        }
        match serde_json::from_str::<Further>(text) {
            Ok(Further::Checkout { at_us, wait_us, hold_us, pool }) => {
                self.checkout(at_us, wait_us, Some(hold_us), pool);
            }
            Ok(Further::GaveUp { at_us, wait_us, gave_up: true, pool }) => {
                self.checkout(at_us, wait_us, None, pool);
            }
            Ok(Further::GaveUp { .. }) => {
                self.wrong(0, "not a checkout".to_owned(), "hold_us is missing");
            }
            Ok(Further::End { ended, dropped }) => {
                self.trace.dropped = dropped;
                self.trace.complete = ended != "failed";
            }
            Err(error) => {
                let column = u32::try_from(error.column()).unwrap_or(0);
                // The parser's own words may repeat what the line says; ours do not.
                let (message, fix) = if error.is_data() {
                    (
                        "not a checkout",
                        "write whole microseconds in at_us, wait_us and hold_us, and the pool's name in pool",
                    )
                } else {
                    ("not JSON", "write one JSON object per line")
                };
                let finding = self.finding(column, message.to_owned(), fix);
                if error.is_eof() {
                    self.cut_off = Some(finding);
                } else {
                    self.tell(finding);
                }
            }
        }
    }

    fn checkout(&mut self, at_us: i64, wait_us: u64, hold_us: Option<u64>, name: String) {
        let pool = match self.pools.get(&name) {
            Some(pool) => *pool,
            None if self.trace.pools.len() >= POOLS_MAX => {
                self.wrong(0, format!("more than {POOLS_MAX} pools"), "give a part of it");
                self.ended = true;
                return;
            }
            None => {
                let pool = u32::try_from(self.trace.pools.len()).unwrap_or(u32::MAX);
                self.trace.pools.push(name.clone());
                self.pools.insert(name, pool);
                pool
            }
        };
        self.trace.checkouts.push(Recorded { at_us, wait_us, hold_us, pool });
    }

    /// The end of the file.
    ///
    /// # Errors
    /// Every line that is not understood, with its number; the first fifty of them.
    pub fn end(mut self) -> Result<Trace, Vec<Finding>> {
        self.trace.torn = self.cut_off.is_some();
        if self.line == 0 {
            self.wrong(0, "an empty file".to_owned(), "record some traffic first");
        }
        if self.more > 0 {
            let message = format!("{} further lines are not understood", self.more);
            self.findings.push(Finding::at(
                &TRACE001,
                &Place::whole(&self.file),
                message,
                "mend the first ones",
            ));
        }
        if self.findings.is_empty() { Ok(self.trace) } else { Err(self.findings) }
    }

    fn finding(&self, column: u32, message: String, fix: &'static str) -> Finding {
        Finding::at(&TRACE001, &Place::new(&self.file, self.line, column), message, fix)
    }

    fn wrong(&mut self, column: u32, message: String, fix: &'static str) {
        let finding = self.finding(column, message, fix);
        self.tell(finding);
    }

    fn tell(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"schema":"connwarden.trace/1","pool_size":20}"#;

    fn read(lines: &[&str]) -> Result<Trace, Vec<Finding>> {
        let mut reading = Reading::new(&"t.jsonl".into());
        for line in lines {
            if !reading.line(line) {
                break;
            }
        }
        reading.end()
    }

    fn told(lines: &[&str]) -> Vec<(u32, String)> {
        let place = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.line);
        read(lines).unwrap_err().iter().map(|finding| (place(finding), finding.message.clone())).collect()
    }

    fn line(at_us: i64, hold_us: u64, pool: &str) -> String {
        format!(r#"{{"at_us":{at_us},"wait_us":7,"hold_us":{hold_us},"pool":"{pool}","new":[1]}}"#)
    }

    #[test]
    fn checkouts_are_replayed_in_the_order_of_time_from_the_first() {
        let (a, b, c) =
            (line(5_000_000, 10, "wall/api"), line(4_000_000, 20, "wall/api"), line(9, 30, "wall/job"));
        let trace = read(&[HEAD, &a, "", &b, &c]).unwrap();
        assert_eq!(trace.pools, ["wall/api", "wall/job"]);
        let at = |arrival_s, hold_s| Checkout { arrival_s, hold_s };
        assert_eq!(trace.arrivals(Some("wall/api")), [at(0.0, 0.000_02), at(1.0, 0.000_01)]);
        assert_eq!(trace.arrivals(None).len(), 3);
        assert!(trace.arrivals(Some("wall/other")).is_empty());
        assert_eq!(trace.holds_s(Some("wall/job")), [0.000_03]);
        assert_eq!(trace.waits_s(Some("wall/job")), [0.000_007]);
    }

    #[test]
    fn what_the_proxy_writes_is_read() {
        let lines = [
            r#"{"schema":"connwarden.trace/1","program":"connwarden 0.1.0","started":"2026-11-27T07:00:00Z","seconds":60}"#,
            r#"{"at_us":0,"wait_us":7,"hold_us":100,"pool":"shop/app"}"#,
            r#"{"at_us":5,"wait_us":30000000,"gave_up":true,"pool":"shop/app"}"#,
            r#"{"at_us":9,"wait_us":0,"hold_us":300,"pool":"shop/app"}"#,
            r#"{"ended":"time","checkouts":3,"dropped":2,"unfinished":1}"#,
        ];
        let trace = read(&lines).unwrap();
        assert_eq!((trace.gave_up(None), trace.dropped, trace.complete), (1, 2, true));
        let holds: Vec<u64> =
            trace.arrivals(None).iter().map(|one| (one.hold_s * 1e6).round() as u64).collect();
        assert_eq!(holds, [100, 200, 300], "who gave up would have held as long as the others");
        assert!(!read(&lines[..4]).unwrap().complete);
    }

    #[test]
    fn every_line_that_is_not_understood_is_told_with_its_number() {
        let negative = line(1, 2, "p").replace(":7", ":-7");
        let long = format!("{}{}", line(1, 2, "p"), " ".repeat(LINE_BYTES_MAX));
        let lines = [HEAD, "{]", &line(1, 2, "p"), &negative, r#"{"at_us":1}"#, &long, "secret"];
        let told = told(&lines);
        assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 5, 6, 7]);
        assert!(told.iter().all(|(_, message)| !message.contains("secret")));
        assert_eq!((told[0].1.as_str(), told[1].1.as_str()), ("not JSON", "not a checkout"));
    }

    #[test]
    fn a_last_line_that_was_cut_off_is_passed_over_and_one_before_is_not() {
        let (whole, cut) = (line(1, 2, "p"), r#"{"at_us":1,"wait"#);
        let trace = read(&[HEAD, &whole, cut]).unwrap();
        assert!(trace.torn && trace.checkouts.len() == 1);
        assert_eq!(told(&[HEAD, cut, &whole]), [(2, "not JSON".to_owned())]);
    }

    #[test]
    fn another_file_is_no_trace_and_is_told_once() {
        assert_eq!(told(&["hello", "world"]).len(), 1);
        assert_eq!(told(&[]), [(0, "an empty file".to_owned())]);
        let samples = read(&[r#"{"schema":"connwarden.samples/1"}"#, "{}"]).unwrap_err();
        assert!(samples[0].fix.contains("recording of monitor"));
    }

    #[test]
    fn a_file_that_is_wrong_everywhere_is_told_in_part() {
        let mut lines = vec![HEAD];
        lines.resize(1_001, "{]");
        let findings = read(&lines).unwrap_err();
        assert_eq!(findings.len(), FINDINGS_MAX + 1);
        assert_eq!(findings[FINDINGS_MAX].message, "950 further lines are not understood");
    }
}
