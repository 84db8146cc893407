//! psql and pg_dump, as people use them.

use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use testbed::proxy::Wanted;

use crate::bed::{Bed, DATABASE, said};

const SCRIPT: &str = r#"
\set ON_ERROR_STOP off
create table people (id int generated always as identity primary key, name text unique, born date default '2000-01-01');
insert into people (name) select 'person ' || i from generate_series(1, 5) as i returning id, name;
\d people
\dt
select count(*) as all_of_them from people \gset
\echo there are :all_of_them
select 1 / 0;
begin;
insert into people (name) values ('person 1');
select 'refused';
rollback;
\copy people (name) from stdin
from a copy
another
\.
\copy (select name from people order by id) to stdout
copy people (name) to stdout;
select format('select %s as generated', i) from generate_series(1, 3) as i \gexec
\set AUTOCOMMIT off
insert into people (name) values ('not for long');
rollback;
\set AUTOCOMMIT on
do $$ begin raise notice 'a notice'; end $$;
\set FETCH_COUNT 2
select id, name from people order by id;
\unset FETCH_COUNT
explain (costs off) select * from people where id = 1;
\conninfo
"#;

/// What psql prints with the proxy is what it prints without, but for the address it connected to.
#[test]
fn a_psql_script_prints_the_same_through_the_proxy() -> Result<()> {
    let bed = Bed::open(3, 10)?;
    let play = |tool: &str| -> Result<String> {
        bed.run("drop schema public cascade; create schema public authorization app")?;
        let mut psql = if tool == "direct" { bed.direct_tool("psql")? } else { bed.tool("psql")? };
        psql.args(["-X", "-a", "-d", DATABASE]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("psql reads")?.write_all(SCRIPT.as_bytes())?;
        let done = child.wait_with_output()?;
        let text = [done.stdout, done.stderr].concat();
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .filter(|line| !line.contains("connected to"))
            .fold(String::new(), |text, line| text + line + "\n"))
    };
    let (direct, through) = (play("direct")?, play("through")?);
    ensure!(
        direct.contains("from a copy") && direct.contains("division by zero"),
        "the script works:\n{direct}"
    );
    ensure!(direct == through, "direct:\n{direct}\nthrough the proxy:\n{through}");
    Ok(())
}

#[test]
fn a_dump_is_the_same_through_the_proxy() -> Result<()> {
    let bed = Bed::open_with(Wanted::new("session", 3, DATABASE), 10)?;
    said(bed.direct_tool("pgbench")?.args(["-i", "-q", "-s", "1", DATABASE]))?;
    bed.run("create function public.f(int) returns int language sql as 'select $1'")?;
    bed.run("create function public.g(text) returns text language plpgsql as 'begin return $1; end'")?;
    let without_token = |text: String| -> String {
        text.lines().filter(|line| !line.contains("restrict")).collect::<Vec<_>>().join("\n")
    };
    let direct = without_token(said(bed.direct_tool("pg_dump")?.args(["-d", DATABASE]))?.0);
    for turn in 0..3 {
        let through = without_token(said(bed.tool("pg_dump")?.args(["-d", DATABASE]))?.0);
        ensure!(direct.len() > 1_000_000 && direct == through, "dump {turn} differs");
    }
    Ok(())
}

#[test]
fn psql_is_told_of_an_unknown_database_and_goes() -> Result<()> {
    let mut bed = Bed::open(2, 5)?;
    let done = bed.tool("psql")?.args(["-X", "-d", "no_such_database", "-c", "select 1"]).output()?;
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(!done.status.success() && words.contains("no_such_database"), "psql said: {words}");
    bed.check_alive()
}

/// psql asks for encryption first; the proxy has none to offer here and says so in one byte.
#[test]
fn clients_that_prefer_encryption_get_in_without() -> Result<()> {
    let bed = Bed::open(2, 5)?;
    for preference in ["sslmode=prefer gssencmode=disable", "sslmode=disable", "sslmode=prefer"] {
        let dsn = format!("dbname={DATABASE} {preference}");
        let (out, _) = said(bed.tool("psql")?.args(["-X", "-A", "-t", "-d", &dsn, "-c", "select 'in'"]))?;
        ensure!(out.trim() == "in", "{preference}: {out}");
    }
    Ok(())
}
