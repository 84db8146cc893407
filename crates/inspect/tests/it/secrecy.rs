//! TLS with a real server: whatever psql does with a mode and a certificate, we do.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use testbed::{Folder, Postgres, PostgresOptions};

use crate::bed::{self, Home};
use crate::certificates::{Authority, Leaf, self_signed};

const HBA: &str = "\
hostssl all certified 127.0.0.1/32 cert
hostssl all tls_only 127.0.0.1/32 trust
hostnossl all clear_only 127.0.0.1/32 trust
host all scram 127.0.0.1/32 scram-sha-256
host all app 127.0.0.1/32 trust";

const SECURED: &str = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()";

/// A server that shows this certificate, with its files.
struct Server {
    postgres: Postgres,
    _files: Folder,
}

fn server(leaf: &Leaf, clients: &Authority) -> Server {
    let files = Folder::create().unwrap();
    let certificate = files.write("server.crt", &leaf.certificate).unwrap();
    let key = files.write("server.key", &leaf.key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let clients = files.write("clients.crt", &clients.pem).unwrap();
    let options = PostgresOptions::default()
        .tcp()
        .hba(HBA)
        .set("ssl", "on")
        .set("ssl_cert_file", &certificate.display().to_string())
        .set("ssl_key_file", &key.display().to_string())
        .set("ssl_ca_file", &clients.display().to_string());
    let postgres = Postgres::start(options).unwrap();
    roles(&postgres);
    Server { postgres, _files: files }
}

fn roles(postgres: &Postgres) {
    let sql = "create role app login; create role tls_only login; create role clear_only login; \
               create role certified login; set password_encryption = 'scram-sha-256'; \
               create role scram login password 'secret'";
    postgres.run("postgres", sql).unwrap();
}

fn psql(home: &Home, dsn: &str) -> Result<String, String> {
    let mut command = Command::new("psql");
    command.env_clear().env("HOME", home.folder.path()).env("PATH", "/usr/bin:/bin");
    let output = command.args(["-X", "-w", "-A", "-t", "-c", SECURED, "-d", dsn]).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn ours(home: &Home, dsn: &str) -> Result<String, String> {
    home.try_settings(Some(dsn))
        .and_then(|settings| bed::ask(&settings, SECURED).map_err(|error| error.to_string()))
}

/// Both get in, as secretly, or neither does.
fn compare(home: &Home, dsn: &str, wrong: &mut Vec<String>) -> Option<bool> {
    let (theirs, ours) = (psql(home, dsn), ours(home, dsn));
    if theirs.as_ref().ok() != ours.as_ref().ok() {
        wrong.push(format!("{dsn}\n  psql: {theirs:?}\n  ours: {ours:?}"));
    }
    ours.ok().map(|ssl| ssl == "true")
}

#[test]
fn every_mode_with_every_certificate_ends_as_with_psql() {
    let (ours, strangers) = (Authority::new("ours"), Authority::new("strangers"));
    let named = server(&ours.signs(&["localhost", "127.0.0.1"], "db"), &ours);
    let misnamed = server(&ours.signs(&["elsewhere.internal"], "localhost"), &ours);
    let common = server(&ours.signs(&[], "localhost"), &ours);
    let alone = self_signed(&["localhost"], "localhost");
    let alone_server = server(&alone, &ours);
    let clear = Postgres::start(PostgresOptions::default().tcp().hba(HBA)).unwrap();
    roles(&clear);
    let home = Home::new();
    let roots = [
        ("good", home.write("good.crt", &ours.pem, 0o644)),
        ("strange", home.write("strange.crt", &strangers.pem, 0o644)),
        ("own", home.write("own.crt", &alone.certificate, 0o644)),
        ("none", home.folder.join("none.crt")),
    ];
    let servers = [
        ("named", named.postgres.port()),
        ("misnamed", misnamed.postgres.port()),
        ("common", common.postgres.port()),
        ("alone", alone_server.postgres.port()),
        ("clear", clear.port()),
    ];
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for (server, port) in servers {
        for mode in tls::Mode::ALL {
            for (root, path) in &roots {
                let dsn = format!(
                    "host=localhost port={port} user=app dbname=postgres sslmode={mode} sslrootcert={}",
                    path.display()
                );
                seen.insert(format!("{server} {mode} {root}"), compare(&home, &dsn, &mut wrong));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Not only alike, but as it should be.
    for (case, ends) in [
        ("named verify-full good", Some(true)),
        ("named verify-full strange", None),
        ("named verify-full none", None),
        ("misnamed verify-full good", None),
        ("misnamed verify-ca good", Some(true)),
        ("common verify-full good", Some(true)),
        ("alone verify-full own", Some(true)),
        ("alone verify-ca good", None),
        ("named require strange", None),
        ("named require none", Some(true)),
        ("named prefer strange", Some(false)),
        ("named allow none", Some(false)),
        ("named disable good", Some(false)),
        ("clear prefer none", Some(false)),
        ("clear require none", None),
    ] {
        assert_eq!(seen[case], ends, "{case}");
    }
}

#[test]
fn a_server_that_wants_the_other_channel_gets_it_where_the_mode_allows() {
    let authority = Authority::new("ours");
    let server = server(&authority.signs(&["localhost"], "db"), &authority);
    let home = Home::new();
    let mut wrong = Vec::new();
    let mut ends = |user: &str, mode: &str| {
        let port = server.postgres.port();
        let dsn = format!("host=127.0.0.1 port={port} user={user} dbname=postgres sslmode={mode}");
        compare(&home, &dsn, &mut wrong)
    };
    assert_eq!(ends("tls_only", "allow"), Some(true));
    assert_eq!(ends("tls_only", "disable"), None);
    assert_eq!(ends("clear_only", "prefer"), Some(false));
    assert_eq!(ends("clear_only", "require"), None);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_client_certificate_lets_its_owner_in() {
    let authority = Authority::new("ours");
    let server = server(&authority.signs(&["localhost"], "db"), &authority);
    let home = Home::new();
    let write = |name: &str, leaf: &Leaf, mode| {
        home.write(&format!("{name}.crt"), &leaf.certificate, 0o644);
        home.write(&format!("{name}.key"), &leaf.key, mode);
    };
    write("mine", &authority.signs(&[], "certified"), 0o600);
    write("open", &authority.signs(&[], "certified"), 0o644);
    write("strange", &Authority::new("strangers").signs(&[], "certified"), 0o600);
    write("other", &authority.signs(&[], "somebody"), 0o600);
    let dsn = |name: &str| {
        let (port, home) = (server.postgres.port(), home.folder.path().display());
        format!(
            "host=localhost port={port} user=certified dbname=postgres sslmode=require sslcert={home}/{name}.crt sslkey={home}/{name}.key"
        )
    };
    let mut wrong = Vec::new();
    assert_eq!(compare(&home, &dsn("mine"), &mut wrong), Some(true));
    for refused in ["open", "strange", "other", "missing"] {
        assert_eq!(compare(&home, &dsn(refused), &mut wrong), None, "{refused}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said = ours(&home, &dsn("open")).unwrap_err();
    assert!(said.contains("can be read by others (mode 0644)"), "{said}");
}

#[test]
fn scram_is_bound_to_the_channel_where_there_is_one() {
    let authority = Authority::new("ours");
    let server = server(&authority.signs(&["localhost"], "db"), &authority);
    let home = Home::new();
    let mut wrong = Vec::new();
    let mut ends = |rest: &str| {
        let port = server.postgres.port();
        let dsn = format!("host=localhost port={port} user=scram password=secret dbname=postgres {rest}");
        compare(&home, &dsn, &mut wrong)
    };
    assert_eq!(ends("sslmode=require channel_binding=require"), Some(true));
    assert_eq!(ends("sslmode=require channel_binding=disable"), Some(true));
    assert_eq!(ends("sslmode=require"), Some(true));
    assert_eq!(ends("sslmode=disable channel_binding=require"), None);
    assert_eq!(ends("sslmode=disable"), Some(false));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // An older psql does not know this one: without a binding, the server would not have been asked for SCRAM.
    let settings = home.settings(&format!(
        "host=localhost port={} user=scram password=secret dbname=postgres sslmode=require require_auth=scram-sha-256",
        server.postgres.port()
    ));
    assert!(bed::open(&settings).unwrap().is_encrypted());
    let settings = home.settings(&format!(
        "host=localhost port={} user=app dbname=postgres require_auth=scram-sha-256",
        server.postgres.port()
    ));
    let said = bed::open(&settings).unwrap_err().to_string();
    assert!(said.contains("asked for nothing"), "{said}");
}
