//! What the log tells, and in which form.

use testbed::wait::{self, PATIENCE};
use testbed::{Client, Proxy};

use crate::bed::{Bed, PASSWORD, logged};

/// A client comes, one is refused, the first leaves; the proxy ends, so that nothing is still to be written.
fn visited(bed: &Bed, mut proxy: Proxy) -> String {
    bed.client(&proxy).terminate().unwrap();
    let nobody = Client::login(&proxy.address().unwrap(), &testbed::Login::new("nobody", bed.name));
    assert!(nobody.is_err());
    logged(&proxy, &["LOG process up"]);
    proxy.signal(rustix::process::Signal::TERM).unwrap();
    proxy.wait(PATIENCE).unwrap();
    proxy.log()
}

const LOGIN: &str = "login attempt: db=";
const CLOSE: &str = "closing because: client close request";
const ERROR: &str = "pooler error: password authentication failed";

#[test]
fn logins_closes_and_errors_are_logged_unless_switched_off() {
    let bed = Bed::new("switches");
    let lines = [("log_connections", LOGIN), ("log_disconnections", CLOSE), ("log_pooler_errors", ERROR)];
    let all = visited(&bed, bed.with("").start());
    for (key, line) in lines {
        assert!(all.contains(line), "{line}: {all}");
        let log = visited(&bed, bed.with(&format!("{key} = false")).start());
        for (other, line) in lines {
            assert_eq!(log.contains(line), other != key, "{key}, {line}: {log}");
        }
    }
}

#[test]
fn a_server_reached_by_name_is_logged_with_our_end_and_stands_in_the_list_of_names() {
    let bed = Bed::new("byname");
    let far = format!(
        "[server.far]\nhost = \"localhost\"\nport = {}\n[admin]\nadmin_users = [\"{}\"]",
        bed.postgres.port(),
        bed.name
    );
    let setup =
        bed.with("").database("server = \"far\"").user(&format!("password = \"{PASSWORD}\"")).rest(&far);
    let proxy = setup.start();
    let port = bed.client(&proxy).value("select inet_client_port()").unwrap();
    logged(&proxy, &[&format!("new connection to server (from 127.0.0.1:{port})")]);
    let mut console = proxy.client(bed.name, "pgbouncer").unwrap();
    let hosts = console.query("show dns_hosts").unwrap();
    let cell = |at: usize| hosts[0][at].clone().unwrap();
    assert_eq!((hosts.len(), &*cell(0)), (1, "localhost"));
    assert!(cell(1).parse::<u64>().is_ok() && cell(2).split(',').any(|ip| ip == "127.0.0.1"), "{hosts:?}");
    let lists = console.query("show lists").unwrap();
    assert!(lists.contains(&vec![Some("dns_names".into()), Some("1".into())]), "{lists:?}");
}

#[test]
fn more_log_is_to_be_had_without_a_start() {
    let bed = Bed::new("verbosity");
    let quiet = "log_connections = false\nlog_disconnections = false";
    let log = visited(&bed, bed.with(&format!("{quiet}\nverbose = 1")).start());
    assert!(log.lines().any(|line| line.contains("DEBUG") && line.contains(LOGIN)), "{log}");
    assert!(!log.contains("NOISE"), "{log}");
    let proxy = bed.with(&format!("{quiet}\nverbose = 0")).start();
    let _early = bed.client(&proxy);
    assert!(!proxy.log().contains(LOGIN));
    proxy.reload(&bed.with(&format!("{quiet}\nverbose = 3")).text()).unwrap();
    logged(&proxy, &["configuration in force"]);
    let _late = bed.client(&proxy);
    logged(&proxy, &["DEBUG", LOGIN]);
    logged(&proxy, &["NOISE", "order"]);
}

#[test]
fn a_line_has_the_form_asked_for() {
    let bed = Bed::new("forms");
    let up = |form: &str| logged(&bed.with(&format!("log_format = \"{form}\"")).start(), &["process up"]);
    let human = up("human");
    assert!(human.contains(" UTC [") && human.contains("] LOG process up"), "{human}");
    let journal = up("journal");
    assert!(journal.starts_with("<6>process up"), "{journal}");
    let json = up("json");
    assert!(json.starts_with('{') && json.contains("\"level\":\"INFO\"") && json.ends_with('}'), "{json}");
}

#[test]
fn totals_are_logged_each_period_unless_switched_off() {
    let bed = Bed::new("totals");
    let silent = bed.with("log_stats = false\nstats_period = \"1s\"").start();
    let slow = bed.with("log_stats = true\nstats_period = \"1h\"").start();
    // Started after the others: when it has spoken twice, they had their time.
    let proxy = bed.with("log_stats = true\nstats_period = \"1s\"").start();
    assert_eq!(bed.client(&proxy).value("select 1").unwrap(), "1");
    let lines = |proxy: &Proxy| proxy.log().matches("stats: ").count();
    wait::until("two lines of totals", PATIENCE, || Ok((lines(&proxy) >= 2).then_some(()))).unwrap();
    assert_eq!((lines(&silent), lines(&slow)), (0, 0));
    assert!(logged(&proxy, &["stats: "]).contains(" xacts/s, "));
}
