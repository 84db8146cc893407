//! What PostgreSQL sees of the proxy.

use testbed::wait::{self, PATIENCE};

use crate::bed::{Bed, PASSWORD};

#[test]
fn a_database_says_where_its_servers_are_and_what_they_are_asked() {
    let bed = Bed::new("asked");
    bed.postgres.run("postgres", "create database asked_elsewhere").unwrap();
    bed.postgres.run("postgres", &format!("create role asked_by login password '{PASSWORD}'")).unwrap();
    let lines = format!(
        "server = \"far\"\ndbname = \"asked_elsewhere\"\nuser = \"asked_by\"\npassword = \"{PASSWORD}\"\n\
         client_encoding = \"LATIN1\"\ndatestyle = \"German\"\ntimezone = \"Asia/Tokyo\"\n\
         application_name = \"the wall\"\nconnect_query = \"set geqo = off\""
    );
    let far = format!("[server.far]\nhost = \"127.0.0.1\"\nport = {}", bed.postgres.port());
    let proxy = bed.with("").database(&lines).rest(&far).start();
    let mut client = bed.client(&proxy);
    let mut shown = |what: &str| client.value(&format!("select {what}")).unwrap();
    assert_eq!(shown("host(inet_server_addr())"), "127.0.0.1", "the other server is a unix socket");
    assert_eq!(shown("current_database()"), "asked_elsewhere");
    assert_eq!(shown("current_user"), "asked_by");
    let settings = [
        ("client_encoding", "LATIN1"),
        ("DateStyle", "German, DMY"),
        ("TimeZone", "Asia/Tokyo"),
        ("application_name", "the wall"),
        ("geqo", "off"),
    ];
    for (name, value) in settings {
        assert_eq!(shown(&format!("current_setting('{name}')")), value, "{name}");
    }
}

#[test]
fn no_more_servers_are_open_than_a_pool_may_have() {
    let bed = Bed::new("poolsize");
    let setup = bed.with("default_pool_size = 2\nmax_waiting_clients = 1\nquery_wait_timeout = \"1s\"");
    let proxy = setup.start();
    let mut clients: Vec<_> = (0..4).map(|_| bed.client(&proxy)).collect();
    for client in &mut clients[..2] {
        client.query("begin").unwrap();
    }
    clients[2].send(&testbed::Batch::new().query("select 1")).unwrap();
    // The third stands in line and fills it; which of the two late ones comes first does not matter.
    let fourth = clients[3].query("select 1").unwrap_err();
    let third = clients[2].rows().unwrap_err();
    assert_eq!(bed.sessions(), 2);
    let said = format!("{third} {fourth}");
    assert!(said.contains("max_waiting_clients") && said.contains("query_wait_timeout"), "{said}");
    clients[0].query("commit").unwrap();
    assert_eq!(bed.client(&proxy).value("select 1").unwrap(), "1");
    assert_eq!(bed.sessions(), 2);
}

#[test]
fn a_pool_in_use_keeps_its_minimum_open() {
    let bed = Bed::new("minimum");
    let proxy = bed.with("min_pool_size = 3").start();
    assert_eq!(bed.sessions(), 0, "nobody uses it yet");
    let _client = bed.client(&proxy);
    wait::until("three servers are open", PATIENCE, || Ok((bed.sessions() == 3).then_some(()))).unwrap();
}

#[test]
fn a_server_is_told_where_its_client_is() {
    let bed = Bed::new("addhost");
    let login = bed.login().with("application_name", "shop");
    let name = |lines: &str| {
        let proxy = bed.with(lines).start();
        let mut client = testbed::Client::login(&proxy.address().unwrap(), &login).unwrap();
        client.value("select application_name from pg_stat_activity where pid = pg_backend_pid()").unwrap()
    };
    assert_eq!(name(""), "shop");
    let with_host = name("application_name_add_host = true");
    assert!(with_host.starts_with("shop - 127.0.0.1:"), "{with_host}");
}

#[test]
fn a_server_is_shared_as_the_mode_says() {
    let bed = Bed::new("sharing");
    let pids = |lines: &str| {
        let proxy = bed.with(&format!("default_pool_size = 2\n{lines}")).start();
        let mut clients = [bed.client(&proxy), bed.client(&proxy)];
        clients.each_mut().map(|client| client.value("select pg_backend_pid()").unwrap())
    };
    let [first, second] = pids("pool_mode = \"transaction\"");
    assert_eq!(first, second);
    let [first, second] = pids("pool_mode = \"session\"");
    assert_ne!(first, second);
}
