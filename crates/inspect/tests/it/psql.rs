//! The same strings and variables for psql and for us: both land at the same place as the same role, or both refuse.

use std::process::Command;

use testbed::{Postgres, PostgresOptions};

use crate::bed::{self, Home};

/// Who, where, and what of the settings arrived.
const WHERE: &str = "select concat_ws('|', session_user, current_database(), coalesce(host(inet_server_addr()), 'socket'), \
    current_setting('work_mem'), current_setting('application_name'))";

const HBA: &str = "\
local all scram scram-sha-256
local all md5 md5
local all clear password
local all all trust
host all scram 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust";

/// One session each: a setting holds for the roles that are made behind it.
const SET_UP: &[&str] = &[
    "create role app login; create role other login; create role root login; create role \"a@b\" login; \
     set password_encryption = 'scram-sha-256'; create role scram login password 'se:c\\ret'; \
     create role clear login password 'plain'; \
     set password_encryption = 'md5'; create role md5 login password 'old'",
    "create database app",
    "create database \"a b\"",
    "create database \"it's\"",
    "create database frozen",
    "alter database frozen set default_transaction_read_only = on",
];

type Case = (&'static [(&'static str, &'static str)], &'static str, bool);

/// Variables, a connection string (none where empty), and whether it gets in. `{dir}`, `{pdir}`, `{port}`, `{home}`.
const CASES: &[Case] = &[
    // URLs.
    (&[], "postgresql://app@{pdir}:{port}/postgres", true),
    (&[], "postgres://app@127.0.0.1:{port}/postgres", true),
    (&[], "postgres://app@/postgres?host={pdir}&port={port}", true),
    (&[], "postgres://app@127.0.0.1:{port}", true),
    (&[], "postgres://127.0.0.1:{port}/postgres?user=other", true),
    (&[], "postgres://app@127.0.0.1:{port}/postgres?user=other", true),
    (&[], "postgres://app@127.0.0.1:1,127.0.0.1:{port}/postgres", true),
    (&[], "postgres://app@[::1]:1,127.0.0.1:{port}/postgres", true),
    (&[], "postgres://app@nowhere.invalid,127.0.0.1:{port}/postgres", true),
    (&[], "postgres://app@nowhere.invalid:{port},127.0.0.1:{port}/postgres", true),
    (&[], "postgres://app@nowhere.invalid/postgres?hostaddr=127.0.0.1&port={port}", true),
    (&[], "postgres://app@{pdir}:{port}/a%20b", true),
    (&[], "postgres://a%40b@{pdir}:{port}/postgres", true),
    (&[], "postgres://app@{pdir}:{port}/postgres?ssl=true", true),
    (&[], "postgres://app@{pdir}:{port}/postgres?options=-c%20work_mem%3D7MB", true),
    (&[], "postgres://app@{pdir}:{port}/postgres?application_name=mine", true),
    (&[], "postgres://app@{pdir}:{port}/postgres?", true),
    (&[], "postgres://app@{pdir}:{port}/nowhere", false),
    (&[], "postgres://nobody@{pdir}:{port}/postgres", false),
    (&[], "postgres://app@127.0.0.1:1/postgres", false),
    (&[], "postgres://app@127.0.0.1:70000/postgres", false),
    (&[], "postgres://app@127.0.0.1:x/postgres", false),
    (&[], "postgres://app@127.0.0.1:{port}/%zz", false),
    (&[], "postgres://app@127.0.0.1:{port}/postgres?nonsense=1", false),
    (&[], "postgres://app@127.0.0.1:{port}/postgres?user=a=b", false),
    (&[], "postgres://app@127.0.0.1:{port}/postgres?user", false),
    (&[], "postgres://app@[::1:{port}/postgres", false),
    // Keywords.
    (&[], "host={dir} port={port} user=app dbname=postgres", true),
    (&[], "  host = '{dir}'  port= {port} user =app dbname = 'postgres' ", true),
    (&[], "host={dir} port={port} user=app dbname='it\\'s'", true),
    (&[], "host={dir} port={port} user=app dbname=a\\ b", true),
    (&[], "host='{dir}'port={port} user=app dbname='a b'", true),
    (&[], "host={dir} port={port} user=other user=app dbname=postgres", true),
    (&[], "hostaddr=127.0.0.1 port={port} user=app dbname=postgres", true),
    (&[], "host=nowhere.invalid hostaddr=127.0.0.1 port={port} user=app dbname=postgres", true),
    (&[], "host={dir} port={port} user='' dbname=postgres", true),
    (&[], "host={dir},127.0.0.1 port=1,{port} user=app dbname=postgres", true),
    (&[], "host={dir} port='' user=app dbname=postgres", false),
    (&[], "host={dir} port=0 user=app dbname=postgres", false),
    (&[], "host={dir} port=1,2 user=app dbname=postgres", false),
    (&[], "host=a,b hostaddr=127.0.0.1 port={port} user=app dbname=postgres", false),
    (&[], "host={dir} port={port} user=app dbname=postgres hots=x", false),
    (&[], "host={dir} port={port} user=app dbname", false),
    (&[], "host={dir} port={port} user='app", false),
    (&[], "host={dir} port={port} user=app dbname=postgres sslmode=never", false),
    (&[], "host={dir} port={port} user=app dbname=postgres connect_timeout=soon", false),
    (&[], "host={dir} port={port} user=app dbname=postgres connect_timeout=0", true),
    (&[], "host={dir} port={port} user=app dbname=postgres channel_binding=maybe", false),
    // What a server has to be like.
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=read-write", true),
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=primary", true),
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=prefer-standby", true),
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=standby", false),
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=read-only", false),
    (&[], "host={dir} port={port} user=app dbname=frozen target_session_attrs=read-only", true),
    (&[], "host={dir} port={port} user=app dbname=frozen target_session_attrs=read-write", false),
    (&[], "host={dir} port={port} user=app dbname=postgres target_session_attrs=best", false),
    // Variables.
    (&[("PGHOST", "{dir}"), ("PGPORT", "{port}"), ("PGUSER", "app"), ("PGDATABASE", "postgres")], "", true),
    (&[("PGHOST", "{dir}"), ("PGPORT", "{port}"), ("PGUSER", "app")], "", true),
    (&[("PGHOST", "{dir}"), ("PGPORT", "{port}"), ("PGUSER", "other")], "user=app dbname=postgres", true),
    (&[("PGHOST", "{dir}"), ("PGPORT", "1")], "postgres://app@127.0.0.1:{port}/postgres", true),
    (&[("PGHOSTADDR", "127.0.0.1"), ("PGPORT", "{port}"), ("PGUSER", "app")], "dbname=postgres", true),
    (&[("PGOPTIONS", "-c work_mem=9MB"), ("PGAPPNAME", "theirs")], "host={dir} port={port} user=app", true),
    (&[("PGSSLMODE", "never")], "host={dir} port={port} user=app dbname=postgres", false),
    (&[("PGTARGETSESSIONATTRS", "standby")], "host={dir} port={port} user=app dbname=postgres", false),
    (&[("PGHOST", ""), ("PGPORT", "{port}"), ("PGUSER", "")], "host={dir} dbname=postgres", true),
    // Passwords.
    (&[], "postgres://scram:se%3Ac%5Cret@{pdir}:{port}/postgres", true),
    (&[], "postgres://scram:wrong@{pdir}:{port}/postgres", false),
    (&[("PGPASSFILE", "/nowhere")], "postgres://scram@{pdir}:{port}/postgres", false),
    (&[("PGPASSWORD", "se:c\\ret")], "postgres://scram@{pdir}:{port}/postgres", true),
    (&[("PGPASSWORD", "wrong")], "postgres://scram@{pdir}:{port}/postgres", false),
    (&[("PGPASSWORD", "wrong")], "postgres://scram:se%3Ac%5Cret@{pdir}:{port}/postgres", true),
    (&[], "postgres://scram@{pdir}:{port}/postgres", true),
    (&[], "postgres://scram@127.0.0.1:{port}/postgres", true),
    (&[], "postgres://scram@127.0.0.1:{port}/app", false),
    (&[("PGPASSFILE", "{home}/open")], "postgres://scram@{pdir}:{port}/postgres", false),
    (&[], "host={dir} port={port} user=scram dbname=postgres passfile={home}/any", true),
    (&[], "postgres://md5:old@{pdir}:{port}/postgres", true),
    (&[], "postgres://md5:older@{pdir}:{port}/postgres", false),
    (&[], "postgres://clear:plain@{pdir}:{port}/postgres", true),
    (&[], "postgres://clear:plainer@{pdir}:{port}/postgres", false),
    (&[], "postgres://md5:old@{pdir}:{port}/postgres?channel_binding=require", false),
    (&[], "postgres://app@{pdir}:{port}/postgres?channel_binding=require", false),
    // Services.
    (&[], "service=shop", true),
    (&[("PGSERVICE", "shop")], "", true),
    (&[("PGSERVICE", "shop"), ("PGUSER", "other")], "", true),
    (&[("PGUSER", "other")], "service=shop dbname=app", true),
    (&[("PGSYSCONFDIR", "{home}/etc")], "service=system", true),
    (&[("PGSERVICEFILE", "{home}/services")], "service=named", true),
    (&[("PGSERVICEFILE", "{home}/nowhere")], "service=shop", false),
    (&[], "service=nowhere", false),
    (&[], "service=broken", false),
];

fn filled(text: &str, postgres: &Postgres, home: &Home) -> String {
    let dir = postgres.host().display().to_string();
    text.replace("{pdir}", &dir.replace('/', "%2F"))
        .replace("{dir}", &dir)
        .replace("{port}", &postgres.port().to_string())
        .replace("{home}", &home.folder.path().display().to_string())
}

fn psql(home: &Home, dsn: &str) -> Result<String, String> {
    let mut command = Command::new("psql");
    command.env_clear().env("HOME", home.folder.path()).env("PATH", "/usr/bin:/bin").envs(&home.variables);
    command.args(["-X", "-w", "-A", "-t", "-c", WHERE]);
    if !dsn.is_empty() {
        command.args(["-d", dsn]);
    }
    let output = command.output().expect("psql is installed");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn furnished(postgres: &Postgres) -> Home {
    let home = Home::new();
    let write = |name: &str, text: &str, mode| {
        home.write(name, &filled(text, postgres, &home), mode);
    };
    write(
        ".pgpass",
        "# x\n{dir}:{port}:postgres:scram:se\\:c\\\\ret\n127.0.0.1:*:postgres:*:se\\:c\\\\ret\n",
        0o600,
    );
    write("any", "*:*:*:*:se\\:c\\\\ret\n", 0o600);
    write("open", "*:*:*:*:se\\:c\\\\ret\n", 0o644);
    write(
        ".pg_service.conf",
        "# x\n[other]\nuser=other\n[shop]\nhost={dir}\nport={port}\nuser=app\ndbname=postgres\n[broken]\nhots=x\n",
        0o644,
    );
    write("etc/pg_service.conf", "[system]\nhost=127.0.0.1\nport={port}\nuser=app\n", 0o644);
    write("services", "[named]\nhost={dir}\nport={port}\nuser=app\ndbname=a b\n", 0o644);
    home
}

#[test]
fn we_land_where_psql_lands() {
    let postgres = Postgres::start(PostgresOptions::default().tcp().hba(HBA)).unwrap();
    for sql in SET_UP {
        postgres.run("postgres", sql).unwrap();
    }
    let mut home = furnished(&postgres);
    let mut wrong = Vec::new();
    for (variables, dsn, gets_in) in CASES {
        home.variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), filled(value, &postgres, &home)))
            .collect();
        let dsn = filled(dsn, &postgres, &home);
        let theirs = psql(&home, &dsn);
        let ours = home
            .try_settings(Some(dsn.as_str()).filter(|dsn| !dsn.is_empty()))
            .and_then(|settings| bed::ask(&settings, WHERE).map_err(|error| error.to_string()));
        let same = match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            (Err(_), Err(_)) => true,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        if !same || theirs.is_ok() != *gets_in {
            wrong.push(format!("{variables:?} {dsn}\n  psql: {theirs:?}\n  ours: {ours:?}"));
        }
    }
    assert!(CASES.len() > 80 && wrong.is_empty(), "{}", wrong.join("\n"));
}
