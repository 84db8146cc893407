//! A client that speaks through a door which does for the login what a worker and its shell would do.

mod proof;
mod startup;

use model::config::checked::{Admin, AuthType, Config, Database, FALLBACK, User};
use rand_core::SeedableRng;
use wire::auth::scram::client::{self, Challenged, Credential};
use wire::auth::scram::{MECHANISM, NONCE_BYTES, Verifier, derive};
use wire::backend::Authentication;
use wire::encode::{self, Version};
use wire::frame::{HEADER, peek};

use super::*;

const OWN_UID: u32 = 1000;
/// select 'md5' || md5('secret' || 'md5')
const MD5: &str = "md55d80d273267dec78b5d118f9cae7cd26";

/// Users by what is stored of them, all with the password `secret`: `plain`, `md5`, `scram`; `none` has none. `wall` is
/// the only database.
fn config(auth_type: AuthType) -> Config {
    let mut config = Config::for_tests();
    config.proxy.auth_type = auth_type;
    config.proxy.scram_iterations = 7;
    let any = config.databases.remove(FALLBACK).expect("it is there");
    config.add_database(Database { name: "wall".into(), ..(*any).clone() });
    config.users.clear();
    let verifier = Verifier::of(&derive(b"secret", b"a stored salt...", 7), b"a stored salt...", 7);
    for (name, secret) in [
        ("md5", MD5.to_owned()),
        ("none", String::new()),
        ("plain", "secret".to_owned()),
        ("scram", verifier.stored_text().to_string()),
    ] {
        let password = (!secret.is_empty()).then(|| SecretText::new(secret));
        config.add_user(User { password, ..User::with_defaults(name.into()) });
    }
    config.admin = Admin { admin_users: vec!["plain".into()], stats_users: vec!["scram".into()] };
    config
}

/// The other side of one login.
struct Door {
    login: Login,
    config: Arc<Config>,
    rng: ChaCha8Rng,
    keys: Keys,
    tally: WorkerTally,
    /// Bytes the shell keeps.
    kept: Vec<u8>,
    /// Everything sent to the client and not yet read by it.
    sent: Vec<u8>,
    /// Everything ever sent to the client.
    log: Vec<u8>,
    /// Slow steps done.
    slow: u32,
    /// Bytes offered at a time.
    chunk: usize,
    own_uid: u32,
}

impl Door {
    fn new(config: Config) -> Self {
        Self::at(config, Peer::Ip([127, 0, 0, 1].into(), 5))
    }

    fn at(config: Config, peer: Peer) -> Self {
        Self {
            login: Login::new(peer),
            config: Arc::new(config),
            rng: ChaCha8Rng::from_seed([3; 32]),
            keys: Keys::new([7; 32]),
            tally: WorkerTally::default(),
            kept: Vec::new(),
            sent: Vec::new(),
            log: Vec::new(),
            slow: 0,
            chunk: usize::MAX,
            own_uid: OWN_UID,
        }
    }

    /// Another client of the same worker.
    fn next_client(&mut self) {
        self.login = Login::new(Peer::Ip([127, 0, 0, 1].into(), 6));
        self.kept.clear();
        self.sent.clear();
        self.log.clear();
        self.slow = 0;
    }

    /// The client sends; the last thing the login wanted.
    fn say(&mut self, bytes: &[u8]) -> LoginStep {
        let mut last = None;
        for part in bytes.chunks(self.chunk) {
            self.kept.extend_from_slice(part);
            last = Some(self.offer());
            if !matches!(last, Some(LoginStep::Need(_))) {
                break;
            }
        }
        last.expect("something was said")
    }

    fn offer(&mut self) -> LoginStep {
        let bytes = mem::take(&mut self.kept);
        let mut send = Vec::new();
        let (used, mut step) = self.with(|login, cx| login.on_bytes(cx, &bytes, &mut send));
        self.kept = bytes[used..].to_vec();
        if let LoginStep::Derive { password, salt, iterations } = &step {
            assert!(matches!(
                self.with(|login, cx| login.on_bytes(cx, b"p", &mut send)),
                (0, LoginStep::Wait)
            ));
            self.slow += 1;
            let salted = *derive(password.expose().as_bytes(), salt, *iterations).bytes();
            step = self.with(|login, cx| login.on_derived(cx, salted, &mut send));
        }
        if let LoginStep::Need(Then::AtLeast(bytes)) = step {
            assert!(bytes > self.kept.len(), "it has what it waits for");
        }
        self.sent.extend_from_slice(&send);
        self.log.extend_from_slice(&send);
        step
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Login, LoginCx<'_>) -> T) -> T {
        let cx = LoginCx {
            config: &self.config,
            rng: &mut self.rng,
            keys: &mut self.keys,
            tally: &mut self.tally,
            own_uid: self.own_uid,
        };
        act(&mut self.login, cx)
    }

    /// The client reads one message.
    fn hear(&mut self) -> (u8, Vec<u8>) {
        let header = peek(&self.sent, 1 << 20).expect("a length").expect("a message");
        let rest = self.sent.split_off(header.total());
        let message = mem::replace(&mut self.sent, rest);
        (header.tag, message[HEADER..].to_vec())
    }

    /// What the client is asked for: one of `R`.
    fn asked(&mut self) -> Vec<u8> {
        let (tag, body) = self.hear();
        assert_eq!(tag, b'R');
        body
    }

    /// A whole login as a driver would do it.
    fn log_in(&mut self, user: &str, database: &str, password: &str) -> LoginStep {
        let step = self.say(&packet(0, &[("user", user), ("database", database)]));
        if !matches!(step, LoginStep::Need(_)) {
            return step;
        }
        let request = self.asked();
        let mut out = Vec::new();
        match Authentication::parse(&request).expect("it is well formed") {
            Authentication::CleartextPassword => encode::password(&mut out, password.as_bytes()),
            Authentication::Md5 { salt } => {
                let hash = wire::auth::md5::Md5Hash::of(user.as_bytes(), password.as_bytes());
                encode::password(&mut out, &hash.answer(salt));
            }
            Authentication::Sasl { .. } => return self.scram(password),
            other => panic!("no client knows {other:?}"),
        }
        self.say(&out)
    }

    /// SCRAM, by the client's role.
    fn scram(&mut self, password: &str) -> LoginStep {
        let (client, first) = client::start(Credential::Password, &[1; NONCE_BYTES]);
        let mut out = Vec::new();
        encode::sasl_initial(&mut out, MECHANISM, &first);
        let step = self.say(&out);
        assert!(matches!(step, LoginStep::Need(_)), "{step:?}");
        let request = self.asked();
        let Some(Authentication::SaslContinue(challenge)) = Authentication::parse(&request) else {
            panic!("no challenge");
        };
        let Ok(Challenged::NeedsDerive(client)) = client.server_first(challenge) else {
            panic!("bad challenge")
        };
        let keys = derive(password.as_bytes(), client.salt(), client.iterations()).keys();
        let (client, proof) = client.derived(&keys);
        out.clear();
        encode::sasl_response(&mut out, &proof);
        let step = self.say(&out);
        if matches!(step, LoginStep::Proven(_) | LoginStep::Console(..)) {
            let request = self.asked();
            let Some(Authentication::SaslFinal(last)) = Authentication::parse(&request) else {
                panic!("no last word");
            };
            assert_eq!(client.server_final(last), Ok(()));
        }
        step
    }
}

fn packet(minor: u16, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let pairs = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    encode::startup(&mut out, Version { major: 3, minor }, pairs);
    out
}

#[track_caller]
fn proven(step: LoginStep) -> Proven {
    match step {
        LoginStep::Proven(proven) => *proven,
        other => panic!("not proven: {other:?}"),
    }
}

#[track_caller]
fn refusal(step: LoginStep) -> Refusal {
    match step {
        LoginStep::Refuse(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn wrong_password(user: &str) -> Refusal {
    Refusal::WrongPassword { user: user.into() }
}
