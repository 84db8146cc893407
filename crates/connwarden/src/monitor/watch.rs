//! A line per look, for pipes and for scripts.

use std::io::{self, Write};
use std::time::Duration;

use inspect::catalog::Sample;
use inspect::census::Thresholds;
use inspect::filter::Filter;
use inspect::form::{clean, utc};
use inspect::record::{Entry, Recording};
use inspect::report::WatchReport;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::source::{Report, Source};
use crate::exit::Exit;
use crate::output::Form;
use crate::say;
use crate::value::now_us;

/// After a failure, a server is asked again after at most so long.
const RETRY: Duration = Duration::from_secs(15);

/// When the next look is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pacing {
    /// A server is looked at in a rhythm.
    Every(Duration),
    /// A file is read as fast as it goes.
    AtOnce,
}

/// Looks and writes until it has looked `count` times, the file ends, the reader goes away or a signal comes.
pub(crate) async fn run(
    source: Source,
    recording: Option<Recording>,
    pacing: Pacing,
    count: Option<u64>,
    filter: Filter,
    form: Form,
    thresholds: Thresholds,
) -> Exit {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        say::err("error: signals cannot be caught");
        return Exit::Nothing;
    };
    let lines = Lines { form, filter, thresholds, before: None, recording };
    tokio::select! {
        exit = lines.write(source, pacing, count) => exit,
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Done,
    }
}

struct Lines {
    form: Form,
    filter: Filter,
    thresholds: Thresholds,
    before: Option<Sample>,
    recording: Option<Recording>,
}

impl Lines {
    async fn write(mut self, mut source: Source, pacing: Pacing, count: Option<u64>) -> Exit {
        let mut due = Instant::now();
        let mut left = count;
        while left != Some(0) {
            let report;
            (source, report) = source.look().await;
            let failed = matches!(report, Report::Failed { .. });
            let written = match report {
                Report::Ended | Report::Planned(_) | Report::Acted(_) => break,
                Report::Failed { why, at_us, .. } => self.failure(&why, at_us),
                Report::Sample(sample, _, _) => {
                    left = left.map(|left| left - 1);
                    self.sample(sample)
                }
            };
            match written {
                Ok(()) => {}
                // The reader went away: its decision.
                Err(Told::Output(_)) => break,
                Err(Told::Recording(why)) => {
                    say::err(&format!("error: {why}"));
                    return Exit::Nothing;
                }
            }
            if let Pacing::Every(interval) = pacing
                && left != Some(0)
            {
                // A look that took longer than the interval does not make the next ones come in a heap; and a server that
                // is gone is asked again sooner than once an hour.
                let pause = if failed { interval.min(RETRY) } else { interval };
                due = (due + pause).max(Instant::now());
                sleep_until(due).await;
            }
        }
        source.close().await;
        Exit::Done
    }

    fn sample(&mut self, sample: Box<Sample>) -> Result<(), Told> {
        let mut report = WatchReport::of(self.before.as_ref(), &sample, self.thresholds);
        if !self.filter.is_everything() {
            let sessions = sample.sessions.iter().filter(|session| self.filter.matches(session));
            report.count(sessions);
        }
        let text = match self.form {
            Form::Json => say::json_line(&report),
            Form::Human | Form::Plain => line(&report),
        };
        print(&text)?;
        let entry = Entry::Sample(sample);
        self.record(&entry)?;
        if let Entry::Sample(sample) = entry {
            self.before = Some(*sample);
        }
        Ok(())
    }

    fn failure(&mut self, why: &str, at_us: i64) -> Result<(), Told> {
        let at_us = if at_us == 0 { now_us() } else { at_us };
        say::err(&format!("{} no answer: {}", utc(at_us), clean(why)));
        self.record(&Entry::Failure { at_us, why: why.to_owned() })
    }

    fn record(&mut self, entry: &Entry) -> Result<(), Told> {
        let Some(recording) = &mut self.recording else { return Ok(()) };
        let moved = recording.add(entry).map_err(|error| Told::Recording(error.to_string()))?;
        if let Some(older) = moved {
            say::err(&format!("the recording was full: what it held is in {} now", older.display()));
        }
        Ok(())
    }
}

/// Why there is no next line.
enum Told {
    Output(#[allow(dead_code, reason = "who reads it is gone")] io::Error),
    Recording(String),
}

/// `2026-11-23T14:02:11Z util=23.1 total=45 active=11 idle=33 idle_tx=1 waiting=2 churn=2.1`
fn line(report: &WatchReport) -> String {
    let churn = report.new_sessions_per_s.map_or_else(|| "-".to_owned(), |churn| format!("{churn:.1}"));
    format!(
        "{} util={:.1} total={} active={} idle={} idle_tx={} waiting={} churn={churn}",
        utc(report.ts_us),
        report.utilization_of_usable_percent,
        report.total,
        report.active,
        report.idle,
        report.idle_in_transaction,
        report.waiting_lock,
    )
}

fn print(text: &str) -> Result<(), Told> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Told::Output)
}
