//! The shape of log lines: for people as PgBouncer writes them, as JSON, or as journald wants them.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use model::config::checked::LogFormat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, SubscriberBuilder};
use tracing_subscriber::registry::LookupSpan;

/// The subscriber is the process's, and so is the way to its level.
static LOUDNESS: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Makes the process log to standard error from here on. A second call changes nothing.
pub fn install(format: LogFormat, verbose: u8) {
    let builder =
        SubscriberBuilder::default().with_env_filter(level(verbose)).with_writer(io::stderr).with_ansi(false);
    match format {
        LogFormat::Json => begin!(builder.json().flatten_event(true).with_target(false)),
        LogFormat::Human => begin!(builder.event_format(Plain { journal: false })),
        LogFormat::Journal => begin!(builder.event_format(Plain { journal: true })),
    }
}

/// Takes over a changed `verbose`.
pub fn retune(verbose: u8) {
    if let Some(change) = LOUDNESS.get() {
        change(level(verbose));
    }
}

/// More of what we do ourselves; libraries stay as quiet as they are.
fn level(verbose: u8) -> EnvFilter {
    EnvFilter::new(match verbose {
        0 => "info",
        1 => "info,proxy=debug",
        _ => "info,proxy=trace",
    })
}

/// Each form of a line is a type of its own.
macro_rules! begin {
    ($builder:expr) => {{
        let builder = $builder.with_filter_reloading();
        let handle = builder.reload_handle();
        // Tests and embedding programs may have a subscriber of their own.
        if tracing::subscriber::set_global_default(builder.finish()).is_ok() {
            // The process has one subscriber, so this is the first.
            let _ = LOUDNESS.set(Box::new(move |level| drop(handle.reload(level))));
        }
    }};
}
use begin;

/// One line of text per event.
#[derive(Debug)]
struct Plain {
    journal: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (word, priority) = word(*event.metadata().level());
        if self.journal {
            write!(out, "<{priority}>")?;
        } else {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let moment = moment(since.as_secs(), since.subsec_millis());
            write!(out, "{moment} UTC [{}] {word} ", std::process::id())?;
        }
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// PgBouncer's word for a level, and syslog's number.
fn word(level: Level) -> (&'static str, u8) {
    match level {
        Level::ERROR => ("ERROR", 3),
        Level::WARN => ("WARNING", 4),
        Level::INFO => ("LOG", 6),
        Level::DEBUG => ("DEBUG", 7),
        Level::TRACE => ("NOISE", 7),
    }
}

/// `YYYY-MM-DD HH:MM:SS.mmm` of seconds since 1970, in UTC.
pub(crate) fn moment(seconds: u64, millis: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 0000-03-01, so that a leap day ends its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_a_calendar_does() {
        assert_eq!(moment(0, 0), "1970-01-01 00:00:00.000");
        assert_eq!(moment(951_782_400, 7), "2000-02-29 00:00:00.007");
        assert_eq!(moment(4_107_542_399, 999), "2100-02-28 23:59:59.999");
    }
}
