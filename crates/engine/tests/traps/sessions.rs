//! Traps 14 to 22: transactions, and what a session leaves behind.

use engine::orders::{Order, Scope};
use model::id::Ticket;

use super::stand::{REPORTS, Stand};

const CLEANED: &str = "C SET | C RESET | C RESET | C UNLISTEN | C \"CLOSE CURSOR ALL\" | T a | D x | C \"SELECT 1\" | \
    C \"DISCARD TEMP\" | C \"DISCARD SEQUENCES\" | S TimeZone=Etc/UTC | Z I";

#[test]
fn a_failed_transaction_keeps_its_server() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.say(b, "Q next");
    stand.exchange(a, server, "Q bad", "E 42601 \"syntax error\" | Z E");
    assert_eq!(stand.hear(server), "", "only its end frees the server");
    let (_, heard) = stand.exchange(a, server, "Q commit", "C ROLLBACK | Z I");
    assert_eq!(heard, "C \"ROLLBACK\" | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn the_transaction_of_a_client_that_left_is_rolled_back_before_anybody_else_comes() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.begin(a, server);
    stand.say(b, "Q next");
    stand.gone(a);
    assert_eq!(stand.hear(server), "Q \"ROLLBACK\"");
    stand.say(server, "C ROLLBACK | Z I");
    assert_eq!(stand.hear(server), "Q \"next\"");
}

#[test]
fn a_rollback_that_does_not_come_to_its_end_costs_the_server() {
    for (wait, answer) in [(0, "E XX000 no | Z T"), (16, "")] {
        let mut stand = Stand::new(1);
        let (a, b) = (stand.client(), stand.client());
        let server = stand.servers[0];
        stand.begin(a, server);
        stand.say(b, "Q next");
        stand.gone(a);
        stand.hear(server);
        stand.say(server, answer);
        stand.wait(wait);
        assert!(stand.is_over(server), "{answer:?}");
        assert_eq!(stand.hear(server), "X");
    }
}

#[test]
fn half_a_message_of_a_client_that_left_is_followed_by_nothing() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.bytes(a, b"Q\0\x02\0\0insert into");
    stand.say(b, "Q next");
    assert_eq!(stand.heard_bytes(server).len(), 16, "it streams");
    stand.gone(a);
    assert_eq!(stand.heard_bytes(server), b"", "whatever came now would be the rest of the message");
    assert!(stand.is_over(server));
}

#[test]
fn the_encoding_is_set_first_and_by_itself_and_nothing_is_quoted() {
    let mut stand = Stand::new(1);
    let a = stand.connect();
    stand.say(a, "Startup user=alice database=app \"TimeZone=it's\" client_encoding=LATIN1");
    let server = stand.servers[0];
    let sent = stand.heard_bytes(server);
    let at = |text: &[u8]| sent.windows(text.len()).position(|window| window == text).expect("it was sent");
    let encoding = at(b"client_encoding");
    let sync = encoding + sent[encoding..].iter().position(|byte| *byte == b'S').expect("its own batch");
    assert!(encoding < sync && sync < at(b"it's") && sync < at(b"timezone"), "{}", sent.escape_ascii());
    assert!(!sent.windows(5).any(|window| window == b"'it''"), "values travel as parameters");
}

#[test]
fn nobody_is_told_of_another_clients_settings() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    let (_, heard) = stand.exchange(a, server, "Q set", "C SET | S TimeZone=Asia/Tokyo | Z I");
    assert_eq!(heard, "C \"SET\" | S TimeZone=Asia/Tokyo | Z I");
    stand.hear(server);
    stand.say(server, CLEANED);
    let (asked, heard) = stand.exchange(b, server, "Q one", "C \"SELECT 1\" | Z I");
    assert_eq!((&*asked, &*heard), ("Q \"one\"", "C \"SELECT 1\" | Z I"));
    // Its own setting comes back to the first client without a word.
    let (asked, _) = stand.exchange(a, server, "Q two", "");
    assert_eq!(asked, "P - \"select pg_catalog.set_config($1, $2, false)\" | B - - | E - 0 | S");
    stand.say(server, "1 | 2 | D x | C \"SELECT 1\" | S TimeZone=Asia/Tokyo | Z I");
    let (_, heard) = stand.exchange(a, server, "", "C \"SELECT 1\" | Z I");
    assert_eq!(heard, "C \"SELECT 1\" | Z I");
    // And the other client gets its server without it.
    let (asked, _) = stand.exchange(b, server, "Q three", "");
    assert!(asked.starts_with("P - \"select pg_catalog.set_config"), "{asked}");
}

#[test]
fn a_spelling_the_server_understood_is_not_sent_again() {
    let mut stand = Stand::new(1);
    let a = stand.connect();
    stand.say(a, "Startup user=alice database=app DateStyle=iso");
    let server = stand.servers[0];
    assert!(stand.hear(server).starts_with("P - "), "nobody has asked for it before");
    stand.say(server, "1 | 2 | D x | C \"SELECT 1\" | Z I");
    assert!(stand.hear(a).contains("S DateStyle=ISO, MDY"));
    let (asked, _) = stand.exchange(a, server, "Q one", "C \"SELECT 1\" | Z I");
    assert_eq!(asked, "Q \"one\"", "it is what the server has, by another name");
    let b = stand.client_with("DateStyle=iso");
    let (asked, _) = stand.exchange(b, server, "Q two", "C \"SELECT 1\" | Z I");
    assert_eq!(asked, "Q \"two\"", "nor to anybody else");
}

#[test]
fn a_setting_the_next_client_does_not_have_is_reset() {
    let mut stand = Stand::new(1);
    let a = stand.connect();
    stand.say(a, "Startup user=alice database=app search_path=tenant_a");
    let server = stand.servers[0];
    stand.exchange(a, server, "", "1 | 2 | D x | C \"SELECT 1\" | Z I");
    let b = stand.client();
    let (asked, _) = stand.exchange(b, server, "Q one", "C RESET | Z I");
    assert_eq!(asked, "Q \"RESET search_path\"");
    assert_eq!(stand.hear(server), "Q \"one\"");
}

#[test]
fn the_first_client_waits_for_a_server_and_later_ones_hear_of_the_newest() {
    let mut stand = Stand::new(1);
    stand.greets = false;
    let a = stand.connect();
    stand.say(a, "Startup user=alice database=app");
    assert_eq!(stand.hear(a), "", "nothing is made up");
    stand.greet(stand.servers[0], REPORTS);
    assert!(stand.hear(a).contains("S server_version=15.20"));
    stand.order(Order::Reconnect { ticket: Ticket(1), scope: Scope::All });
    stand.gone(stand.servers[0]);
    stand.say(a, "Q one");
    stand.greet(stand.servers[1], &REPORTS.replace("15.20", "16.1"));
    let b = stand.connect();
    stand.say(b, "Startup user=alice database=app");
    assert!(stand.hear(b).contains("S server_version=16.1"));
}

#[test]
fn a_server_that_changed_its_role_is_not_lent_again() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "Q one", "C \"SELECT 1\" | S in_hot_standby=on | Z I");
    assert!(stand.is_over(server));
}

#[test]
fn what_was_discarded_is_prepared_again() {
    for (words, tag) in [("discard all", "DISCARD ALL"), ("deallocate all", "DEALLOCATE ALL")] {
        let mut stand = Stand::new(1);
        let (a, b) = (stand.client(), stand.client());
        let server = stand.servers[0];
        stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
        stand.exchange(
            b,
            server,
            &format!("Q \"select 2; {words}\""),
            &format!("C \"SELECT 1\" | C \"{tag}\" | Z I"),
        );
        let (asked, _) = stand.exchange(a, server, "B - s1 | E - | S", "1 | 2 | C \"SELECT 1\" | Z I");
        assert_eq!(asked, "P cw#1 \"select 1\" | B - cw#1 | E - 0 | S", "{words}: another's is still there");
        stand.exchange(a, server, &format!("Q \"{words}\""), &format!("C \"{tag}\" | Z I"));
        let (asked, heard) = stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
        assert_eq!((&*asked, &*heard), ("P cw#2 \"select 1\" | S", "1 | Z I"), "{words}: the name is free");
    }
}

#[test]
fn a_discard_that_failed_discarded_nothing() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    stand.exchange(a, server, "Q \"begin; discard all\"", "C BEGIN | E 25001 \"cannot run\" | Z E");
    let (asked, _) = stand.exchange(a, server, "Q rollback", "C ROLLBACK | Z I");
    assert_eq!(asked, "Q \"rollback\"");
    let (asked, _) = stand.exchange(a, server, "B - s1 | E - | S", "2 | C \"SELECT 1\" | Z I");
    assert_eq!(asked, "B - cw#1 | E - 0 | S");
}

#[test]
fn a_deallocated_name_does_not_come_back_with_a_rollback() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    stand.begin(a, server);
    stand.say(a, "Q \"deallocate s1\"");
    assert_eq!(stand.hear(a), "C \"DEALLOCATE\" | Z T", "the server does not know the name: it is not asked");
    stand.exchange(a, server, "Q rollback", "C ROLLBACK | Z I");
    let (asked, _) = stand.exchange(a, server, "B - s1 | S", "E 26000 no | Z I");
    assert_eq!(asked, "B - s1 | S", "the server shall say that there is none");
}
