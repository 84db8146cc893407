//! The console, HTTP and reloads from the outside: both threads of the control side, with a stub where a worker would be.

mod desk;
mod http;
mod recording;
mod rights;
mod speech;

use desk::{Desk, Said};

#[test]
fn a_guest_is_greeted_and_told_the_version() {
    let desk = Desk::open();
    let mut guest = desk.guest("connwarden", true);
    let greeting = guest.until_ready();
    let tags: Vec<u8> = greeting.iter().map(|said| said.tag).collect();
    assert_eq!(tags, b"RSSSSSSSKZ");
    assert_eq!(greeting[0].body, [0, 0, 0, 0]);
    assert_eq!(greeting[1].body, b"server_version\x000.9/connwarden\0");
    assert_eq!(guest.rows("SHOW VERSION"), [["connwarden 0.9"]]);
}

#[test]
fn bytes_that_came_with_the_login_are_answered() {
    let desk = Desk::open();
    let mut guest = desk.guest_with("connwarden", true, &Said::query("SHOW VERSION"));
    guest.until_ready();
    assert_eq!(guest.until_ready().len(), 4);
}

#[test]
fn every_topic_has_the_columns_it_promises() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    for line in proxy::console::rights::TOPICS.iter().filter(|line| !line.columns.is_empty()) {
        let answer = guest.ask(&format!("SHOW {}", line.word));
        assert_eq!(answer[0].tag, b'T', "{}: {:?}", line.word, answer[0].error());
        let expected: Vec<_> = line.columns.iter().map(|c| (c.name.to_owned(), c.kind.oid())).collect();
        assert_eq!(answer[0].columns(), expected, "{}", line.word);
        for row in answer.iter().filter(|said| said.tag == b'D') {
            assert_eq!(row.cells().len(), expected.len(), "{}", line.word);
        }
    }
}

#[test]
fn pools_and_clients_are_listed_with_the_console_among_them() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    let pools = guest.rows("SHOW POOLS");
    assert_eq!(pools[0][..8], ["shop", "app", "3", "1", "0", "0", "2", "0"]);
    assert_eq!(pools[1][..3], ["pgbouncer", "pgbouncer", "1"]);
    let clients = guest.rows("SHOW CLIENTS");
    assert_eq!((&*clients[0][2], &*clients[0][4], &*clients[0][5]), ("shop", "waiting", "10.0.0.1"));
    assert_eq!((&*clients[1][2], &*clients[1][4], &*clients[1][5]), ("pgbouncer", "active", "unix"));
    let stats = guest.rows("SHOW STATS_TOTALS");
    assert_eq!(stats[1][..4], ["shop", "0", "5", "7"]);
}

#[test]
fn paused_is_what_state_says() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    assert_eq!(guest.tag("PAUSE"), "PAUSE");
    assert_eq!(guest.rows("SHOW STATE"), [["active", "no"], ["paused", "yes"], ["suspended", "no"]]);
    assert_eq!(guest.error("PAUSE"), ("08P01".into(), "already suspended/paused".into()));
    assert_eq!(guest.tag("RESUME"), "RESUME");
}

#[test]
fn a_set_takes_effect_and_a_reload_ends_it() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    let value = |guest: &mut desk::Guest| {
        let rows = guest.rows("SHOW CONFIG");
        rows.iter().find(|row| row[0] == "default_pool_size").map(|row| row[1].clone())
    };
    assert_eq!(guest.tag("SET default_pool_size = 7"), "SET default_pool_size=7");
    assert_eq!(value(&mut guest), Some("7".into()));
    assert_eq!(guest.error("SET listen_port = 1").1, "SET failed");
    assert_eq!(guest.tag("RELOAD"), "RELOAD");
    assert_eq!(value(&mut guest), Some("20".into()));
    // The answer says that the configuration is on its way, in order before anything asked afterwards.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while desk.configured() < 2 && std::time::Instant::now() < patience {
        std::thread::yield_now();
    }
    assert_eq!(desk.configured(), 2);
}

#[test]
fn a_reload_that_is_refused_changes_nothing() {
    let desk = Desk::with_reload(|| Err("line 3 is wrong".into()));
    let mut guest = desk.greeted("pgbouncer", true);
    let (code, text) = guest.error("RELOAD");
    assert_eq!((&*code, &*text), ("F0000", "RELOAD failed, see logs for additional details"));
    assert_eq!(desk.configured(), 0);
}

#[test]
fn the_end_of_the_process_is_the_answer_to_a_shutdown() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    guest.say(&Said::query("SHUTDOWN"));
    assert!(guest.next().is_none());
    desk.ended();
}

#[test]
fn a_guest_who_hangs_up_while_a_command_waits_is_gone() {
    let desk = Desk::silent();
    let mut waiting = desk.greeted("pgbouncer", true);
    waiting.say(&Said::query("WAIT_CLOSE"));
    drop(waiting);
    let mut guest = desk.greeted("pgbouncer", true);
    let alone = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        guest.rows("SHOW LISTS").iter().any(|row| row[0] == "used_clients" && row[1] == "1")
    });
    assert!(alone, "the first guest is forgotten");
}
