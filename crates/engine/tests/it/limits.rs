//! What a client may pile up before it is stopped, and that it goes on then.

use engine::session::ledger::LEDGER_MAX;
use engine::session::statements::names::CLIENT_STATEMENTS_MAX;

use crate::talk::stage::Stage;

/// A client that has prepared `s`, with nothing outstanding.
fn prepared() -> Stage {
    let mut stage = Stage::new("");
    for line in ["C1 logs in", "S1 greets", "C1< P s \"select 1\" | S", "S1< 1 | Z I"] {
        stage.play(line);
    }
    stage.lines.clear();
    stage
}

fn count(stage: &Stage, who: &str, what: &str) -> usize {
    let said = stage.lines.iter().filter_map(|line| line.trim_start().strip_prefix(who)?.strip_prefix("> "));
    said.flat_map(|line| line.split(" | ")).filter(|message| *message == what).count()
}

#[test]
fn a_ledger_full_of_replies_of_ours_empties_itself() {
    let mut stage = prepared();
    for n in 0..LEDGER_MAX + 10 {
        stage.play(&format!("C1< P s{n} \"select 1\""));
    }
    stage.play("C1< S");
    stage.play("S1< Z I");
    assert_eq!(count(&stage, "C1", "1"), LEDGER_MAX + 10);
    assert_eq!(count(&stage, "C1", "Z I"), 1);
}

#[test]
fn a_full_ledger_asks_the_server_for_its_answers() {
    let mut stage = prepared();
    stage.play("C1< P - \"select 1\"");
    for _ in 0..LEDGER_MAX {
        stage.play("C1< D P p");
    }
    // Without this the server would keep a few short answers for itself, and the client would never be read again.
    assert_eq!(count(&stage, "S1", "H"), 1);
    let short = "n | ".repeat(LEDGER_MAX - 1);
    stage.play(&format!("S1< 1 | {}", short.trim_end_matches(" | ")));
    stage.play("C1< S");
    assert_eq!(count(&stage, "S1", "S"), 1);
}

#[test]
fn a_client_keeps_so_many_statements_and_no_more() {
    let mut stage = prepared();
    for n in 1..CLIENT_STATEMENTS_MAX {
        stage.play(&format!("C1< P s{n} \"select 1\" | S"));
        stage.play("S1< Z I");
    }
    stage.lines.clear();
    stage.play("C1< P more \"select 1\" | S");
    let text = format!("FATAL 54000 \"a client may keep {CLIENT_STATEMENTS_MAX} prepared statements\"");
    assert_eq!(count(&stage, "C1", &text), 1, "{:?}", stage.lines);
}
