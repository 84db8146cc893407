use super::desk::Desk;
use proxy::console::rights::{TOPICS, VERBS};

#[test]
fn who_may_only_look_commands_nothing() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", false);
    for line in VERBS {
        let said = if line.word == "reload" || line.word == "suspend" {
            line.word.into()
        } else {
            format!("{} x", line.word)
        };
        assert_eq!(guest.error(&said), ("08P01".into(), "admin access needed".into()), "{said}");
    }
    assert_eq!(guest.error("SET pool_mode = session").1, "admin access needed");
    for line in TOPICS {
        let answer = guest.ask(&format!("SHOW {}", line.word));
        let refused =
            answer.iter().any(|said| said.error().is_some_and(|error| error.1 == "admin access needed"));
        assert_eq!(refused, line.word == "fds", "{}", line.word);
    }
    assert_eq!(desk.configured(), 0);
}

#[test]
fn errors_leave_the_connection_open() {
    let desk = Desk::open();
    let mut guest = desk.greeted("pgbouncer", true);
    let cases = [
        ("frobnicate", "invalid command 'frobnicate', use SHOW HELP;"),
        ("KILL_CLIENT me", "invalid client pointer supplied"),
        ("KILL_CLIENT 99", "client not found"),
        ("DISABLE", "a database is required"),
        ("PAUSE pgbouncer", "cannot pause admin db: pgbouncer"),
        ("RESUME shop", "database shop is not paused"),
        ("SHUTDOWN SOMETIME", "invalid command 'SHUTDOWN SOMETIME', use SHOW HELP;"),
        ("SHOW FDS", "SHOW FDS is not supported"),
    ];
    for (said, text) in cases {
        assert_eq!(guest.error(said), ("08P01".into(), text.into()), "{said}");
    }
    assert_eq!(guest.rows("SHOW VERSION").len(), 1);
    assert_eq!(guest.rows("SHOW MEM")[0], ["kept_bytes", "1", "0", "0", "0"]);
    assert!(guest.rows("SHOW DNS_HOSTS").is_empty() && guest.rows("SHOW DNS_ZONES").is_empty());
}
