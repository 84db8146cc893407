//! Plays one scenario against one address.

use std::collections::BTreeMap;
use std::time::Duration;

use testbed::{Address, Batch, Client, Error, Postgres};

use crate::script::{Activity, How, Scenario, Secret, Step, Until, Who};
use crate::transcript::Transcript;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// A conversation as it went.
#[derive(Debug, Clone)]
pub struct Played {
    /// What was said.
    pub transcript: Transcript,
    /// Why it stopped before its end, if it did.
    pub broke: Option<String>,
    /// `sees` lines that were not seen.
    pub unseen: Vec<String>,
}

/// Plays a scenario; `postgres` is the server behind `address`, perhaps at once.
pub fn play(scenario: &Scenario, address: &Address, postgres: &Postgres) -> Played {
    let mut stage = Stage {
        address,
        postgres,
        clients: BTreeMap::new(),
        transcript: Transcript::default(),
        unseen: Vec::new(),
    };
    let mut broke = None;
    for (line, step) in &scenario.steps {
        if let Err(error) = stage.step(step) {
            broke = Some(format!("line {line}: {error}"));
            break;
        }
    }
    stage.leave();
    Played { transcript: stage.transcript, broke, unseen: stage.unseen }
}

struct Stage<'a> {
    address: &'a Address,
    postgres: &'a Postgres,
    clients: BTreeMap<Who, Client>,
    transcript: Transcript,
    unseen: Vec<String>,
}

impl Stage<'_> {
    fn step(&mut self, step: &Step) -> testbed::Result<()> {
        match step {
            Step::Connect(who) => self.connect(*who),
            Step::Startup(who, login) => {
                self.connect(*who)?;
                self.client(*who)?.send(&login.packet())?;
                self.read(*who, Until::Tag(b'Z', 1))
            }
            Step::Send(who, bytes, how) => self.send(*who, bytes, *how),
            Step::Read(who, until) => self.read(*who, *until),
            Step::Cancel(who, secret) => self.cancel(*who, *secret),
            Step::Drop(who) => {
                self.clients.remove(who);
                Ok(())
            }
            Step::ShutWriting(who) => self.client(*who)?.shut_writing(),
            Step::Sees(who, text) => {
                if !self.transcript.of(*who).iter().any(|line| line.contains(text.as_str())) {
                    self.unseen.push(format!("{who} never sees {text}"));
                }
                Ok(())
            }
            Step::Wait(activity, text) => self.wait(*activity, text),
            Step::Admin(sql) => self.postgres.run("conform", sql).map(drop),
        }
    }

    fn connect(&mut self, who: Who) -> testbed::Result<()> {
        let mut client = Client::connect(self.address)?;
        client.patience(PATIENCE);
        self.clients.insert(who, client);
        Ok(())
    }

    fn client(&mut self, who: Who) -> testbed::Result<&mut Client> {
        self.clients.get_mut(&who).ok_or_else(|| Error::Protocol(format!("client {who} is not there")))
    }

    /// A peer that has closed is found out by the next read.
    fn send(&mut self, who: Who, bytes: &[u8], how: How) -> testbed::Result<()> {
        let client = self.client(who)?;
        let sent = match how {
            How::Whole => client.send_bytes(bytes),
            How::Cut(kept) => client.send_bytes(&bytes[..kept.min(bytes.len())]),
            How::Dribbled => bytes.iter().try_for_each(|byte| {
                std::thread::sleep(Duration::from_micros(200));
                client.send_bytes(&[*byte])
            }),
        };
        match sent {
            Err(Error::Io { .. }) | Ok(()) => Ok(()),
            Err(other) => Err(other),
        }
    }

    fn read(&mut self, who: Who, until: Until) -> testbed::Result<()> {
        match until {
            // An error may stand in the place of the byte.
            Until::Byte if self.client(who)?.peek_byte()? == Some(b'E') => {
                self.hear(who, "an error", PATIENCE).map(drop)
            }
            Until::Byte => {
                let byte = self.client(who)?.read_byte()?;
                let line = byte.map_or("eof".to_owned(), |byte| format!("byte {}", byte.escape_ascii()));
                self.transcript.note(who, &line);
                Ok(())
            }
            Until::Quiet(span) => match self.hear(who, "nothing", span) {
                Err(Error::Late { .. }) => Ok(()),
                Ok(_) => Err(Error::Protocol("nothing should have come".to_owned())),
                Err(other) => Err(other),
            },
            Until::Eof => {
                while self.hear(who, "the end", PATIENCE)?.is_some() {}
                Ok(())
            }
            Until::Raw => {
                let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = self.client(who)?.read_some(&mut buffer) {
                    bytes.extend_from_slice(&buffer[..read]);
                }
                self.transcript.note(who, &format!("raw {}", bytes.escape_ascii()));
                Ok(())
            }
            Until::TagWithout(tag, other) => loop {
                let what = format!("message {:?}", char::from(tag));
                let message = self.client(who)?.read(&what)?;
                if message.tag != other {
                    self.transcript.hear(who, &message);
                }
                if message.tag == tag {
                    return Ok(());
                }
            },
            Until::Tag(tag, times) => {
                let mut seen = 0;
                while seen < times {
                    let what = format!("message {:?}, {seen} of {times} seen", char::from(tag));
                    match self.hear(who, &what, PATIENCE)? {
                        Some(heard) if heard == tag => seen += 1,
                        Some(_) => {}
                        None => return Err(Error::Closed { waiting_for: what }),
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes the next message, or the end, down; its tag, or `None` at the end.
    fn hear(&mut self, who: Who, waiting_for: &str, patience: Duration) -> testbed::Result<Option<u8>> {
        match self.client(who)?.read_within(waiting_for, patience)? {
            Some(message) => {
                self.transcript.hear(who, &message);
                Ok(Some(message.tag))
            }
            None => {
                self.transcript.note(who, "eof");
                Ok(None)
            }
        }
    }

    fn cancel(&mut self, who: Who, secret: Secret) -> testbed::Result<()> {
        let client = self.client(who)?;
        if secret == Secret::Right {
            return client.cancel();
        }
        let mut key = client.key().cloned().ok_or_else(|| Error::Protocol("no key yet".to_owned()))?;
        for byte in &mut key.secret {
            *byte = !*byte;
        }
        testbed::client::cancel(self.address, &key)
    }

    fn wait(&self, activity: Activity, text: &str) -> testbed::Result<()> {
        let mut admin = self.postgres.admin("postgres")?;
        let sql = format!(
            "select count(*) > 0 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() \
             and strpos(query, '{}') > 0",
            text.replace('\'', "''")
        );
        let wanted = if activity == Activity::Active { "t" } else { "f" };
        testbed::wait::until(&format!("{activity:?} {text}"), PATIENCE, || {
            Ok((admin.value(&sql)? == wanted).then_some(()))
        })
    }

    /// Everybody who is still there says good-bye; what they then still hear is written down.
    fn leave(&mut self) {
        let here: Vec<Who> = self.clients.keys().copied().collect();
        for who in here {
            let _ = self.send(who, Batch::new().terminate().bytes(), How::Whole);
            loop {
                match self.client(who).and_then(|client| client.read_within("the end", PATIENCE)) {
                    Ok(Some(message)) => self.transcript.hear(who, &message),
                    Ok(None) => break,
                    Err(error) => {
                        self.transcript.note(who, &format!("no end: {error}"));
                        break;
                    }
                }
            }
            self.clients.remove(&who);
        }
    }
}
