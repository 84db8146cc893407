//! Random scripts: what a client sends, when it waits, and how it leaves.

use wire::encode;
use wire::frontend::Target;

use crate::rng::Rng;

/// One act of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Sends these messages.
    Send(Vec<u8>),
    /// Waits until everything is answered.
    Await,
    Think(u64),
    /// Opens a connection and sends a cancel request.
    Cancel,
    /// Says goodbye and closes.
    Leave,
    /// Closes without a word.
    Vanish,
    /// Stops reading for a while.
    Stall(u64),
}

/// What a script may contain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// Transaction blocks are allowed.
    pub(crate) blocks: bool,
    /// The client brought settings of its own, so RESET would not be what it is directly.
    pub(crate) own_settings: bool,
    pub(crate) cancels: bool,
    pub(crate) rude: bool,
    pub(crate) alters: bool,
    /// Cancels in a hundred pauses.
    pub(crate) cancel_percent: u64,
    /// A unit that is played over and over: what is rare otherwise meets itself.
    pub(crate) focus: Option<u64>,
    /// Waits for the answer to each batch before it sends the next.
    pub(crate) careful: bool,
    pub(crate) length: u64,
}

/// Writes a script.
#[derive(Debug)]
pub(crate) struct Writer {
    rng: Rng,
    taste: Taste,
    token: String,
    serial: u32,
    acts: Vec<Act>,
    bytes: Vec<u8>,
}

type Extended = fn(&mut Writer);

/// One die for each sort of unit: see [`Writer::unit`].
pub(crate) const FOCI: [u64; 12] = [0, 30, 50, 60, 75, 81, 85, 90, 94, 96, 98, 99];

impl Writer {
    /// A whole script of a client whose every result carries `token`.
    pub(crate) fn write(rng: Rng, taste: Taste, token: &str) -> Vec<Act> {
        let mut writer =
            Self { rng, taste, token: token.to_owned(), serial: 0, acts: Vec::new(), bytes: Vec::new() };
        for _ in 0..taste.length {
            if taste.cancels && writer.rng.percent(10) {
                writer.race();
            } else {
                writer.unit();
                writer.pause();
            }
        }
        writer.end();
        writer.acts
    }

    /// A script of somebody who drops, renames and copies this database now and then.
    pub(crate) fn upheaval(rng: Rng, taste: Taste, token: &str, database: &str) -> Vec<Act> {
        let mut writer =
            Self { rng, taste, token: token.to_owned(), serial: 0, acts: Vec::new(), bytes: Vec::new() };
        for _ in 0..taste.length {
            let most = *writer.rng.pick(&[20_000, 150_000, 600_000]);
            let us = writer.rng.below(most);
            writer.acts.push(Act::Think(us));
            let text = match writer.rng.below(4) {
                0 => format!("DROP DATABASE {database}"),
                1 => format!("drop database if exists \"{database}\" with (force)"),
                2 => format!("ALTER DATABASE {database} RENAME TO other"),
                _ => format!("CREATE DATABASE copy TEMPLATE {database}"),
            };
            match writer.rng.below(3) {
                0 => {
                    writer.parse("d", &text);
                    encode::sync(&mut writer.bytes);
                    writer.bind("", "d", &[]);
                    writer.execute("", 0);
                    encode::close(&mut writer.bytes, Target::Statement, b"d");
                    encode::sync(&mut writer.bytes);
                }
                way => writer.one(&text, way == 1),
            }
            if writer.rng.percent(30) {
                let text = writer.text();
                writer.query(&text);
            }
            if writer.rng.percent(20) {
                writer.query(&format!("DROP DATABASE {database}"));
            }
            writer.pause();
        }
        writer.end();
        writer.acts
    }

    fn fresh(&mut self) -> String {
        self.serial += 1;
        format!("{}n{}", self.token, self.serial)
    }

    fn send(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            self.acts.push(Act::Send(bytes));
        }
    }

    fn wait(&mut self) {
        self.send();
        self.acts.push(Act::Await);
    }

    fn pause(&mut self) {
        self.send();
        if self.taste.cancels && self.rng.percent(self.taste.cancel_percent) {
            let before = self.rng.below(3_000);
            self.acts.push(Act::Think(before));
            self.acts.push(Act::Cancel);
        }
        // A pipelining client does not wait.
        if !self.rng.percent(25) || self.taste.careful {
            self.acts.push(Act::Await);
        }
        if self.rng.percent(40) {
            let us = *self.rng.pick(&[10, 500, 5_000, 60_000]);
            let us = self.rng.below(us);
            self.acts.push(Act::Think(us));
        }
        // A cancel of somebody who asks for nothing hits nobody.
        if self.taste.cancels && self.rng.percent(6) {
            self.acts.push(Act::Cancel);
        }
        if self.rng.percent(3) {
            let us = self.rng.below(30_000);
            self.acts.push(Act::Stall(us));
        }
    }

    /// A cancel that meets the end of what it was meant for: whoever has the server next is not to feel it.
    fn race(&mut self) {
        self.send();
        let (ms, token) = (self.rng.between(1, 6), self.fresh());
        self.query(&format!("SELECT '{token}' FROM pg_sleep({})", ms as f64 / 1000.0));
        self.send();
        let early = self.rng.below(800);
        self.acts.push(Act::Think(ms * 1_000 + 300 - early));
        self.acts.push(Act::Cancel);
        self.acts.push(Act::Await);
    }

    fn end(&mut self) {
        if self.taste.rude && self.rng.percent(40) {
            self.unit();
            if let Some(Act::Send(bytes)) = self.acts.last_mut() {
                let cut = self.rng.below(bytes.len() as u64 + 1) as usize;
                bytes.truncate(cut);
            } else if !self.bytes.is_empty() {
                let cut = self.rng.below(self.bytes.len() as u64) as usize;
                self.bytes.truncate(cut);
                self.send();
            }
            if self.rng.percent(50) {
                let us = self.rng.below(5_000);
                self.acts.push(Act::Think(us));
            }
            self.acts.push(Act::Vanish);
            return;
        }
        self.query("ROLLBACK");
        self.wait();
        self.acts.push(Act::Leave);
    }

    fn unit(&mut self) {
        let usual = self.rng.below(100);
        match self.taste.focus.filter(|_| self.rng.percent(60)).unwrap_or(usual) {
            0..=24 => self.simple(),
            25..=39 if self.taste.blocks => self.block(),
            25..=54 => self.prepared(),
            55..=74 => self.pipeline(),
            75..=80 => self.copy_in(),
            81..=84 => self.portal(),
            85..=89 => self.unnamed(),
            90..=93 => self.state(),
            94..=95 => self.deallocate(),
            96..=97 if self.taste.alters => self.table(),
            96..=98 => self.flushes(),
            _ => self.call(),
        }
    }

    fn query(&mut self, text: &str) {
        encode::query(&mut self.bytes, text.as_bytes());
    }

    /// A text that returns rows or does something, safe anywhere.
    fn text(&mut self) -> String {
        let token = self.fresh();
        match self.rng.below(24) {
            0..=7 => format!("SELECT '{token}'"),
            8..=9 => format!("INSERT INTO t VALUES ('{token}')"),
            10..=11 => {
                let rows = *self.rng.pick(&[0, 1, 3, 40]);
                let times = *self.rng.pick(&[1, 5, 60]);
                format!("SELECT repeat('{token}', {times}) FROM generate_series(1, {rows})")
            }
            12 => format!("SELECT repeat('{token}', 100) FROM generate_series(1, 150)"),
            13..=14 => {
                let ms = *self.rng.pick(&[1, 4, 15]);
                format!("SELECT '{token}' FROM pg_sleep({})", f64::from(ms) / 1000.0)
            }
            15 => "SELECT 1/0".to_owned(),
            16 => format!("DO $$BEGIN RAISE NOTICE '{token}'; END$$"),
            17 => format!("COPY (SELECT '{token}' FROM generate_series(1, 20)) TO STDOUT"),
            18 => String::new(),
            19 => format!("WHOAMI '{token}'"),
            20 => "SHOW TimeZone".to_owned(),
            21 => format!("NOTIFY news, '{token}'"),
            22 => "FLY me to the moon".to_owned(),
            _ => "SHOW application_name".to_owned(),
        }
    }

    fn simple(&mut self) {
        let mut text = self.text();
        while self.rng.percent(20) {
            text = format!("{text}; {}", self.text());
        }
        self.query(&text);
        while self.rng.percent(15) {
            let text = self.text();
            self.query(&text);
        }
    }

    fn block(&mut self) {
        let extended = self.rng.percent(40);
        self.one("BEGIN", extended);
        for _ in 0..self.rng.below(5) {
            let text = match self.rng.below(12) {
                0 => "SAVEPOINT a".to_owned(),
                1 => "ROLLBACK TO SAVEPOINT a".to_owned(),
                2 => format!("SET LOCAL app.x = '{}'", self.fresh()),
                3 => self.setting(),
                4 => {
                    let name = self.fresh();
                    self.one(&format!("DECLARE c{name} CURSOR FOR SELECT '{name}'"), extended);
                    format!("FETCH c{name}")
                }
                _ => self.text(),
            };
            self.one(&text, extended);
            if self.rng.percent(50) {
                self.wait();
            }
        }
        let end = *self.rng.pick(&["COMMIT", "COMMIT", "ROLLBACK", "END"]);
        self.one(end, extended);
    }

    /// One text, in either protocol.
    fn one(&mut self, text: &str, extended: bool) {
        if extended {
            self.parse("", text);
            self.bind("", "", &[]);
            self.execute("", 0);
            encode::sync(&mut self.bytes);
        } else {
            self.query(text);
        }
    }

    fn parse(&mut self, name: &str, text: &str) {
        let mut tail = text.as_bytes().to_vec();
        tail.extend_from_slice(&[0, 0, 0]);
        encode::parse(&mut self.bytes, name.as_bytes(), &tail);
    }

    fn bind(&mut self, portal: &str, name: &str, values: &[&[u8]]) {
        encode::bind_text(&mut self.bytes, portal.as_bytes(), name.as_bytes(), values);
    }

    fn execute(&mut self, portal: &str, rows: i32) {
        encode::execute(&mut self.bytes, portal.as_bytes(), rows);
    }

    /// Texts that several clients share, under names that mean different things to different clients.
    fn prepared(&mut self) {
        let name = format!("s{}", self.rng.below(4));
        let shared = self.rng.below(5);
        match self.rng.below(10) {
            0..=3 => self.parse(&name, "SELECT $1"),
            4 | 5 => self.parse(&name, &format!("SELECT $1 || 'shared{shared}'")),
            _ => {}
        }
        if self.rng.percent(25) {
            encode::describe(&mut self.bytes, Target::Statement, name.as_bytes());
        }
        if self.rng.percent(20) {
            encode::sync(&mut self.bytes);
            if self.rng.percent(50) {
                self.wait();
            }
        }
        let token = self.fresh();
        for _ in 0..self.rng.between(1, 3) {
            self.bind("", &name, &[token.as_bytes()]);
            if self.rng.percent(30) {
                encode::describe(&mut self.bytes, Target::Portal, b"");
            }
            self.execute("", 0);
        }
        if self.rng.percent(20) {
            encode::close(&mut self.bytes, Target::Statement, name.as_bytes());
        }
        encode::sync(&mut self.bytes);
    }

    /// Several batches, some broken, without waiting.
    fn pipeline(&mut self) {
        for _ in 0..self.rng.between(1, 6) {
            for _ in 0..self.rng.below(4) {
                let steps: [Extended; 8] = [
                    |w| {
                        let text = w.text();
                        w.parse("", &text);
                        w.bind("", "", &[]);
                        w.execute("", 0);
                    },
                    |w| {
                        let token = w.fresh();
                        w.parse("", "SELECT $1");
                        w.bind("", "", &[token.as_bytes()]);
                        encode::describe(&mut w.bytes, Target::Portal, b"");
                        w.execute("", 0);
                    },
                    |w| w.bind("", "nowhere", &[]),
                    |w| {
                        let name = format!("u{}", w.rng.below(4));
                        let text = format!("INSERT INTO t VALUES ('{}')", w.fresh());
                        encode::close(&mut w.bytes, Target::Statement, name.as_bytes());
                        w.parse(&name, &text);
                        w.bind("", &name, &[]);
                        w.execute("", 0);
                    },
                    |w| w.parse("u0", "SELECT 'again'"),
                    |w| encode::close(&mut w.bytes, Target::Portal, b"none"),
                    |w| encode::flush(&mut w.bytes),
                    |w| {
                        let name = format!("u{}", w.rng.below(4));
                        encode::describe(&mut w.bytes, Target::Statement, name.as_bytes());
                    },
                ];
                let step = *self.rng.pick(&steps);
                step(self);
            }
            if self.rng.percent(10) {
                let text = self.text();
                self.query(&text);
            }
            encode::sync(&mut self.bytes);
            if self.taste.careful {
                self.wait();
            }
        }
    }

    fn copy_in(&mut self) {
        let extended = self.rng.percent(50);
        if extended {
            self.parse("", "COPY t FROM STDIN");
            self.bind("", "", &[]);
            self.execute("", 0);
            if self.rng.percent(40) {
                // As libpq does: ignored by the server while it copies.
                encode::sync(&mut self.bytes);
            } else {
                encode::flush(&mut self.bytes);
            }
        } else {
            self.query("COPY t FROM STDIN");
        }
        if self.rng.percent(60) {
            self.wait();
        }
        for _ in 0..self.rng.below(4) {
            let token = if self.rng.percent(12) { "BAD".to_owned() } else { self.fresh() };
            super::postgres::session::frame(&mut self.bytes, b'd', format!("{token}\n").as_bytes());
        }
        if self.rng.percent(80) {
            self.bytes.extend_from_slice(encode::COPY_DONE);
        } else {
            encode::copy_fail(&mut self.bytes, b"changed my mind");
        }
        if extended {
            if self.rng.percent(30) {
                encode::flush(&mut self.bytes);
                self.wait();
            }
            if self.rng.percent(25) {
                // In the same batch, where the Sync in front of the data was ignored.
                self.prepared();
            }
            encode::sync(&mut self.bytes);
        }
    }

    fn portal(&mut self) {
        let token = self.fresh();
        let block = self.taste.blocks && self.rng.percent(50);
        if block {
            self.query("BEGIN");
        }
        let rows = self.rng.below(8);
        self.parse("", &format!("SELECT repeat('{token}', 2) FROM generate_series(1, {rows})"));
        self.bind("p", "", &[]);
        for _ in 0..self.rng.between(1, 4) {
            let most = self.rng.between(1, 4) as i32;
            self.execute("p", most);
            if block && self.rng.percent(50) {
                encode::sync(&mut self.bytes);
                self.wait();
            }
        }
        if self.rng.percent(50) {
            encode::close(&mut self.bytes, Target::Portal, b"p");
        }
        encode::sync(&mut self.bytes);
        if block {
            self.query("COMMIT");
        }
    }

    /// The unnamed statement over several batches: replaced, destroyed, used again.
    fn unnamed(&mut self) {
        let token = self.fresh();
        self.parse("", &format!("SELECT '{token}'"));
        if self.rng.percent(60) {
            encode::describe(&mut self.bytes, Target::Statement, b"");
        }
        encode::sync(&mut self.bytes);
        if self.rng.percent(60) {
            self.wait();
        }
        match self.rng.below(6) {
            0 => {
                let text = self.text();
                self.query(&text);
            }
            1 => {
                self.parse("", "FLY me");
                encode::sync(&mut self.bytes);
            }
            2 => {
                encode::close(&mut self.bytes, Target::Statement, b"");
                encode::sync(&mut self.bytes);
            }
            _ => {}
        }
        for _ in 0..self.rng.between(1, 2) {
            self.bind("", "", &[]);
            self.execute("", 0);
            encode::sync(&mut self.bytes);
            if self.rng.percent(50) {
                self.wait();
            }
        }
    }

    /// A setting that follows the client, valid or not.
    fn setting(&mut self) -> String {
        let word = *self.rng.pick(&["SET", "SET", "SET LOCAL"]);
        let word = if self.taste.blocks { word } else { "SET" };
        match self.rng.below(7) {
            0 => format!("{word} TimeZone = 'Zone/{}'", self.token),
            1 => format!("{word} TimeZone TO 'Nowhere/{}'", self.token),
            2 => format!("{word} application_name = '{}'", self.fresh()),
            3 => format!("{word} DateStyle = 'iso'"),
            4 => format!("{word} DateStyle = 'SQL, DMY'"),
            5 => format!("{word} client_encoding = 'utf-8'"),
            _ => format!("{word} client_encoding = 'latin1'"),
        }
    }

    /// Leaves a trace in the session.
    fn state(&mut self) {
        let name = self.fresh();
        let text = match self.rng.below(16) {
            0 => format!("SET app.x = '{name}'"),
            1 => format!("SET ROLE role_{}", self.token),
            2 => format!("CREATE TEMP TABLE temp_{name} (i int)"),
            3 => format!("SELECT pg_advisory_lock({})", self.serial),
            4 => "LISTEN news".to_owned(),
            5 if self.taste.blocks => format!("DECLARE h{name} CURSOR WITH HOLD FOR SELECT '{name}'"),
            6 => format!("PREPARE q{name} AS SELECT '{name}'"),
            7 => format!("SELECT set_config('app.y', '{name}', false)"),
            8 => format!("SET search_path = '{name}'"),
            9 if self.taste.blocks => format!("BEGIN; SET app.z = '{name}'; LISTEN news; COMMIT"),
            10 if !self.taste.own_settings => "RESET ALL".to_owned(),
            11 if !self.taste.own_settings => "DISCARD ALL".to_owned(),
            12 => format!("LISTEN news; NOTIFY news, '{name}'"),
            _ => self.setting(),
        };
        let extended = self.rng.percent(30) && !text.contains(';');
        self.one(&text, extended);
        if self.rng.percent(60) {
            self.wait();
        }
        let token = self.fresh();
        self.query(&format!("WHOAMI '{token}'"));
    }

    fn deallocate(&mut self) {
        if self.rng.percent(20) {
            // A batch without its Sync: a query ends it, too.
            let text = self.text();
            self.parse("", &text);
            self.bind("", "", &[]);
            self.execute("", 0);
            if self.rng.percent(60) {
                encode::flush(&mut self.bytes);
                if self.rng.percent(50) {
                    self.wait();
                }
            }
        }
        let text = match self.rng.below(4) {
            0 => "DEALLOCATE ALL".to_owned(),
            _ => format!("DEALLOCATE s{}", self.rng.below(4)),
        };
        if self.rng.percent(20) {
            // In one batch with what comes behind it.
            self.parse("", &text);
            self.bind("", "", &[]);
            self.execute("", 0);
            self.prepared();
        } else if self.rng.percent(10) {
            let token = self.fresh();
            self.query(&format!("SELECT '{token}'; DEALLOCATE ALL"));
        } else if self.taste.blocks && self.rng.percent(30) {
            self.query("BEGIN");
            self.query(&text);
            self.query("COMMIT");
        } else {
            self.query(&text);
        }
    }

    /// What an ALTER TABLE breaks, and a driver that heals by preparing again.
    fn table(&mut self) {
        if self.rng.percent(40) {
            self.query("ALTER TABLE t ADD COLUMN c int");
            return self.wait();
        }
        let text = format!("SELECT 'table{}', * FROM t LIMIT 0", self.rng.below(2));
        let name = format!("t{}", self.rng.below(2));
        encode::close(&mut self.bytes, Target::Statement, name.as_bytes());
        self.parse(&name, &text);
        encode::sync(&mut self.bytes);
        self.wait();
        for _ in 0..self.rng.between(1, 3) {
            self.bind("", &name, &[]);
            self.execute("", 0);
            encode::sync(&mut self.bytes);
            self.wait();
        }
    }

    fn flushes(&mut self) {
        let token = self.fresh();
        self.parse("", &format!("SELECT '{token}'"));
        encode::flush(&mut self.bytes);
        self.wait();
        self.bind("", "", &[]);
        encode::flush(&mut self.bytes);
        if self.rng.percent(50) {
            self.wait();
        }
        self.execute("", 0);
        encode::flush(&mut self.bytes);
        self.wait();
        encode::sync(&mut self.bytes);
    }

    fn call(&mut self) {
        let mut body = 1234u32.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 0, 0, 0, 0, 1]);
        super::postgres::session::frame(&mut self.bytes, b'F', &body);
    }
}
