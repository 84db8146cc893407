//! Traps 25 to 35: prepared statements.

use model::config::checked::{Database, Own, PoolMode};

use super::stand::Stand;

#[test]
fn a_name_in_use_is_not_given_another_text() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 \"select 1\" | S", "1 | Z I");
    let refusal = "1 | E 42P05 \"prepared statement \\\"cw#t2\\\" already exists\" | Z I";
    let (asked, heard) = stand.exchange(a, server, "P s1 \"select 2\" | S", refusal);
    assert_eq!(asked, "P cw#t2 \"\" | P cw#t2 \"select 2\" | S");
    assert_eq!(heard, "E 42P05 \"prepared statement \\\"s1\\\" already exists\" | Z I");
    assert!(stand.hear(server).ends_with("DEALLOCATE ALL\""), "what was put in to fail goes again");
    stand.say(server, "C \"DEALLOCATE ALL\" | Z I");
    let (asked, _) = stand.exchange(a, server, "B - s1 | S", "1 | 2 | Z I");
    assert_eq!(asked, "P cw#1 \"select 1\" | B - cw#1 | S", "the old text stands");
}

#[test]
fn the_unnamed_statement_is_its_clients_own() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "P - one | D S - | S", "1 | t | n | Z I");
    stand.exchange(b, server, "P - two | S", "1 | Z I");
    let (asked, heard) = stand.exchange(a, server, "B - - | E - | S", "1 | 2 | C \"SELECT 1\" | Z I");
    assert_eq!(asked, "P - \"one\" | B - - | E - 0 | S", "the other's text stood in its place");
    assert_eq!(heard, "2 | C \"SELECT 1\" | Z I");
}

#[test]
fn a_simple_query_destroys_the_unnamed_statement() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.exchange(a, server, "P - one | S", "1 | Z I");
    stand.exchange(b, server, "Q two", "C \"SELECT 1\" | Z I");
    let (asked, _) = stand.exchange(a, server, "B - - | S", "1 | 2 | Z I");
    assert_eq!(asked, "P - \"one\" | B - - | S", "another's query destroyed it on the server only");
    stand.exchange(a, server, "Q three", "C \"SELECT 1\" | Z I");
    let (asked, heard) = stand.exchange(a, server, "B - - | S", "3 | E 26000 no | Z I");
    assert_eq!((&*asked, &*heard), ("C S - | B - - | S", "E 26000 \"no\" | Z I"), "its own query ends it");
}

#[test]
fn a_statement_that_failed_or_was_skipped_is_not_believed_to_be_there() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 bad | P s2 good | S", "E 42601 no | Z I");
    let (asked, heard) = stand.exchange(a, server, "P s2 good | B - s2 | S", "1 | 2 | Z I");
    assert_eq!((&*asked, &*heard), ("P cw#3 \"good\" | B - cw#3 | S", "1 | 2 | Z I"));
    let (asked, _) = stand.exchange(a, server, "P s1 bad | S", "E 42601 no | Z I");
    assert!(asked.starts_with("P cw#") && asked.ends_with("\"bad\" | S"), "{asked}");
}

#[test]
fn a_parse_of_a_client_that_left_before_sync_is_believed_of_no_server() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.say(a, "P s1 \"select 1\"");
    stand.hear(server);
    stand.gone(a);
    assert!(stand.is_over(server), "its batch is open for ever");
    stand.gone(server);
    stand.say(b, "P s1 \"select 1\" | S");
    assert_eq!(stand.hear(stand.servers[1]), "P cw#2 \"select 1\" | S");
}

#[test]
fn an_evicted_statement_is_closed_behind_what_still_uses_it() {
    let mut stand = Stand::with(1, |config, _| config.proxy.max_prepared_statements = 1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 one | S", "1 | Z I");
    let (asked, heard) = stand.exchange(
        a,
        server,
        "B - s1 | E - | P s2 two | B - s2 | E - | S",
        "2 | C \"SELECT 1\" | 3 | 1 | 2 | C \"SELECT 1\" | Z I",
    );
    assert_eq!(asked, "B - cw#1 | E - 0 | C S cw#1 | P cw#2 \"two\" | B - cw#2 | E - 0 | S");
    assert_eq!(heard, "2 | C \"SELECT 1\" | 1 | 2 | C \"SELECT 1\" | Z I", "nobody asked for that Close");
}

#[test]
fn an_eviction_that_an_error_skipped_did_not_happen() {
    let mut stand = Stand::with(1, |config, _| config.proxy.max_prepared_statements = 1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 one | S", "1 | Z I");
    stand.exchange(a, server, "P - bad | P s2 two | S", "E 42601 no | Z I");
    let (asked, _) = stand.exchange(a, server, "B - s1 | E - | S", "2 | C \"SELECT 1\" | Z I");
    assert_eq!(asked, "B - cw#1 | E - 0 | S");
}

/// Parse of `select $1` with a declared parameter type.
fn parse_typed(name: &str, oid: u32) -> Vec<u8> {
    let mut body = [name.as_bytes(), b"\0select $1\0\0\x01"].concat();
    body.extend(oid.to_be_bytes());
    let mut bytes = vec![b'P'];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes.extend(b"S\0\0\0\x04");
    bytes
}

#[test]
fn other_parameter_types_make_another_statement() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    stand.bytes(a, &parse_typed("s1", 23));
    stand.hear(server);
    stand.say(server, "1 | Z I");
    stand.bytes(b, &parse_typed("s1", 25));
    assert_eq!(stand.hear(server), "P cw#2 \"select $1\" | S");
}

#[test]
fn another_search_path_makes_another_statement() {
    let mut stand = Stand::new(1);
    let server_says = "1 | 2 | D x | C \"SELECT 1\" | Z I";
    let mut clients = Vec::new();
    for path in ["a", "b"] {
        let client = stand.connect();
        stand.say(client, &format!("Startup user=alice database=app search_path={path}"));
        stand.say(stand.servers[0], server_says);
        assert!(stand.hear(client).ends_with("Z I"), "{path}");
        clients.push(client);
    }
    let server = stand.servers[0];
    stand.hear(server);
    for (client, name) in clients.into_iter().zip(["cw#1", "cw#2"]) {
        stand.say(client, "P s1 \"select * from t\" | S");
        let asked = stand.hear(server);
        if asked.contains("set_config") {
            stand.say(server, server_says);
            assert_eq!(stand.hear(server), format!("P {name} \"select * from t\" | S"));
        } else {
            assert_eq!(asked, format!("P {name} \"select * from t\" | S"));
        }
        stand.say(server, "1 | Z I");
    }
}

#[test]
fn a_clients_name_is_any_bytes_and_never_a_name_on_the_server() {
    let mut stand = Stand::new(1);
    let (a, b) = (stand.client(), stand.client());
    let server = stand.servers[0];
    for (client, text) in [(a, "one"), (b, "two")] {
        // The same odd name for two texts.
        let name = b"cw_1\xff";
        let parse = [&b"P\0\0\0\x10"[..], name, b"\0", text.as_bytes(), b"\0\0\0"].concat();
        stand.bytes(client, &parse);
        stand.exchange(client, server, "S", "1 | Z I");
    }
    stand.say(b, "P cw#1 mine | S");
    assert_eq!(stand.hear(server), "P cw#3 \"mine\" | S", "a guessed name leads to nobody else's statement");
    stand.say(server, "1 | Z I");
    let long = [&b"B\0\0\x20\0\0"[..], &[b'n'; 2000]].concat();
    stand.bytes(a, &long);
    assert!(stand.hear(a).starts_with("FATAL 08P01"), "a name without an end is not collected");
}

#[test]
fn a_plan_refused_after_a_change_of_the_schema_is_made_anew() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    stand.exchange(a, server, "P s1 \"select * from t\" | S", "1 | Z I");
    let refusal = "E 0A000 \"cached plan must not change result type\" RevalidateCachedQuery | Z I";
    stand.exchange(a, server, "B - s1 | E - | S", refusal);
    let again = "C S s1 | P s1 \"select * from t\" | B - s1 | E - | S";
    let (asked, heard) = stand.exchange(a, server, again, "3 | 1 | 2 | C \"SELECT 0\" | Z I");
    assert_eq!(asked, "C S cw#1 | P cw#1 \"select * from t\" | B - cw#1 | E - 0 | S");
    assert_eq!(heard, "3 | 1 | 2 | C \"SELECT 0\" | Z I");
}

#[test]
fn types_numbered_by_one_database_are_not_sent_to_another() {
    let mut stand = Stand::with(2, |config, _| {
        let mut other = Database { server: "main".into(), ..Database::with_defaults("other".into()) };
        other.pool_mode = Own(Some(PoolMode::Transaction));
        config.add_database(other);
    });
    let a = stand.client();
    let b = stand.connect();
    stand.say(b, "Startup user=alice database=other");
    stand.hear(b);
    for (client, server, oid) in [(a, stand.servers[0], 16_390), (b, stand.servers[1], 16_777)] {
        stand.bytes(client, &parse_typed("s1", oid));
        let asked = stand.heard_bytes(server);
        assert!(asked.windows(4).any(|window| *window == u32::to_be_bytes(oid)), "{}", asked.escape_ascii());
        stand.say(server, "1 | Z I");
    }
    // Nor when it is prepared once more.
    stand.gone(stand.servers[1]);
    stand.say(b, "B - s1 | S");
    let asked = stand.heard_bytes(stand.servers[2]);
    assert!(asked.windows(4).any(|window| *window == u32::to_be_bytes(16_777)), "{}", asked.escape_ascii());
}

#[test]
fn a_client_that_keeps_naming_statements_is_stopped() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    let server = stand.servers[0];
    let thousand =
        |from: usize| (from..from + 1_000).map(|n| format!("P s{n} one")).collect::<Vec<_>>().join(" | ");
    for round in 0..10 {
        let answer = if round == 0 { "1 | Z I" } else { "Z I" };
        stand.exchange(a, server, &format!("{} | S", thousand(round * 1_000)), answer);
        assert!(!stand.is_over(a), "{round}");
    }
    stand.say(a, "P last one");
    assert_eq!(stand.hear(a), "FATAL 54000 \"a client may keep 10000 prepared statements\"");
}

#[test]
fn only_the_reply_to_a_statement_put_in_is_kept_back() {
    let mut stand = Stand::new(1);
    let a = stand.client();
    stand.exchange(a, stand.servers[0], "P s1 one | S", "1 | Z I");
    stand.gone(stand.servers[0]);
    stand.say(a, "B - s1 | P s2 two | S");
    let (asked, heard) = stand.exchange(a, stand.servers[1], "", "1 | 2 | 1 | Z I");
    assert_eq!(asked, "P cw#1 \"one\" | B - cw#1 | P cw#2 \"two\" | S");
    assert_eq!(heard, "2 | 1 | Z I");
}

#[test]
fn a_statement_put_in_for_a_bind_fails_as_the_bind_would() {
    let mut stand = Stand::new(2);
    let (a, b) = (stand.client(), stand.client());
    let first = stand.servers[0];
    stand.exchange(a, first, "P s1 \"select 1\" | S", "1 | Z I");
    stand.begin(b, first);
    stand.say(a, "Q begin");
    let second = stand.servers[1];
    stand.exchange(a, second, "", "C BEGIN | Z T");
    stand.exchange(a, second, "Q bad", "E 42601 no | Z E");
    let aborted = "E 25P02 \"current transaction is aborted\" | Z E";
    let (asked, heard) = stand.exchange(a, second, "B - s1 | E - | S", aborted);
    assert_eq!(asked, "P cw#1 \"select 1\" | B - cw#1 | E - 0 | S");
    assert_eq!(heard, aborted, "one error, as if the Bind had failed");
    stand.exchange(a, second, "Q rollback", "C ROLLBACK | Z I");
    // Whichever server it gets: what failed is not believed to be there.
    let (asked, _) = stand.exchange(a, second, "B - s1 | S", "1 | 2 | Z I");
    assert_eq!(asked, "P cw#1 \"select 1\" | B - cw#1 | S");
}
