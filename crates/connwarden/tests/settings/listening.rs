//! Where clients and collectors of metrics find the proxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use testbed::postgres::free_port;
use testbed::{Address, Client, Error, Proxy};

use crate::bed::{Bed, unix};

#[test]
fn every_address_takes_clients_on_the_same_port() {
    let bed = Bed::new("addresses");
    let port = free_port().unwrap();
    let lines = format!("listen_addr = [\"127.0.0.2\", \"127.0.0.3\"]\nlisten_port = {port}");
    let proxy = bed.with(&lines).start();
    for address in ["127.0.0.2", "127.0.0.3"] {
        let address = Address::tcp(&format!("{address}:{port}")).unwrap();
        let mut client = Client::login(&address, &bed.login()).unwrap();
        assert_eq!(client.value("select 1").unwrap(), "1");
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens elsewhere");
    drop(proxy);
}

#[test]
fn a_unix_socket_lies_in_its_directory_with_its_permissions() {
    let bed = Bed::new("unixsocket");
    let directory = bed.folder.path().display();
    let lines = format!(
        "listen_addr = \"\"\nunix_socket_dir = \"{directory}\"\nunix_socket_mode = \"0750\"\nlisten_port = 6432"
    );
    let mut proxy = bed.with(&lines).start();
    assert!(proxy.ready().tcp.is_empty());
    let path = unix(proxy.ready());
    assert_eq!(path, bed.folder.join(".s.PGSQL.6432"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    assert_eq!(bed.client(&proxy).value("select 1").unwrap(), "1");
    proxy.signal(rustix::process::Signal::TERM).unwrap();
    proxy.wait(testbed::wait::PATIENCE).unwrap();
    assert!(!path.exists(), "the file goes with the process");
}

#[test]
fn an_abstract_socket_leaves_no_file() {
    let bed = Bed::new("abstractsocket");
    let name = format!("cw-{}", std::process::id());
    let lines = format!("listen_addr = \"\"\nunix_socket_dir = \"@{name}\"\nlisten_port = 6432");
    let proxy = bed.with(&lines).start();
    let path = unix(proxy.ready());
    assert!(!path.exists());
    let abstract_name = path.to_str().unwrap().strip_prefix('@').unwrap().to_owned();
    let mut stream =
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(abstract_name).unwrap()).unwrap();
    stream.write_all(testbed::Batch::new().ssl_request().bytes()).unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"N", "a PostgreSQL server without TLS answers so");
}

#[test]
fn metrics_are_served_where_the_settings_say() {
    let bed = Bed::new("metrics");
    assert_eq!(bed.with("").start().ready().metrics, None);
    let proxy = bed.with("metrics_listen = \"127.0.0.1:0\"").start();
    let Some(Address::Tcp(address)) = proxy.ready().metrics else {
        panic!("an address is in the ready file")
    };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("connwarden_clients_max"), "{said}");
}

#[test]
fn trust_is_refused_where_other_machines_can_reach_it_unless_allowed() {
    let bed = Bed::new("trustfromnetwork");
    let open = "listen_addr = \"0.0.0.0\"\nauth_type = \"trust\"";
    match Proxy::start(&bed.with(open).text()) {
        Err(Error::Ended { status, log, .. }) => {
            assert!(status.contains("78") && log.contains("allow_trust_from_network"), "{status}: {log}");
        }
        other => panic!("it must not start: {other:?}"),
    }
    let proxy = bed.with(&format!("{open}\nallow_trust_from_network = true")).start();
    assert_eq!(bed.client(&proxy).value("select 1").unwrap(), "1");
}
