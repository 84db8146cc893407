use std::io::{Read, Write};
use std::net::TcpStream;

use super::desk::{Desk, Said};

fn get(desk: &Desk, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(desk.metrics()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn metrics_are_what_show_metrics_prints() {
    let desk = Desk::open();
    let (head, body) = get(&desk, "/metrics");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("\nconnwarden_out_of_step_total 0\n"));
    let mut guest = desk.greeted("pgbouncer", false);
    let shown = guest.rows("SHOW METRICS");
    let names = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let shown: Vec<_> = shown.iter().map(|row| names(&row[0])).collect();
    assert_eq!(shown, body.lines().map(names).collect::<Vec<_>>());
}

#[test]
fn readiness_ends_with_a_drain_and_life_goes_on() {
    let desk = Desk::silent();
    assert!(get(&desk, "/readyz").0.starts_with("HTTP/1.1 200"));
    let mut guest = desk.greeted("pgbouncer", true);
    guest.say(&Said::query("SHUTDOWN WAIT_FOR_CLIENTS"));
    assert_eq!(guest.until_ready()[0].tag, b'C');
    assert!(get(&desk, "/readyz").0.starts_with("HTTP/1.1 503"));
    assert!(get(&desk, "/livez").0.starts_with("HTTP/1.1 200"));
    assert!(get(&desk, "/nothing").0.starts_with("HTTP/1.1 404"));
}
