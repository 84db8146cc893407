//! What `plan simulate` says.

use connwarden_plan::chart::{Ink, Line, Look, svg, text};
use connwarden_plan::queue::BACKEND_BYTES;
use connwarden_plan::simulate::form::{
    CONTENTION_ASSUMED, MEMORY_ASSUMED, SimulationReport, Text, chart, human,
};
use connwarden_plan::simulate::{Hold, Scenario, Server, compare};

use crate::world::erlang;

fn report(scenario: &Scenario, sizes: &[u32]) -> SimulationReport {
    let comparison =
        compare(scenario, sizes, BACKEND_BYTES).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    SimulationReport::of(scenario, &comparison, vec![CONTENTION_ASSUMED.into(), MEMORY_ASSUMED.into()])
}

/// A load whose sizes are too few, enough, and too many.
fn shop() -> Scenario {
    Scenario {
        hold: Hold::Lognormal { mean_s: 0.05, cv: 1.0 },
        application_share: 0.5,
        processes: 2,
        server: Server::assumed(8),
        duration_s: 66.0,
        warm_up_s: 6.0,
        ..erlang(160.0, 0.05, 1)
    }
}

const SIZES: [u32; 6] = [3, 5, 8, 12, 20, 40];

fn lines(report: &SimulationReport, ascii: bool) -> Vec<String> {
    human(report, Text { width: 100, ascii }).iter().map(Line::plain).collect()
}

#[test]
fn a_size_that_does_not_keep_up_has_no_times() {
    let report = report(&shop(), &SIZES);
    let lines = lines(&report, false);
    let row = lines.iter().find(|line| line.trim_start().starts_with("3 ")).expect("a row for 3");
    assert_eq!(row.matches("grows").count(), 3, "{lines:#?}");
    assert_eq!(
        report.rows.iter().map(|row| row.keeps_up).collect::<Vec<_>>(),
        [false, true, true, true, true, true]
    );
    assert_eq!(chart(&report).panels[1].series[0].points.len(), 5);
}

#[test]
fn the_knee_is_pointed_at_in_every_form() {
    let report = report(&shop(), &SIZES);
    let size = report.knee.pool_size.expect("a knee");
    assert!(report.knee.sentence.contains(&format!("{size} connections per process, {} together", size * 2)));
    let marked = human(&report, Text { width: 100, ascii: false })
        .iter()
        .filter(|line| line.spans.iter().any(|span| span.ink == Ink::Marked))
        .count();
    assert_eq!(marked, 2, "a row of figures and a row of words");
    let picture = chart(&report);
    let drawn = text(&picture, Look { width: 80, height: 10, ascii: true });
    assert!(drawn.iter().any(|line| line.plain().contains(&format!("knee {size}"))));
    assert!(svg(&picture).contains(&format!("knee {size}")));
}

#[test]
fn ascii_is_ascii_and_sentences_keep_to_the_width() {
    let report = report(&shop(), &SIZES);
    assert!(lines(&report, true).iter().all(|line| line.is_ascii()));
    for line in lines(&report, false) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(lines(&report, false).iter().any(|line| line.starts_with("assumed: contention")));
}

#[test]
fn the_report_names_its_schema_and_what_it_played() {
    let report = report(&shop(), &[5, 8]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["schema"], "connwarden.simulation/1");
    assert_eq!((&json["load"]["rate_per_s"], &json["load"]["cores"]), (&160.0.into(), &8.into()));
    assert_eq!(json["rows"][0]["pool_size"], 5);
    assert_eq!(json["rows"][1]["expected"]["line"], "steady");
    assert!(json["rows"][1]["latency_s"]["p99"]["value"].as_f64().unwrap() > 0.05);
    assert!(json["load"].get("clients").is_none());
    let schema = schemars::schema_for!(SimulationReport);
    let required = schema.as_value()["required"].as_array().unwrap().len();
    assert_eq!(required, json.as_object().unwrap().len());
}
