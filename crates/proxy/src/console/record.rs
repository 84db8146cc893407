//! RECORD: what an operator said, and what came of it, in words.

use std::path::PathBuf;
use std::time::Duration;

use model::config::value::{Given, Typed, print_duration};

use super::reply::{Failure, Reply};
use crate::control::Hub;
use crate::control::record::{NotRecorded, SPAN_MAX, SPAN_MIN};

/// What may be said.
const USAGE: &str = "write RECORD '/path/of/a/new/file' FOR 60s, or RECORD STOP";

/// RECORD into a file.
pub(super) async fn start(hub: &Hub, file: &str, time: &str) -> Result<Reply, Failure> {
    let span = span(time)?;
    hub.record(PathBuf::from(file), span).await.map_err(failure)?;
    Ok(Reply::done("RECORD"))
}

/// RECORD and a word: there is but one.
pub(super) async fn stop(hub: &Hub, argument: Option<&str>) -> Result<Reply, Failure> {
    if !argument.is_some_and(|word| word.eq_ignore_ascii_case("stop")) {
        return Err(Failure::explained("RECORD what?", USAGE));
    }
    hub.record_no_more().await.map_err(failure)?;
    Ok(Reply::done("RECORD"))
}

fn span(time: &str) -> Result<Duration, Failure> {
    let span = Duration::read(&Given::Word(time.into())).map_err(|refused| match refused.fix {
        Some(fix) => Failure::explained(refused.problem, fix),
        None => Failure::plain(refused.problem),
    })?;
    if span < SPAN_MIN || span > SPAN_MAX {
        let (least, most) = (print_duration(SPAN_MIN), print_duration(SPAN_MAX));
        let fix = format!("a recording takes from {least} to {most}");
        return Err(Failure::explained(format!("{} is out of range", print_duration(span)), fix));
    }
    Ok(span)
}

fn failure(why: NotRecorded) -> Failure {
    let text = why.to_string();
    match why {
        NotRecorded::UnderWay { file, left } => Failure::explained(
            text,
            format!("{} for another {} s; RECORD STOP ends it", file.display(), left.as_secs()),
        ),
        NotRecorded::Relative(_) => Failure::explained(text, "write the whole path, from / on"),
        NotRecorded::Exists(_) => Failure::explained(text, "nothing is overwritten: write another name"),
        NotRecorded::Idle | NotRecorded::Refused { .. } => Failure::plain(text),
        NotRecorded::Ended => Failure::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(failure: Failure) -> (String, String) {
        match failure {
            Failure::Error { message, detail, .. } => (message, detail.unwrap_or_default()),
            Failure::Ended => panic!("the process does not end"),
        }
    }

    #[test]
    fn a_time_has_a_unit_and_bounds() {
        assert_eq!(span("1s"), Ok(SPAN_MIN));
        assert_eq!(span("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1h"), Ok(SPAN_MAX));
        let refused = |time| words(span(time).expect_err(time));
        assert_eq!(refused("60"), ("\"60\" has no unit".into(), "write \"60s\" for seconds".into()));
        assert_eq!(refused("60sec").0, "\"60sec\" is not a duration");
        for time in ["999ms", "3601s", "0s", "2h"] {
            assert_eq!(refused(time).1, "a recording takes from 1s to 1h", "{time}");
        }
    }
}
