//! Traps 58 to 70: how connections end, and what must not be lost then.

use engine::contract::{DialError, Gone, Input};
use engine::orders::{Back, DialRefusal, Drain, Note, Order, PoolKey, Replication, Scope};
use engine::remark::Remark;
use engine::snapshot::{Ask, Book};
use engine::time::Now;
use model::id::Ticket;

use super::stand::{REPORTS, Stand};

const SHUTDOWN: &str = "FATAL 57P01 \"terminating connection due to administrator command\"";

#[test]
fn last_words_of_a_resting_server_reach_nobody() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.say(server, SHUTDOWN);
    assert!(stand.is_over(server), "it is not lent any more");
    stand.gone(server);
    assert_eq!(stand.hear(a), "");
    assert_eq!(stand.backs, [Back::Closed], "an end like any other: the host has not failed");
    stand.say(a, "Q one");
    assert_eq!(stand.hear(stand.servers[1]), "Q \"one\"");
}

#[test]
fn a_server_that_ends_within_a_transaction_is_told_of_once_and_ends_its_client() {
    for (words, heard) in [
        (SHUTDOWN, SHUTDOWN),
        ("", "FATAL 08006 \"server conn crashed?\""),
        ("E 57P02 odd", "E 57P02 \"odd\" | FATAL 08006 \"server conn crashed?\""),
    ] {
        let mut stand = Stand::new(1);
        let a = stand.client();
        let server = stand.servers[0];
        stand.begin(a, server);
        stand.say(a, "Q one");
        stand.say(server, words);
        stand.gone(server);
        assert_eq!(stand.hear(a), heard);
        assert!(stand.is_over(a), "it must not think that its transaction lives");
    }
}

#[test]
fn what_a_server_had_of_a_query_is_never_sent_again() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.say(a, "Q \"insert\"");
    stand.say(b, "Q next");
    stand.gone(server);
    assert!(stand.is_over(a));
    assert_eq!(stand.hear(stand.servers[1]), "Q \"next\"", "the waiting one goes on, the other is told");
}

#[test]
fn a_query_no_server_has_seen_goes_to_the_next_one() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.wait(31);
    stand.say(a, "Q one");
    assert_eq!(stand.hear(server), "Q \"\"", "a check first: it rested long");
    stand.gone(server);
    assert_eq!(stand.hear(stand.servers[1]), "Q \"one\"");
    assert!(!stand.is_over(a));
}

#[test]
fn a_waiter_that_left_leaves_the_line_with_what_it_asked() {
    let mut stand = Stand::new(1);
    let (a, b, c) = (stand.client(), stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.say(b, "Q left");
    stand.say(c, "Q stays");
    stand.take(Input::Gone { conn: b, how: Gone::Reset });
    stand.exchange(a, server, "Q commit", "C COMMIT | Z I");
    assert_eq!(stand.hear(server), "Q \"stays\"");
}

#[test]
fn a_server_that_comes_for_who_has_left_is_not_lost() {
    let mut stand = Stand::new(2);
    let (a, b) = (stand.client(), stand.client());
    stand.begin(a, stand.servers[0]);
    stand.greets = false;
    stand.say(b, "Q left");
    stand.gone(b);
    stand.greet(stand.servers[1], REPORTS);
    let c = stand.client();
    stand.say(c, "Q one");
    assert_eq!(stand.hear(stand.servers[1]), "Q \"one\"");
    assert_eq!(stand.servers.len(), 2);
}

#[test]
fn every_credit_comes_back_once_however_its_connection_ends() {
    let ends: [fn(&mut Stand); 7] = [
        |stand| stand.take(Input::DialFailed { conn: stand.servers[0], why: DialError::Refused }),
        |stand| stand.wait(16),
        |stand| {
            stand.take(Input::Dialled { conn: stand.servers[0] });
            stand.wait(16);
            assert_eq!(stand.credits, 0, "a server that says nothing may hold its place all the same");
            stand.wait(30);
        },
        |stand| {
            stand.take(Input::Dialled { conn: stand.servers[0] });
            stand.gone(stand.servers[0]);
        },
        |stand| {
            stand.take(Input::Dialled { conn: stand.servers[0] });
            stand.say(stand.servers[0], "FATAL 53300 full InitProcess");
            assert_eq!(stand.credits, 0, "a server that refuses holds its place until its end");
            stand.gone(stand.servers[0]);
        },
        |stand| {
            stand.greet(stand.servers[0], REPORTS);
            stand.gone(stand.servers[0]);
        },
        |stand| {
            stand.greet(stand.servers[0], REPORTS);
            stand.wait(4_000);
            assert_eq!(stand.credits, 0, "a server that was told goodbye holds its place until its end");
            stand.gone(stand.servers[0]);
            stand.gone(stand.servers[0]);
        },
    ];
    for (which, end) in ends.into_iter().enumerate() {
        let mut stand = Stand::new(1);
        stand.greets = false;
        let a = stand.connect();
        stand.say(a, "Startup user=alice database=app");
        assert_eq!((stand.servers.len(), stand.credits), (1, 0));
        stand.gone(a);
        end(&mut stand);
        assert_eq!((stand.credits, stand.backs.len()), (1, 1), "end {which}");
    }
}

#[test]
fn a_full_or_starting_server_costs_no_client() {
    for words in ["FATAL 53300 full InitProcess", "FATAL 57P03 starting ProcessStartupPacket"] {
        let mut stand = Stand::new(1);
        let a = stand.client();
        stand.greets = false;
        stand.gone(stand.servers[0]);
        stand.say(a, "Q one");
        stand.take(Input::Dialled { conn: stand.servers[1] });
        stand.say(stand.servers[1], words);
        assert_eq!((stand.credits, stand.servers.len()), (0, 2), "what it teaches comes with its end");
        stand.gone(stand.servers[1]);
        assert!(matches!(stand.backs[..], [Back::Closed, Back::Refused(DialRefusal::Server { .. })]));
        assert_eq!(stand.servers.len(), 2, "when to try again is the steward's to say");
        assert!(!stand.is_over(a) && stand.hear(a).is_empty(), "{words}");
        stand.greets = true;
        stand.wait(1);
        assert_eq!(stand.hear(stand.servers[2]), "Q \"one\"");
    }
}

#[test]
fn what_a_refusal_teaches_comes_before_the_next_dial() {
    let dialled = || {
        let mut stand = Stand::new(2);
        stand.greets = false;
        let a = stand.connect();
        stand.say(a, "Startup user=alice database=app");
        stand.take(Input::Dialled { conn: stand.servers[0] });
        stand
    };
    let mut stand = dialled();
    stand.say(stand.servers[0], "FATAL 53300 full InitProcess");
    assert_eq!(
        (stand.servers.len(), stand.credits),
        (1, 1),
        "there is a credit, and it is not asked for yet"
    );
    stand.gone(stand.servers[0]);
    stand.wait(1);
    assert_eq!((stand.servers.len(), stand.credits), (2, 1));
    let mut stand = dialled();
    stand.wait(16);
    assert_eq!((stand.servers.len(), stand.credits), (2, 0), "a server that is silent teaches nothing soon");
}

#[test]
fn a_line_that_is_too_slow_says_nothing_against_the_server() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.say(b, "Q one");
    stand.wait(121);
    assert!(stand.is_over(b) && !stand.is_over(server) && !stand.is_over(a));
    assert!(stand.backs.is_empty(), "no dial has failed");
    assert!(!stand.remarks.iter().any(|remark| matches!(remark, Remark::DialRefused { .. })));
}

fn key() -> PoolKey {
    PoolKey { database: "app".into(), user: "alice".into(), replication: Replication::No }
}

#[test]
fn a_reload_lets_work_end_and_keeps_a_pause() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.order(Order::Pause { ticket: Ticket(1), scope: Scope::All });
    stand.open(stand.slice(), key(), true);
    assert!(!stand.is_over(server), "a transaction runs on it");
    stand.exchange(a, server, "Q commit", "C COMMIT | Z I");
    assert!(stand.is_over(server), "it was opened under the old settings");
    stand.gone(server);
    stand.say(b, "Q one");
    stand.wait(1);
    assert_eq!((stand.servers.len(), stand.credits), (1, 1), "paused still, and not a credit too many");
    stand.order(Order::Resume { ticket: Ticket(2), scope: Scope::All });
    assert_eq!(stand.hear(stand.servers[1]), "Q \"one\"");
}

#[test]
fn a_reload_does_not_double_a_pool() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let old = stand.servers[0];
    stand.begin(a, old);
    stand.open(stand.slice(), key(), true);
    stand.say(b, "Q one");
    stand.exchange(a, old, "Q commit", "C COMMIT | Z I");
    assert_eq!(stand.servers.len(), 1, "the old server holds its place until its end");
    stand.gone(old);
    assert_eq!(stand.hear(stand.servers[1]), "Q \"one\"");
}

#[test]
fn clients_of_a_pool_that_was_removed_are_told() {
    let mut stand = Stand::new(1);
    let (a, server) = (stand.client(), stand.servers[0]);
    stand.order(Order::Shut { slice: stand.slice() });
    assert!(stand.hear(a).starts_with("FATAL 3D000"));
    assert!(stand.is_over(server));
    stand.gone(server);
    assert!(stand.notes.iter().any(|note| matches!(note, Note::Shut { .. })));
}

#[test]
fn a_drain_lets_transactions_end_and_sends_the_idle_away_with_a_word() {
    let mut stand = Stand::new(1);
    let (a, b, c) = (stand.client(), stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.say(b, "Q waits");
    stand.order(Order::Drain(Drain::WhenIdle));
    assert_eq!((stand.hear(c), stand.is_over(c)), (SHUTDOWN.to_owned(), true));
    assert!(!stand.is_over(a) && !stand.is_over(b));
    let late = stand.connect();
    assert_eq!(stand.hear(late), SHUTDOWN, "nobody comes in any more");
    let (_, heard) = stand.exchange(a, server, "Q commit", "C COMMIT | Z I");
    assert_eq!(heard, format!("C \"COMMIT\" | Z I | {SHUTDOWN}"));
    stand.exchange(b, server, "", "C \"SELECT 1\" | Z I");
    assert!(stand.is_over(b) && stand.is_over(server));
    assert!(stand.notes.iter().any(|note| matches!(note, Note::Drained)));
}

#[test]
fn what_this_machine_lacks_is_told_as_such() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    stand.greets = false;
    stand.gone(stand.servers[0]);
    stand.say(a, "Q one");
    stand.take(Input::DialFailed { conn: stand.servers[1], why: DialError::Local });
    assert_eq!(stand.backs[1], Back::Refused(DialRefusal::Socket(DialError::Local)));
    assert!(!stand.is_over(a));
}

#[test]
fn a_clock_that_jumps_fires_what_is_due_and_nothing_else() {
    let mut stand = Stand::new(1);
    let (a, b, c) = (stand.client(), stand.client(), stand.client());
    stand.now = Now(1);
    stand.take(Input::Tick);
    stand.begin(a, stand.servers[0]);
    stand.say(b, "Q one");
    stand.wait(30 * 86_400);
    assert_eq!(stand.hear(b), "FATAL 57P03 \"query_wait_timeout\"");
    assert!(!stand.is_over(a), "no timeout is set for it");
    stand.now = Now(u64::MAX - 5);
    stand.say(c, "Q two");
    stand.take(Input::Tick);
    assert!(!stand.is_over(c), "its deadline lies ahead, not behind");
    stand.exchange(a, stand.servers[0], "Q commit", "C COMMIT | Z I");
    assert!(stand.is_over(stand.servers[0]), "its life is over");
}

#[test]
fn who_gave_up_waiting_is_counted() {
    let mut stand = Stand::new(1);
    let (a, b, c) = (stand.client(), stand.client(), stand.client());
    stand.begin(a, stand.servers[0]);
    stand.say(b, "Q one");
    stand.say(c, "Q two");
    stand.wait(100);
    stand.gone(c);
    stand.wait(21);
    stand.order(Order::Snapshot { ticket: Ticket(1), ask: Ask { book: Book::Slices, from: 0 } });
    let page = stand.notes.iter().find_map(|note| match note {
        Note::Page { page, .. } => Some(page),
        _ => None,
    });
    let tally = &page.expect("a page").slices[0].tally;
    assert_eq!((tally.waits, tally.gave_up, tally.wait_us), (2, 2, 221_000_000));
}
