use std::time::Duration;

use super::*;
use crate::orders::{Drain, Scope};
use crate::trace::Batch;

fn ticket_of(orders: &[(WorkerId, Order)]) -> Ticket {
    let ticket = |order: &Order| match order {
        Order::Pause { ticket, .. }
        | Order::Resume { ticket, .. }
        | Order::Reconnect { ticket, .. }
        | Order::WaitClose { ticket, .. }
        | Order::Kill { ticket, .. }
        | Order::KillClient { ticket, .. }
        | Order::Record { ticket, .. }
        | Order::Snapshot { ticket, .. } => Some(*ticket),
        _ => None,
    };
    orders.iter().find_map(|(_, order)| ticket(order)).expect("an order went out")
}

fn error(table: &Table) -> &str {
    match table.answer() {
        Some(Answer::Error(text)) => text,
        other => panic!("an error was expected, not {other:?}"),
    }
}

fn database(name: &str) -> Scope {
    Scope::Database(name.into())
}

#[test]
fn a_command_is_answered_when_the_last_worker_has_answered() {
    let mut table = Table::new(2, |_| {});
    let orders = table.command(Command::Reconnect(Scope::All));
    assert_eq!(orders.len(), 2);
    let ticket = ticket_of(&orders);
    for (worker, answers) in [(0, 0), (0, 0), (1, 1)] {
        table.on(StewardInput::Note(WorkerId(worker), Note::Done { ticket, found: false }));
        assert_eq!(table.out.answers.len(), answers);
    }
    assert!(matches!(table.answer(), Some(Answer::Done)));
}

#[test]
fn a_recording_begins_and_ends_on_every_worker_and_its_rows_pass_by() {
    let mut table = Table::new(2, |_| {});
    for since in [Some(Now(7)), None] {
        let orders = table.command(Command::Record(since));
        let same =
            |(_, order): &(WorkerId, Order)| matches!(order, Order::Record { since: s, .. } if *s == since);
        assert!(orders.len() == 2 && orders.iter().all(same), "{orders:?}");
        let ticket = ticket_of(&orders);
        table.on(StewardInput::Note(WorkerId(0), Note::Done { ticket, found: true }));
        let batch = Box::new(Batch { unfinished: Some(3), ..Batch::default() });
        table.on(StewardInput::Note(WorkerId(1), Note::Recorded { batch: batch.clone() }));
        assert_eq!((&*table.out.recorded, table.out.answers.len()), (&[batch][..], 0));
        table.on(StewardInput::Note(WorkerId(1), Note::Done { ticket, found: true }));
        assert!(matches!(table.answer(), Some(Answer::Done)));
    }
}

#[test]
fn a_paused_database_gets_no_credits_until_it_is_resumed() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    let ticket = ticket_of(&table.command(Command::Pause(database("d"))));
    table.note(Note::Done { ticket, found: true });
    assert_eq!(table.want(slice, 1), 0);
    let orders = table.note(Note::Knock { conn: ConnId::client(5, 0), key: key("d", "bob") });
    assert!(matches!(&orders[1], (_, Order::Pause { scope: Scope::Database(_), .. })), "{orders:?}");
    let orders = table.command(Command::Resume(database("d")));
    assert_eq!(granted(&orders, slice), 1);
}

#[test]
fn errors_are_worded_as_pgbouncers() {
    let mut table = Table::new(1, |config| {
        config.databases.clear();
        let mut known = model::config::checked::Database::with_defaults("d".into());
        known.server = "main".into();
        config.add_database(known);
    });
    let cases = [
        (Command::Resume(Scope::All), "pooler is not paused/suspended"),
        (Command::Resume(database("d")), "database d is not paused"),
        (Command::Pause(database("x")), "no such database: x"),
        (Command::Pause(database("pgbouncer")), "cannot pause admin db: pgbouncer"),
        (Command::Kill(database("connwarden")), "cannot kill admin db: connwarden"),
        (Command::WaitClose(database("pgbouncer")), "cannot wait in admin db: pgbouncer"),
        (Command::Disable(database_name()), "no such database: x"),
    ];
    for (command, text) in cases {
        table.command(command);
        assert_eq!(error(&table), text);
    }
    table.command(Command::Pause(Scope::All));
    table.command(Command::Pause(Scope::All));
    assert_eq!(error(&table), "already suspended/paused");
    table.command(Command::Kill(Scope::All));
    assert_eq!(error(&table), "already suspended/paused");
    table.command(Command::Shutdown(Shutdown::WaitForClients));
    table.command(Command::Resume(Scope::All));
    assert_eq!(error(&table), "pooler is shutting down");
}

fn database_name() -> Arc<str> {
    "x".into()
}

#[test]
fn a_client_nobody_knows_is_not_found() {
    let mut table = Table::new(2, |_| {});
    for (found, fine) in [([false, false], false), ([false, true], true)] {
        let ticket = ticket_of(&table.command(Command::KillClient(PublicId(3))));
        for (worker, found) in found.into_iter().enumerate() {
            table.on(StewardInput::Note(WorkerId(worker as u16), Note::Done { ticket, found }));
        }
        match table.answer() {
            Some(Answer::Done) => assert!(fine),
            _ => assert_eq!((error(&table), fine), ("client not found", false)),
        }
    }
}

#[test]
fn a_kill_leaves_databases_paused_and_a_bare_resume_ends_that() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    let ticket = ticket_of(&table.command(Command::Kill(Scope::All)));
    table.note(Note::Done { ticket, found: true });
    assert_eq!(table.want(slice, 1), 0);
    assert_eq!(granted(&table.command(Command::Resume(Scope::All)), slice), 1);
}

#[test]
fn a_resume_tells_whoever_waits_for_the_pause() {
    let mut table = Table::new(1, |_| {});
    table.pool("d", "ann");
    table.on(StewardInput::Command(Ticket(8), Command::Pause(Scope::All)));
    table.on(StewardInput::Command(Ticket(9), Command::Resume(Scope::All)));
    assert!(matches!(table.out.answers[..], [(Ticket(8), Answer::Error(_))]));
}

#[test]
fn pages_are_asked_of_one_worker_and_passed_on() {
    let mut table = Table::new(2, |_| {});
    let ask = Ask { book: crate::snapshot::Book::Slices, from: 0 };
    let orders = table.command(Command::Page(WorkerId(1), ask));
    assert!(matches!(orders[..], [(WorkerId(1), Order::Snapshot { .. })]));
    let ticket = ticket_of(&orders);
    table.note(Note::Page { ticket, page: Page::default() });
    assert!(matches!(table.answer(), Some(Answer::Page(_))));
    table.command(Command::Page(WorkerId(2), ask));
    assert_eq!(error(&table), "no such worker: 2");
}

#[test]
fn a_drain_ends_when_everybody_has_left_or_its_time_is_over() {
    let mut table = Table::new(2, |config| config.proxy.drain_timeout = Some(Duration::from_secs(25)));
    let orders = table.command(Command::Shutdown(Shutdown::Drain));
    assert!(orders.iter().all(|(_, order)| matches!(order, Order::Drain(Drain::WhenIdle))));
    table.note(Note::Drained);
    assert!(matches!(table.steward.stage(), Stage::Draining { .. }));
    let orders = table.later(25 * SECOND);
    assert!(orders.iter().all(|(_, order)| matches!(order, Order::Drain(Drain::Now))));
    table.on(StewardInput::Note(WorkerId(1), Note::Drained));
    assert_eq!(table.steward.stage(), Stage::Finished);
}

#[test]
fn a_second_wish_to_end_ends_faster_and_never_slower() {
    let mut table = Table::new(1, |_| {});
    table.command(Command::Shutdown(Shutdown::WaitForServers));
    table.command(Command::Shutdown(Shutdown::WaitForClients));
    assert!(matches!(table.steward.stage(), Stage::Draining { how: Shutdown::WaitForServers, .. }));
    table.command(Command::Shutdown(Shutdown::Now));
    assert!(matches!(table.steward.stage(), Stage::Leaving { .. }));
    table.later(3 * SECOND);
    assert_eq!(table.steward.stage(), Stage::Finished);
}

#[test]
fn waiting_for_servers_ends_when_all_are_released() {
    let mut table = Table::new(1, |_| {});
    let slice = table.pool("d", "ann");
    let ticket = ticket_of(&table.command(Command::Shutdown(Shutdown::WaitForServers)));
    assert!(matches!(table.answer(), Some(Answer::Done)));
    assert_eq!(table.want(slice, 1), 0);
    let orders = table.note(Note::Done { ticket, found: true });
    assert!(matches!(orders[..], [(W0, Order::Drain(Drain::Now))]));
}
