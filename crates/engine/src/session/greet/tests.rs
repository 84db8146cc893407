//! A server that says what a test wants it to say, and a line that does what a worker and its shell would do.

mod logins;
mod mistakes;

use model::config::checked::{Config, Database, FALLBACK};
use rand_core::SeedableRng;
use wire::auth::md5::Md5Hash;
use wire::auth::scram::server::ClientFirst;
use wire::auth::scram::{MECHANISM, NONCE_BYTES, Verifier, derive};
use wire::encode::ErrorText;
use wire::frame::peek;
use wire::sqlstate::SqlState;
use wire::startup::First;

use super::*;

/// select 'md5' || md5('secret' || 'app')
const MD5_OF_APP: &str = "md56a422f785c9e20873908ce25d1736ae2";
const SALT: &[u8] = b"a server's salt.";

fn verifier(password: &[u8], salt: &[u8]) -> Verifier {
    Verifier::of(&derive(password, salt, 7), salt, 7)
}

fn secret(text: &str) -> Option<SecretText> {
    Some(SecretText::new(text.into()))
}

/// One connection to a server; role `app`, database `wall`.
struct Line {
    greet: Greet,
    settings: PoolSettings,
    client_key: Option<[u8; 32]>,
    rng: ChaCha8Rng,
    keys: Keys,
    kept: Vec<u8>,
    /// What was sent to the server and not yet read by it.
    sent: Vec<u8>,
    slow: u32,
    chunk: usize,
}

impl Line {
    fn new(secret: Option<SecretText>) -> Self {
        let mut settings = Config::for_tests().pool("wall", "app").expect("it is there");
        settings.login.secret = secret;
        Self::of(settings, Replication::No)
    }

    fn of(settings: PoolSettings, replication: Replication) -> Self {
        let mut line = Self {
            greet: Greet { state: State::Over },
            settings,
            client_key: None,
            rng: ChaCha8Rng::from_seed([3; 32]),
            keys: Keys::new([7; 32]),
            kept: Vec::new(),
            sent: Vec::new(),
            slow: 0,
            chunk: usize::MAX,
        };
        line.dial(replication);
        line
    }

    /// Begins anew.
    fn dial(&mut self, replication: Replication) {
        let key = PoolKey { database: "elsewhere".into(), user: "somebody".into(), replication };
        let mut send = Vec::new();
        self.greet = self.with(|_, cx| Greet::start(cx, &key, &mut send));
        self.kept.clear();
        self.sent = send;
        self.slow = 0;
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Greet, GreetCx<'_>) -> T) -> T {
        let cx = GreetCx {
            settings: &self.settings,
            client_key: self.client_key,
            rng: &mut self.rng,
            keys: &mut self.keys,
        };
        act(&mut self.greet, cx)
    }

    /// The server sends what `write` appends.
    fn say(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> GreetStep {
        let mut bytes = Vec::new();
        write(&mut bytes);
        let mut last = None;
        for part in bytes.chunks(self.chunk) {
            self.kept.extend_from_slice(part);
            last = Some(self.offer());
            if !matches!(last, Some(GreetStep::Need(_))) {
                break;
            }
        }
        last.expect("something was said")
    }

    fn offer(&mut self) -> GreetStep {
        let bytes = mem::take(&mut self.kept);
        let mut send = Vec::new();
        let (used, mut step) = self.with(|greet, cx| greet.on_bytes(cx, &bytes, &mut send));
        self.kept = bytes[used..].to_vec();
        if let GreetStep::Derive { password, salt, iterations } = &step {
            assert!(matches!(
                self.with(|greet, cx| greet.on_bytes(cx, b"R", &mut send)),
                (0, GreetStep::Wait)
            ));
            self.slow += 1;
            let salted = *derive(password.expose().as_bytes(), salt, *iterations).bytes();
            step = self.with(|greet, cx| greet.on_derived(cx, salted, &mut send));
        }
        if let GreetStep::Need(Then::AtLeast(bytes)) = step {
            assert!(bytes > self.kept.len(), "it has what it waits for");
        }
        self.sent.extend_from_slice(&send);
        step
    }

    /// The server reads the startup packet.
    fn startup(&mut self) -> Vec<(String, String)> {
        let packet = mem::take(&mut self.sent);
        let First::Startup(startup) = First::read(&packet).expect("it is well formed") else {
            panic!("no startup packet");
        };
        assert_eq!((startup.minor, startup.options), (0, None));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut pairs = vec![
            ("user".to_owned(), text(startup.user)),
            ("database".to_owned(), text(startup.database)),
            ("replication".to_owned(), format!("{:?}", startup.replication)),
        ];
        pairs.extend(startup.settings.iter().map(|(name, value)| (text(name), text(value))));
        pairs
    }

    /// The server reads an answer: the body of one `p`, and nothing else.
    fn answer(&mut self) -> Vec<u8> {
        let sent = mem::take(&mut self.sent);
        let header = peek(&sent, 1 << 20).expect("a length").expect("a message");
        assert_eq!((header.tag, header.total()), (b'p', sent.len()));
        sent[HEADER..].to_vec()
    }

    /// The server asks for SCRAM and runs its side of it up to the client's proof: whether that is right, with what the
    /// server then says.
    fn scram(&mut self, stored: &Verifier) -> Result<Vec<u8>, GreetStep> {
        self.startup();
        self.need(|out| encode::auth_sasl(out, &["SCRAM-SHA-256-PLUS", MECHANISM]))?;
        let first = self.answer();
        let first = first.strip_prefix(b"SCRAM-SHA-256\0").expect("the mechanism")[4..].to_vec();
        let first = ClientFirst::read(&first).expect("it is well formed");
        let (server, challenge) = first.challenge(stored.clone(), &[2; NONCE_BYTES]);
        self.need(|out| encode::auth_sasl_continue(out, &challenge))?;
        let proof = self.answer();
        Ok(server.client_final(&proof).map(|proven| proven.server_final).unwrap_or_default())
    }

    fn need(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), GreetStep> {
        match self.say(write) {
            GreetStep::Need(_) => Ok(()),
            other => Err(other),
        }
    }

    /// AuthenticationOk and all that follows.
    fn welcome(&mut self) -> Box<Welcome> {
        ready(self.say(|out| {
            encode::auth_ok(out);
            welcoming(out);
        }))
    }
}

/// What a PostgreSQL says once it has let somebody in.
fn welcoming(out: &mut Vec<u8>) {
    encode::parameter_status(out, b"TimeZone", b"UTC");
    encode::parameter_status(out, b"server_version", b"15.4");
    encode::parameter_status(out, b"TimeZone", b"CET");
    encode::backend_key(out, 77, b"abcd");
    encode::ready(out, wire::backend::TxStatus::Idle);
}

fn failing(code: SqlState, message: &str) -> impl FnOnce(&mut Vec<u8>) {
    let message = message.to_owned();
    move |out| {
        let text = ErrorText { severity: "FATAL", code, message: &message, detail: None, hint: None };
        encode::error(out, &text);
    }
}

#[track_caller]
fn ready(step: GreetStep) -> Box<Welcome> {
    match step {
        GreetStep::Ready(welcome) => welcome,
        other => panic!("not ready: {other:?}"),
    }
}

#[track_caller]
fn refusal(step: GreetStep) -> DialRefusal {
    match step {
        GreetStep::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn complaint(step: GreetStep) -> String {
    match refusal(step) {
        DialRefusal::Credentials(text) => text.into(),
        other => panic!("another refusal: {other:?}"),
    }
}
