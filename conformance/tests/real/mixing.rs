//! Every result carries its client's own mark; nobody ever sees another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testbed::seeded::Seeded;
use testbed::{Address, Batch, Client, Error, Message};

use crate::bed::{Bed, figure, long};

/// One client that does something different each time.
struct Actor {
    address: Address,
    number: u64,
    turn: u64,
    seeded: Seeded,
    client: Client,
    /// Names prepared on this connection, with the number in their text.
    prepared: Vec<(String, u64)>,
    left: u64,
}

impl Actor {
    fn enter(address: &Address, number: u64, seed: u64) -> Result<Self> {
        Ok(Self {
            address: address.clone(),
            number,
            turn: 0,
            seeded: Seeded::new(seed.wrapping_add(number << 32)),
            client: Client::login(address, &Bed::login())?,
            prepared: Vec::new(),
            left: 0,
        })
    }

    /// A mark that nobody else uses, and we only once.
    fn mark(&mut self) -> String {
        self.turn += 1;
        format!("c{}-{}", self.number, self.turn)
    }

    fn act(&mut self) -> Result<()> {
        match self.seeded.below(12) {
            0 | 1 => self.simple(),
            2 | 3 => self.named(),
            4 | 5 => self.pipeline(),
            6 => self.unnamed_in_two_batches(),
            7 => self.transaction(),
            8 => self.copy_out(),
            9 => self.timeout(),
            10 => self.cancel(),
            _ => self.leave(),
        }
        .with_context(|| format!("client {} at turn {}", self.number, self.turn))
    }

    /// All rows up to the next ReadyForQuery; each must be one of `marks`, in their order.
    fn expect(&mut self, marks: &[String]) -> Result<()> {
        let said = self.client.until(b'Z')?;
        if let Some(error) = said.iter().find_map(Message::refusal) {
            bail!("an error out of nowhere: {error}");
        }
        self.same(&said, marks)
    }

    fn same(&self, said: &[Message], marks: &[String]) -> Result<()> {
        let rows: Vec<String> = said
            .iter()
            .filter(|message| message.tag == b'D')
            .filter_map(|message| message.texts().into_iter().next().flatten())
            .collect();
        let own = format!("c{}-", self.number);
        let foreign = rows.iter().find(|row| !row.starts_with(&own));
        ensure!(foreign.is_none(), "FOREIGN: {foreign:?}");
        ensure!(rows == marks, "rows {rows:?}, not {marks:?}");
        Ok(())
    }

    fn simple(&mut self) -> Result<()> {
        let mark = self.mark();
        let sql = match self.seeded.below(3) {
            0 => format!("select '{mark}'"),
            1 => format!("select '{mark}', repeat('x', 20000)"),
            _ => format!("select 1 where false; select '{mark}'; select 2 where false"),
        };
        self.client.send(&Batch::new().query(&sql))?;
        self.expect(&[mark])
    }

    /// The same few names in all clients, each with another text.
    fn named(&mut self) -> Result<()> {
        let name = format!("s{}", self.seeded.below(6));
        let mut batch = Batch::new();
        if self.seeded.below(4) == 0 {
            batch = batch.close(b'S', &name);
            self.prepared.retain(|(known, _)| *known != name);
        }
        if !self.prepared.iter().any(|(known, _)| *known == name) {
            self.turn += 1;
            batch = batch.parse(&name, &format!("select 'c{}-{}/' || $1", self.number, self.turn), &[25]);
            self.prepared.push((name.clone(), self.turn));
        }
        let in_text = self.prepared.iter().find(|(known, _)| *known == name).map_or(0, |(_, turn)| *turn);
        self.turn += 1;
        let value = self.turn.to_string();
        self.client.send(&batch.bind("", &name, &[Some(value.as_bytes())]).execute("", 0).sync())?;
        self.expect(&[format!("c{}-{in_text}/{value}", self.number)])
    }

    fn pipeline(&mut self) -> Result<()> {
        let mut batch = Batch::new();
        let length = 2 + self.seeded.below(20);
        let fails_at = self.seeded.below(40);
        let mut marks = Vec::new();
        for place in 0..length {
            let mark = self.mark();
            let sql = if place == fails_at { "select 1 / 0".to_owned() } else { format!("select '{mark}'") };
            batch = match self.seeded.below(2) {
                0 => batch.query(&sql),
                _ => batch.parse("", &sql, &[]).bind("", "", &[]).describe(b'P', "").execute("", 0).sync(),
            };
            marks.push((place != fails_at).then_some(mark));
        }
        // In two pieces, cut anywhere.
        let bytes = batch.bytes();
        let cut = usize::try_from(self.seeded.below(bytes.len() as u64))?;
        self.client.send_bytes(&bytes[..cut])?;
        self.client.send_bytes(&bytes[cut..])?;
        for mark in marks {
            let said = self.client.until(b'Z')?;
            let error = said.iter().find_map(Message::refusal);
            match (mark, error) {
                (Some(mark), None) => self.same(&said, &[mark])?,
                (None, Some(error)) if error.is_code("22012") => {}
                (expected, got) => bail!("expected {expected:?}, got {got:?}"),
            }
        }
        Ok(())
    }

    fn unnamed_in_two_batches(&mut self) -> Result<()> {
        let mark = self.mark();
        self.client
            .send(&Batch::new().parse("", &format!("select '{mark}'"), &[]).describe(b'S', "").sync())?;
        self.client.until(b'Z')?;
        if self.seeded.below(2) == 0 {
            std::thread::sleep(Duration::from_micros(self.seeded.below(2000)));
        }
        self.client.send(&Batch::new().bind("", "", &[]).execute("", 0).sync())?;
        self.expect(&[mark])
    }

    fn transaction(&mut self) -> Result<()> {
        let mark = self.mark();
        self.client.query(&format!(
            "begin; set local application_name = '{mark}'; set local search_path = pg_catalog"
        ))?;
        for _ in 0..self.seeded.below(4) {
            let own = self.client.value("select current_setting('application_name')")?;
            ensure!(own == mark, "FOREIGN setting: {own}");
        }
        let end = if self.seeded.below(3) == 0 { "rollback" } else { "commit" };
        self.client.query(end)?;
        Ok(())
    }

    fn copy_out(&mut self) -> Result<()> {
        let mark = self.mark();
        let rows = 1 + self.seeded.below(3000);
        let sql = format!("copy (select '{mark}' from generate_series(1, {rows})) to stdout");
        self.client.send(&Batch::new().query(&sql))?;
        let said = self.client.until(b'Z')?;
        let lines: Vec<&Message> = said.iter().filter(|message| message.tag == b'd').collect();
        let wanted = format!("{mark}\n");
        ensure!(lines.iter().all(|line| line.body == wanted.as_bytes()), "FOREIGN copy data");
        ensure!(lines.len() as u64 == rows, "{} lines of {rows}", lines.len());
        Ok(())
    }

    fn timeout(&mut self) -> Result<()> {
        self.client.query("begin; set local statement_timeout = '3ms'")?;
        match self.client.query("select pg_sleep(5)") {
            Err(error) if error.is_code("57014") => {}
            other => bail!("expected a timeout, got {other:?}"),
        }
        self.client.query("rollback")?;
        Ok(())
    }

    /// Of two answers one is right: the own row, or the own cancel.
    fn cancel(&mut self) -> Result<()> {
        let mark = self.mark();
        self.client.send(&Batch::new().query(&format!("select '{mark}', pg_sleep(0.002)")))?;
        std::thread::sleep(Duration::from_micros(self.seeded.below(3000)));
        self.client.cancel()?;
        let said = self.client.until(b'Z')?;
        match said.iter().find_map(Message::refusal) {
            None => self.same(&said, &[mark]),
            Some(error) if error.is_code("57014") => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    /// Sends a part of something, cut after any byte, and is gone; another comes in its place.
    fn leave(&mut self) -> Result<()> {
        let mark = self.mark();
        let batch = match self.seeded.below(5) {
            0 => Batch::new().query(&format!("select '{mark}', repeat('left behind', 100000)")),
            1 => {
                Batch::new().query("begin").query(&format!("select '{mark}'")).query("select pg_sleep(0.01)")
            }
            2 => Batch::new()
                .parse("s1", &format!("select '{mark}'"), &[])
                .bind("", "s1", &[])
                .execute("", 0)
                .sync(),
            3 => Batch::new()
                .query(&format!("copy (select '{mark}' from generate_series(1, 50000)) to stdout")),
            _ => Batch::new()
                .query("create temporary table t (a text); copy t from stdin")
                .copy_data(b"left\n"),
        };
        let cut = usize::try_from(self.seeded.below(batch.bytes().len() as u64 + 1))?;
        self.client.send_bytes(&batch.bytes()[..cut])?;
        if self.seeded.below(2) == 0 {
            std::thread::sleep(Duration::from_micros(self.seeded.below(1500)));
        }
        self.client = Client::login(&self.address, &Bed::login())?;
        self.prepared.clear();
        self.left += 1;
        Ok(())
    }
}

#[test]
fn nobody_ever_sees_anothers_rows() -> Result<()> {
    let (seed, _) = Seeded::from_env(4711);
    let (clients, seconds) = long((40_u32, 8), (200, 120));
    let mut bed = Bed::open(6, clients)?;
    let address = bed.address()?;
    let failed = Arc::new(AtomicBool::new(false));
    let until = Instant::now() + Duration::from_secs(seconds);
    let actors: Vec<_> = (0..u64::from(clients))
        .map(|number| {
            let (address, failed) = (address.clone(), Arc::clone(&failed));
            std::thread::spawn(move || -> Result<(u64, u64)> {
                let mut actor = Actor::enter(&address, number, seed)?;
                while Instant::now() < until && !failed.load(Ordering::Relaxed) {
                    actor.act().inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                }
                Ok((actor.turn, actor.left))
            })
        })
        .collect();
    let (mut turns, mut left, mut troubles) = (0, 0, Vec::new());
    for actor in actors {
        match actor.join().map_err(|_| anyhow::anyhow!("a client panicked"))? {
            Ok((own, gone)) => (turns, left) = (turns + own, left + gone),
            Err(error) => troubles.push(format!("{error:#}")),
        }
    }
    ensure!(troubles.is_empty(), "seed {seed}:\n{}", troubles.join("\n"));
    figure(
        "data mixing",
        format!("{clients} clients, {turns} marked results, {left} left in the middle, 0 foreign"),
    );
    bed.check_pool()?;
    bed.check_alive()
}

/// In session mode a whole life belongs to one server: the next life must find nothing of it.
#[test]
fn a_session_leaves_nothing_to_the_next() -> Result<()> {
    let mut bed = Bed::open_with(testbed::proxy::Wanted::new("session", 2, crate::bed::DATABASE), 10)?;
    for life in 0..long(30, 500) {
        let mut client = bed.client()?;
        for (sql, clean) in [
            ("select current_setting('search_path')", "\"$user\", public"),
            ("select current_user", "app"),
            ("select current_setting('statement_timeout')", "0"),
            ("select count(*) from pg_prepared_statements where name <> ''", "0"),
            ("select count(*) from pg_cursors where is_holdable", "0"),
            ("select count(*) from pg_listening_channels()", "0"),
            ("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()", "0"),
            ("select coalesce(to_regclass('pg_temp.scratch')::text, 'none')", "none"),
        ] {
            let found = client.value(sql)?;
            ensure!(found == clean, "life {life}: {sql} says {found}");
        }
        client.query(
            "set search_path = elsewhere; set statement_timeout = '1h'; prepare p as select 1; listen news;
             create temporary table scratch (i int); select pg_advisory_lock(1)",
        )?;
        client.query("begin; declare c cursor with hold for select 1; commit")?;
        // Sometimes with a good-bye, sometimes without, sometimes in a transaction.
        match life % 3 {
            0 => client.terminate()?,
            1 => drop(client),
            _ => match client.query("begin; select 1 / 0") {
                Err(Error::Server { .. }) => drop(client),
                other => bail!("expected an error, got {other:?}"),
            },
        }
    }
    bed.check_pool()?;
    bed.check_alive()
}
