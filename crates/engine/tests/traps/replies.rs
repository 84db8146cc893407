//! Traps 1 to 13: replies, who they belong to and in which order.

use super::stand::Stand;

/// Two clients of a pool of one server.
fn pair() -> (Stand, model::id::ConnId, model::id::ConnId, model::id::ConnId) {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    (stand, a, b, server)
}

#[test]
fn a_server_is_free_only_when_every_reply_was_given() {
    let (mut stand, a, b, server) = pair();
    stand.say(a, "Q one | Q two");
    stand.say(b, "Q three");
    stand.hear(server);
    stand.say(server, "C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(server), "", "a reply is owed still");
    stand.say(server, "C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(server), "Q \"three\"");
}

#[test]
fn a_query_that_the_server_skips_is_not_waited_for() {
    let (mut stand, a, b, server) = pair();
    stand.say(a, "P - bad | B - - | E - | Q skipped | S");
    stand.hear(server);
    stand.say(b, "Q next");
    stand.say(server, "E 42601 \"syntax error\" | Z I");
    assert_eq!(stand.hear(a), "E 42601 \"syntax error\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_query_sent_behind_an_error_owes_nothing_before_sync() {
    let (mut stand, a, b, server) = pair();
    stand.exchange(a, server, "P - bad | H", "E 42601 \"syntax error\"");
    let (asked, _) = stand.exchange(a, server, "Q skipped | B - - | S", "Z I");
    assert_eq!(asked, "Q \"skipped\" | B - - | S");
    stand.say(b, "Q next");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn an_error_in_a_query_leaves_the_next_query_owed() {
    let (mut stand, a, b, server) = pair();
    stand.say(a, "Q bad | Q good");
    stand.hear(server);
    stand.say(b, "Q next");
    stand.say(server, "E 42601 \"syntax error\" | Z I");
    assert_eq!(stand.hear(server), "", "the second answer is owed");
    stand.say(server, "C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn replies_made_here_are_given_before_an_error_and_dropped_behind_it() {
    let (mut stand, a, b, server) = pair();
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    let (asked, heard) = stand.exchange(
        b,
        server,
        "P x \"select 1\" | P - bad | P y \"select 1\" | S",
        "E 42601 \"syntax error\" | Z I",
    );
    assert_eq!(asked, "P - \"bad\" | S", "the others are there already");
    assert_eq!(heard, "1 | E 42601 \"syntax error\" | Z I");
}

#[test]
fn a_reply_made_here_comes_before_rows_that_stream() {
    let (mut stand, a, b, server) = pair();
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    stand.say(b, "P x \"select 1\" | B - x | E - | S");
    let mut row = b"2\0\0\0\x04D\0\x01\0\x0a\0\x01\0\x01\0\0".to_vec();
    row.resize(16 + 0x10000 - 6, b'v');
    stand.bytes(server, &row);
    assert!(stand.heard_bytes(b).starts_with(b"1\0\0\0\x042\0\0\0\x04D\0\x01\0\x0a"));
}

#[test]
fn describing_a_statement_owes_two_messages_behind_the_reply_made_here() {
    let (mut stand, a, b, server) = pair();
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    let (asked, heard) = stand.exchange(b, server, "P x \"select 1\" | D S x | S", "t | T a | Z I");
    assert_eq!(asked, "D S cw#1 | S");
    assert_eq!(heard, "1 | t | T | Z I");
}

#[test]
fn a_flush_is_answered_without_ready_and_keeps_the_server() {
    let (mut stand, a, b, server) = pair();
    let (_, heard) = stand.exchange(a, server, "P - \"select 1\" | H", "1");
    assert_eq!(heard, "1");
    stand.say(b, "Q next");
    assert_eq!(stand.hear(server), "", "the batch has not ended");
    stand.exchange(a, server, "B - - | E - | S", "2 | C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_suspended_portal_ends_its_execute_and_lives_on_in_the_transaction() {
    let (mut stand, a, _, server) = pair();
    stand.begin(a, server);
    let (_, heard) = stand.exchange(a, server, "P - q | B p - | E p 1 | S", "1 | 2 | D one | s | Z T");
    assert_eq!(heard, "1 | 2 | D \"one\" | s | Z T");
    let (asked, heard) = stand.exchange(a, server, "E p 1 | S", "C \"SELECT 1\" | Z T");
    assert_eq!((&*asked, &*heard), ("E p 1 | S", "C \"SELECT 1\" | Z T"));
}

#[test]
fn an_empty_query_and_many_statements_in_one_have_one_end() {
    let (mut stand, a, b, server) = pair();
    let (_, heard) = stand.exchange(a, server, "Q \"\"", "I | Z I");
    assert_eq!(heard, "I | Z I");
    let answer = "C BEGIN | T a | D 1 | C \"SELECT 1\" | Z T";
    let (_, heard) = stand.exchange(a, server, "Q \"begin; select 1\"", answer);
    assert_eq!(heard, "C \"BEGIN\" | T | D \"1\" | C \"SELECT 1\" | Z T");
    stand.say(b, "Q next");
    assert_eq!(stand.hear(server), "", "a transaction is open");
}

#[test]
fn the_halves_of_a_batch_go_to_one_server() {
    let mut stand = Stand::new(2);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "P - \"insert 1\" | B - - | E -", "1 | 2 | C \"INSERT 0 1\"");
    stand.say(b, "Q other");
    assert_eq!(stand.servers.len(), 2, "the first server is not free: a second one is dialled");
    assert_eq!(stand.hear(server), "");
    stand.say(a, "P - \"insert 2\" | B - - | E - | S");
    assert_eq!(stand.hear(server), "P - \"insert 2\" | B - - | E - 0 | S");
}

#[test]
fn a_batch_that_gets_no_server_is_never_sent_later() {
    let (mut stand, a, b, server) = pair();
    stand.begin(a, server);
    stand.say(b, "P - \"insert 1\" | B - - | E - | S");
    stand.wait(121);
    assert_eq!(stand.hear(b), "FATAL 57P03 \"query_wait_timeout\"");
    assert!(stand.is_over(b));
    let c = stand.client();
    stand.say(c, "Q next");
    stand.exchange(a, server, "Q commit", "C COMMIT | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"", "nothing of the refused batch is left");
}

#[test]
fn an_error_in_a_transaction_is_the_servers_with_its_true_status() {
    let (mut stand, a, _, server) = pair();
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    stand.begin(a, server);
    let (asked, heard) = stand.exchange(
        a,
        server,
        "P s1 \"select 2\" | S",
        "1 | E 42P05 \"prepared statement \\\"cw#t2\\\" already exists\" | Z E",
    );
    assert_eq!(asked, "P cw#t2 \"\" | P cw#t2 \"select 2\" | S", "the server itself is made to fail");
    assert_eq!(heard, "E 42P05 \"prepared statement \\\"s1\\\" already exists\" | Z E");
}

#[test]
fn what_comes_at_any_time_answers_nothing() {
    let (mut stand, a, b, server) = pair();
    let answer = "N 00000 one | C DO | S TimeZone=UTC | N 00000 two | Z I";
    let (_, heard) = stand.exchange(a, server, "Q do", answer);
    assert_eq!(heard, "N 00000 \"one\" | C \"DO\" | S TimeZone=UTC | N 00000 \"two\" | Z I");
    stand.say(server, "N 00000 \"to nobody\" | A news \"to nobody\" | S is_superuser=off");
    assert!(!stand.is_over(server), "a resting server may say such things");
    stand.hear(server);
    assert_eq!((stand.hear(a), stand.hear(b)), (String::new(), String::new()));
}

#[test]
fn a_notification_for_one_listener_reaches_no_other_client() {
    let (mut stand, a, _, server) = pair();
    let (_, heard) = stand.exchange(a, server, "Q one", "A tenant secret | C \"SELECT 1\" | Z I");
    assert_eq!(heard, "C \"SELECT 1\" | Z I");
}

#[test]
fn an_unknown_message_ends_its_own_connection_only() {
    let (mut stand, a, b, server) = pair();
    stand.bytes(a, b"y\0\0\0\x04");
    assert_eq!(stand.hear(a), "FATAL 08P01 \"invalid frontend message type 121\"");
    assert!(stand.is_over(a) && !stand.is_over(b) && !stand.is_over(server));
    stand.say(b, "Q one");
    stand.hear(server);
    stand.bytes(server, b"y\0\0\0\x04");
    assert!(stand.is_over(server) && stand.is_over(b), "an unknown word of a server ends its link");
    assert!(stand.hear(b).starts_with("FATAL 08006"));
}

#[test]
fn a_function_call_goes_through_with_its_answer() {
    let (mut stand, a, b, server) = pair();
    stand.say(a, "F");
    assert_eq!(stand.hear(server), "F");
    stand.say(b, "Q next");
    stand.say(server, "V | Z I");
    assert_eq!(stand.hear(a), "V | Z I");
    assert!(stand.hear(server).starts_with("Q \"SET SESSION"), "it may have been set_config");
    stand.say(server, "C \"SET\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_reply_nobody_is_owed_reaches_nobody() {
    let (mut stand, a, _, server) = pair();
    stand.say(a, "Q one");
    stand.hear(server);
    stand.say(server, "2 | D \"of another\" | C \"SELECT 1\" | Z I");
    assert_eq!(stand.hear(a), "FATAL 08P01 \"server sent an unexpected message, connection closed\"");
    assert!(stand.is_over(a) && stand.is_over(server));
}
