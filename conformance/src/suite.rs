//! All scenarios, one server, and a proxy for each mode.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use testbed::pgbouncer::PgBouncer;
use testbed::proxy::Wanted;
use testbed::{Address, Postgres, PostgresOptions, Proxy};

use crate::compare;
use crate::differences::{self, Difference};
use crate::script::{self, Scenario};
use crate::stage::{self, Played};

/// The modes that scenarios are played in.
pub const MODES: [&str; 2] = ["session", "transaction"];

/// What is read from files: scenarios and differences.
#[derive(Debug)]
pub struct Book {
    /// Every scenario, by file and place.
    pub scenarios: Vec<Scenario>,
    /// The differences that are meant.
    pub differences: Vec<Difference>,
}

impl Book {
    /// Reads `scenarios/*.txt` and `differences.toml`.
    pub fn read() -> Result<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<PathBuf> = std::fs::read_dir(home.join("scenarios"))?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()?;
        files.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
        files.sort();
        let mut scenarios = Vec::new();
        for path in &files {
            let name = path.file_stem().and_then(|name| name.to_str()).context("a file name")?;
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            scenarios.extend(script::scenarios(name, &text)?);
        }
        let table = home.join("differences.toml");
        let text = std::fs::read_to_string(&table).with_context(|| table.display().to_string())?;
        let differences = differences::read(&text)?;
        let stray = differences.iter().find(|entry| {
            let played = |s: &Scenario| {
                s.name == entry.scenario && MODES.iter().any(|m| entry.is_for(m) && s.played_in(m))
            };
            !scenarios.iter().any(played)
        });
        if let Some(stray) = stray {
            bail!("differences.toml lists {} in {} mode, which is not played", stray.scenario, stray.mode);
        }
        Ok(Self { scenarios, differences })
    }

    /// The listed difference of a scenario in a mode.
    pub fn listed(&self, scenario: &Scenario, mode: &str) -> Option<&Difference> {
        self.differences.iter().find(|entry| entry.scenario == scenario.name && entry.is_for(mode))
    }
}

impl Scenario {
    /// Whether the scenario is played in a mode.
    pub fn played_in(&self, mode: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == mode)
    }
}

/// Every scenario finds this: made anew each time, as any of them may drop it.
const SCENERY: &str = "
    set lock_timeout = '5s';
    set client_min_messages = warning;
    drop schema if exists public, tenant_a, tenant_b cascade;
    drop owned by app;
    create schema public authorization app;
    create schema tenant_a authorization app;
    create schema tenant_b authorization app;
    grant connect, create, temporary on database conform to app;
    set role app;
    create table public.items (id int primary key, name text not null);
    insert into public.items values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four'), (5, 'five');
    create table tenant_a.whose (name text);
    create table tenant_b.whose (name text);
    insert into tenant_a.whose values ('a');
    insert into tenant_b.whose values ('b');
    create function public.shout(words text) returns text language plpgsql as
        $$ begin raise notice 'shouting %', words; return upper(words); end $$;
    create function public.fail(words text) returns int language plpgsql as
        $$ begin raise exception '%', words using errcode = 'P0042', detail = 'a detail', hint = 'a hint'; end $$;
";

/// A server, and the proxies started so far.
#[derive(Debug)]
pub struct House {
    postgres: Postgres,
    proxies: BTreeMap<String, Proxy>,
    peers: BTreeMap<String, PgBouncer>,
    known: BTreeMap<String, Played>,
}

impl House {
    /// Starts the server.
    pub fn open() -> Result<Self> {
        let postgres =
            Postgres::start(PostgresOptions::default().tcp().set("max_prepared_transactions", "5"))?;
        postgres.run("postgres", "create role app login")?;
        postgres.run("postgres", "create role other login in role app")?;
        postgres.run("postgres", "create database conform")?;
        Ok(Self { postgres, proxies: BTreeMap::new(), peers: BTreeMap::new(), known: BTreeMap::new() })
    }

    /// Plays a scenario against the server itself; fails where the scenario does not hold there.
    pub fn direct(&self, scenario: &Scenario) -> Result<Played> {
        let address = self.postgres.tcp().context("the server listens on TCP")?;
        let played = self.play(scenario, &address)?;
        if let Some(broke) = &played.broke {
            bail!("the scenario does not hold even without a proxy: {broke}\n{}", told(&played));
        }
        if !played.unseen.is_empty() {
            bail!("the scenario misses its point: {}\n{}", played.unseen.join(", "), told(&played));
        }
        Ok(played)
    }

    /// As [`Self::direct`], but only the first time.
    pub fn known(&mut self, scenario: &Scenario) -> Result<Played> {
        if let Some(played) = self.known.get(&scenario.name) {
            return Ok(played.clone());
        }
        let played = self.direct(scenario)?;
        self.known.insert(scenario.name.clone(), played.clone());
        Ok(played)
    }

    /// Plays a scenario through the proxy of a mode; `pgbouncer:session` is PgBouncer in that mode.
    pub fn through(&mut self, scenario: &Scenario, mode: &str) -> Result<Played> {
        let address = self.proxy(mode)?;
        let played = self.play(scenario, &address)?;
        let ended = self.proxies.get_mut(mode).and_then(|proxy| proxy.ended().transpose()).transpose()?;
        if let Some(status) = ended {
            let log = self.proxies.remove(mode).map(|proxy| proxy.log()).unwrap_or_default();
            bail!("the proxy ended with {status}\n{log}");
        }
        Ok(played)
    }

    fn play(&self, scenario: &Scenario, address: &Address) -> Result<Played> {
        let scenery = self.postgres.run("conform", SCENERY);
        scenery.map_err(|error| anyhow!("a scenario before this one left a lock behind: {error}"))?;
        Ok(stage::play(scenario, address, &self.postgres))
    }

    fn proxy(&mut self, mode: &str) -> Result<Address> {
        if let Some(peer_mode) = mode.strip_prefix("pgbouncer:") {
            if !self.peers.contains_key(mode) {
                let peer =
                    PgBouncer::start(&self.postgres, peer_mode, 4)?.context("pgbouncer is not installed")?;
                self.peers.insert(mode.to_owned(), peer);
            }
            return self.peers.get(mode).map(|peer| peer.address().clone()).context("it was just started");
        }
        if !self.proxies.contains_key(mode) {
            let proxy = Wanted::new(mode, 4, "conform").start(&self.postgres)?;
            self.proxies.insert(mode.to_owned(), proxy);
        }
        let proxy = self.proxies.get(mode).context("the proxy was just started")?;
        Ok(proxy.address()?)
    }

    /// Ends a proxy, so that what a failed scenario left in it does not fail the next.
    pub fn forget(&mut self, mode: &str) -> Option<String> {
        self.proxies.remove(mode).map(|proxy| proxy.log())
    }
}

/// The same conversation twice without a proxy: what differs then is not the proxy's doing.
pub fn direct_twice(house: &mut House, scenario: &Scenario) -> Result<()> {
    let (first, second) = (house.known(scenario)?, house.direct(scenario)?);
    let found = compare::difference(&first.transcript, &second.transcript);
    if !found.is_empty() {
        bail!("two conversations with the server itself differ:\n{}", found.join("\n"));
    }
    Ok(())
}

/// The same conversation without and with the proxy.
pub fn compared(house: &mut House, book: &Book, scenario: &Scenario, mode: &str) -> Result<()> {
    let direct = house.known(scenario)?;
    let through = house.through(scenario, mode)?;
    let mut found = compare::difference(&direct.transcript, &through.transcript);
    if let Some(broke) = &through.broke {
        found.push(format!("! {broke}"));
    }
    differences::judge(book.listed(scenario, mode), &found).map_err(|why| {
        let log = house.forget(mode).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        anyhow!(
            "{why}\nthe end of the proxy's log:\n{}",
            tail.into_iter().rev().collect::<Vec<_>>().join("\n")
        )
    })
}

/// A transcript for a human.
pub fn told(played: &Played) -> String {
    let of = |who| played.transcript.of(who).iter().map(move |line| format!("{who} {line}\n"));
    played.transcript.clients().flat_map(of).collect()
}
