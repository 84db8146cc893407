//! A raw, blocking client of the protocol, version 3.

pub mod batch;
mod message;
mod stream;

use std::time::{Duration, Instant};

pub use message::{Message, Reader};
pub use stream::Address;

use crate::error::{Doing, Error, Result};
use batch::Batch;
use stream::Stream;

/// How a session begins.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// The minor version of protocol 3.
    pub minor: u16,
    /// What the startup packet says, in this order.
    pub parameters: Vec<(String, String)>,
    /// Sent when the server asks for it in clear.
    pub password: Option<String>,
}

impl Login {
    /// A user and a database, protocol 3.0.
    pub fn new(user: &str, database: &str) -> Self {
        Self::default().with("user", user).with("database", database)
    }

    /// One more startup parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks for protocol 3.`minor`.
    pub fn minor(mut self, minor: u16) -> Self {
        self.minor = minor;
        self
    }

    /// The startup packet.
    pub fn packet(&self) -> Batch {
        Batch::new().startup(3, self.minor, &self.parameters)
    }
}

/// What cancels a session's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The process id, or what stands for it.
    pub pid: u32,
    /// Four bytes in protocol 3.0, up to 256 in 3.2.
    pub secret: Vec<u8>,
}

/// A connection, and perhaps a session.
#[derive(Debug)]
pub struct Client {
    address: Address,
    stream: Stream,
    kept: Vec<u8>,
    key: Option<Key>,
    patience: Duration,
}

impl Client {
    /// Opens a connection and sends nothing.
    pub fn connect(address: &Address) -> Result<Self> {
        let stream = Stream::open(address)?;
        Ok(Self {
            address: address.clone(),
            stream,
            kept: Vec::new(),
            key: None,
            patience: crate::wait::PATIENCE,
        })
    }

    /// Opens a session and reads up to its first ReadyForQuery.
    pub fn login(address: &Address, login: &Login) -> Result<Self> {
        Self::greet(address, login).map(|(client, _)| client)
    }

    /// As [`Self::login`], with all that the server said.
    pub fn greet(address: &Address, login: &Login) -> Result<(Self, Vec<Message>)> {
        let mut client = Self::connect(address)?;
        client.send(&login.packet())?;
        let mut said = Vec::new();
        loop {
            let message = client.read("the end of the login")?;
            if let Some(refusal) = message.refusal() {
                return Err(refusal);
            }
            if message.tag == b'R' && message.reader().u32() == 3 {
                let password = login.password.clone().unwrap_or_default();
                client.send(&Batch::new().password(&password))?;
            }
            let ready = message.tag == b'Z';
            said.push(message);
            if ready {
                return Ok((client, said));
            }
        }
    }

    /// How long a read waits before it fails.
    pub fn patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// What cancels this session's query, once the server gave it.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Sends messages in one write.
    pub fn send(&mut self, batch: &Batch) -> Result<()> {
        self.send_bytes(batch.bytes())
    }

    /// Sends bytes in one write.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write(bytes).doing("sending")
    }

    /// The next message; an end of the stream or of the patience is an error.
    pub fn read(&mut self, waiting_for: &str) -> Result<Message> {
        let patience = self.patience;
        self.read_within(waiting_for, patience)?
            .ok_or_else(|| Error::Closed { waiting_for: waiting_for.to_owned() })
    }

    /// The next message within a time; `None` when the server closed the connection.
    pub fn read_within(&mut self, waiting_for: &str, patience: Duration) -> Result<Option<Message>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(message) = message::take(&mut self.kept)? {
                if message.tag == b'K' {
                    let mut reader = message.reader();
                    self.key = Some(Key { pid: reader.u32(), secret: reader.rest().to_vec() });
                }
                return Ok(Some(message));
            }
            if self.fill(waiting_for, patience, deadline)? == 0 {
                return match self.kept.is_empty() {
                    true => Ok(None),
                    false => {
                        Err(Error::Protocol(format!("closed inside a message: {:02x?}", first(&self.kept))))
                    }
                };
            }
        }
    }

    /// The next byte, which stays to be read; `None` when the server closed the connection.
    pub fn peek_byte(&mut self) -> Result<Option<u8>> {
        let deadline = Instant::now() + self.patience;
        while self.kept.is_empty() {
            if self.fill("one byte", self.patience, deadline)? == 0 {
                return Ok(None);
            }
        }
        Ok(self.kept.first().copied())
    }

    /// One byte, the answer to SSLRequest; `None` when the server closed the connection.
    pub fn read_byte(&mut self) -> Result<Option<u8>> {
        let byte = self.peek_byte()?;
        if byte.is_some() {
            self.kept.remove(0);
        }
        Ok(byte)
    }

    /// Reads at most `buffer.len()` bytes past all framing; 0 at the end of the stream.
    pub fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if !self.kept.is_empty() {
            let taken = self.kept.len().min(buffer.len());
            buffer[..taken].copy_from_slice(&self.kept[..taken]);
            self.kept.drain(..taken);
            return Ok(taken);
        }
        self.stream.read(buffer, self.patience).doing("reading")
    }

    fn fill(&mut self, waiting_for: &str, patience: Duration, deadline: Instant) -> Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        let late = || Error::Late { what: waiting_for.to_owned(), waited: patience, last: String::new() };
        if left.is_zero() {
            return Err(late());
        }
        let mut buffer = [0; 65_536];
        match self.stream.read(&mut buffer, left) {
            Ok(read) => {
                self.kept.extend_from_slice(&buffer[..read]);
                Ok(read)
            }
            Err(error) if stream::is_timeout(&error) => Err(late()),
            // A reset is an end; whether it is one or the other depends on what was unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(0),
            Err(error) => Err(error).doing(format!("waiting for {waiting_for}")),
        }
    }

    /// All messages up to and including one with this tag.
    pub fn until(&mut self, tag: u8) -> Result<Vec<Message>> {
        let waiting_for = format!("message {:?}", char::from(tag));
        let mut said = Vec::new();
        loop {
            said.push(self.read(&waiting_for)?);
            if said.last().is_some_and(|message| message.tag == tag) {
                return Ok(said);
            }
        }
    }

    /// Runs one simple query; its rows, or its first error once the server is ready again.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.send(&Batch::new().query(sql))?;
        self.rows()
    }

    /// The rows up to ReadyForQuery, or the first error among them.
    pub fn rows(&mut self) -> Result<Vec<Vec<Option<String>>>> {
        let mut rows = Vec::new();
        let mut refusal = None;
        loop {
            let message = match self.read("ReadyForQuery") {
                // A FATAL is followed by the end; the reason is worth more than the end.
                Err(Error::Closed { .. }) if refusal.is_some() => {
                    return Err(refusal.unwrap_or(Error::Closed { waiting_for: String::new() }));
                }
                other => other?,
            };
            match message.tag {
                b'D' => rows.push(message.texts()),
                b'E' => refusal = refusal.or(message.refusal()),
                b'Z' => return refusal.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// The first column of the first row of one simple query.
    pub fn value(&mut self, sql: &str) -> Result<String> {
        let rows = self.query(sql)?;
        let value = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        value.ok_or_else(|| Error::Protocol(format!("no value from {sql}")))
    }

    /// Cancels what this session runs, over a second connection, and waits for that one's end.
    pub fn cancel(&self) -> Result<()> {
        let key = self.key.clone().unwrap_or(Key { pid: 0, secret: vec![0; 4] });
        cancel(&self.address, &key)
    }

    /// Says good-bye and closes.
    pub fn terminate(mut self) -> Result<()> {
        self.send(&Batch::new().terminate())
    }

    /// Closes the sending half only.
    pub fn shut_writing(&self) -> Result<()> {
        self.stream.shut_writing().doing("closing the sending half")
    }
}

/// Sends a CancelRequest and waits until the other side closes: only then it is delivered.
pub fn cancel(address: &Address, key: &Key) -> Result<()> {
    let mut other = Client::connect(address)?;
    other.send(&Batch::new().cancel(key.pid, &key.secret))?;
    match other.read_byte()? {
        None => Ok(()),
        Some(byte) => Err(Error::Protocol(format!("a cancel was answered with {byte:#x}"))),
    }
}

fn first(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(32)]
}
