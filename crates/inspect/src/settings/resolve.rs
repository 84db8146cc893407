//! From all that was said to one set of settings.

use std::path::PathBuf;
use std::time::Duration;

use tls::{Certificate, Mode, Root};
use wire::auth::secret::Password;
use zeroize::Zeroizing;

use super::dsn::{self, Unknown};
use super::environment::Environment;
use super::error::{Origin, SettingsError};
use super::hosts::{self, Host};
use super::keyword::{KEYWORDS, Use};
use super::passfile;
use super::typed::{ChannelBinding, RequireAuth, TargetSession};
use super::words::Words;
use super::{is_dsn, service};

/// How long a login may take where nobody says anything.
const TIMEOUT: Duration = Duration::from_secs(5);
/// No limit, as good as.
const FOREVER: Duration = Duration::from_secs(24 * 3600);

/// A connection string and what it is called where it was given: `--dsn`, `[target.prod] dsn`.
#[derive(Clone, Debug)]
pub struct Dsn {
    /// The string.
    pub text: Password,
    /// Its name in messages.
    pub name: String,
}

impl Dsn {
    /// A string, and what messages call it.
    pub fn new(text: &str, name: impl Into<String>) -> Self {
        Self { text: Password::new(text), name: name.into() }
    }
}

/// What the caller was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Options: keyword, value, and how the option is written.
    pub flags: Vec<(&'static str, String, &'static str)>,
    /// A connection string, or the name of a database.
    pub dsn: Option<Dsn>,
    /// How long a login may take, per host; wins over `connect_timeout`.
    pub timeout: Option<Duration>,
    /// How long to wait for a slot of a full server.
    pub wait_slot: Option<Duration>,
}

/// Which server, as whom, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to dial, in this order.
    pub hosts: Vec<Host>,
    /// Dial them in any order (`load_balance_hosts=random`).
    pub shuffled: bool,
    /// The role.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// The password that was given, for all hosts.
    pub password: Option<Password>,
    /// Passwords of the password file, one for each host.
    pub filed: Vec<Option<Password>>,
    /// Where a password was looked for, in words.
    pub looked: Vec<String>,
    /// TLS, for hosts that are not a unix socket.
    pub tls: tls::Options,
    /// What a server has to be like.
    pub target: TargetSession,
    /// SCRAM and TLS.
    pub channel_binding: ChannelBinding,
    /// What a server may ask for.
    pub require_auth: RequireAuth,
    /// Options for the server's command line.
    pub options: Option<String>,
    /// What `pg_stat_activity` shall call us, where somebody said so.
    pub application: Option<String>,
    /// How long a login may take, per host, and how long an answer.
    pub timeout: Duration,
    /// How long to wait for a slot of a full server.
    pub wait_slot: Option<Duration>,
    /// Where the password was given, if it was.
    pub password_from: Option<Origin>,
    /// What is not as it should be, though it does not hinder.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Puts everything together.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn resolve(request: &Request, environment: &dyn Environment) -> Result<Self, SettingsError> {
        let mut warnings = Vec::new();
        let words = words(request, environment, &mut warnings)?;
        words.refuse_unoffered()?;
        let user = match words.text("user").map(str::to_owned).or_else(|| environment.user()) {
            Some(user) => user,
            None => {
                return Err(words.refused(
                    "user",
                    "no role is given and this user has no name",
                    "--username ROLE",
                ));
            }
        };
        let dbname = words.text("dbname").unwrap_or(&user).to_owned();
        let hosts = hosts::read(&words, environment)?;
        let password = words.text("password").map(|text| Password::new(text.as_bytes()));
        let mut looked = vec!["the DSN".to_owned(), "$PGPASSWORD".to_owned()];
        let mut filed = vec![None; hosts.len()];
        if password.is_none() {
            let file = passfile::read(&words, environment, &hosts, &user, &dbname);
            filed = file.passwords;
            looked.extend(file.looked);
            warnings.extend(file.warning);
        }
        Ok(Self {
            shuffled: words.choice("load_balance_hosts", &[("disable", false), ("random", true)], false)?,
            tls: tls(&words, environment, &mut warnings)?,
            target: words.choice("target_session_attrs", &TargetSession::WORDS, TargetSession::Any)?,
            channel_binding: words.choice(
                "channel_binding",
                &ChannelBinding::WORDS,
                ChannelBinding::Prefer,
            )?,
            require_auth: RequireAuth::read(&words)?,
            options: words.text("options").map(str::to_owned),
            application: words
                .text("application_name")
                .or_else(|| words.text("fallback_application_name"))
                .map(str::to_owned),
            timeout: timeout(&words, request.timeout)?,
            wait_slot: request.wait_slot,
            password_from: password.is_some().then(|| words.origin("password").clone()),
            hosts,
            user,
            dbname,
            password,
            filed,
            looked,
            warnings,
        })
    }
}

/// Everybody's words, in the order of their weight.
fn words(
    request: &Request,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<Words, SettingsError> {
    let mut words = Words::default();
    for (keyword, value, flag) in &request.flags {
        words.fill(keyword, Zeroizing::new(value.clone()), &Origin::Flag(flag));
    }
    match &request.dsn {
        Some(dsn) => {
            let origin = Origin::Dsn(dsn.name.clone());
            let text = String::from_utf8_lossy(dsn.text.reveal());
            if is_dsn(&text) || dsn::is_foreign(&text) {
                string(&mut words, &text, Unknown::Refuse, &origin)?;
            } else {
                words.fill("dbname", Zeroizing::new(text.into_owned()), &origin);
            }
        }
        None => database_url(&mut words, environment, warnings)?,
    }
    let variable = |name: &str| environment.variable(name).filter(|value| !value.is_empty());
    if !words.has("service")
        && let Some(name) = variable("PGSERVICE")
    {
        words.fill("service", Zeroizing::new(name), &Origin::Variable("PGSERVICE"));
    }
    if let Some(name) = words.text("service").map(str::to_owned) {
        let asked_by = words.origin("service").clone();
        service::fill(&mut words, &name, &asked_by, environment)?;
    }
    for keyword in KEYWORDS.iter().filter(|keyword| keyword.becomes != Use::Idle) {
        if let Some(name) = keyword.variable
            && let Some(value) = variable(name)
        {
            words.fill(keyword.name, Zeroizing::new(value), &Origin::Variable(name));
        }
    }
    Ok(words)
}

/// Takes a connection string. Its password is its user's: an option that names somebody else does not get it.
fn string(words: &mut Words, text: &str, unknown: Unknown, origin: &Origin) -> Result<(), SettingsError> {
    let mut own = Words::default();
    let pairs = dsn::parse(text, unknown, origin)?;
    // Within one string, the last one counts.
    for (keyword, value) in pairs.into_iter().rev() {
        own.fill(keyword, value, origin);
    }
    let other = words.text("user").is_some_and(|user| own.text("user").is_some_and(|own| own != user));
    if other {
        own.forget("password");
    }
    for keyword in KEYWORDS.iter().filter(|keyword| own.has(keyword.name)) {
        let value = own.text(keyword.name).unwrap_or_default().to_owned();
        words.fill(keyword.name, Zeroizing::new(value), origin);
    }
    Ok(())
}

/// `$DATABASE_URL`, where nothing else says which server. Applications put parameters of their own into it.
fn database_url(
    words: &mut Words,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<(), SettingsError> {
    const NAME: &str = "DATABASE_URL";
    let set = |name: &str| environment.variable(name).is_some_and(|value| !value.is_empty());
    let said = ["host", "hostaddr", "service"].iter().any(|keyword| words.has(keyword))
        || ["PGHOST", "PGHOSTADDR", "PGSERVICE"].iter().any(|name| set(name));
    let Some(url) = environment.variable(NAME).filter(|url| !said && !url.is_empty()) else { return Ok(()) };
    if !is_dsn(&url) || dsn::is_foreign(&url) {
        warnings.push(format!("${NAME} is not PostgreSQL's; it is not used"));
        return Ok(());
    }
    string(words, &url, Unknown::PassOver, &Origin::Variable(NAME))
}

fn timeout(words: &Words, given: Option<Duration>) -> Result<Duration, SettingsError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let Some(text) = words.text("connect_timeout") else { return Ok(TIMEOUT) };
    match text.trim().parse::<i64>() {
        Ok(seconds) => {
            Ok(u64::try_from(seconds).ok().filter(|&s| s > 0).map_or(FOREVER, Duration::from_secs))
        }
        Err(_) => {
            Err(words.refused("connect_timeout", "connect_timeout is not a number of seconds", "like 5"))
        }
    }
}

fn tls(
    words: &Words,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<tls::Options, SettingsError> {
    let system = words.text("sslrootcert") == Some("system");
    let modes = Mode::ALL.map(|mode| (mode.word(), mode));
    let default = if system { Mode::VerifyFull } else { Mode::Prefer };
    let mode = words.choice("sslmode", &modes, default)?;
    if system && mode != Mode::VerifyFull {
        let problem =
            format!("sslmode={mode} is too weak for sslrootcert=system: anybody can get such a certificate");
        return Err(words.refused("sslmode", problem, "sslmode=verify-full"));
    }
    let direct = words.choice("sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
    if direct && !mode.insists() {
        let problem = format!("sslmode={mode} is too weak for sslnegotiation=direct");
        return Err(words.refused("sslnegotiation", problem, "sslmode=require, verify-ca or verify-full"));
    }
    let versions = [("TLSv1", false), ("TLSv1.1", false), ("TLSv1.2", false), ("TLSv1.3", true)];
    let newest_only = words.choice("ssl_min_protocol_version", &versions, false)?;
    // `require` would have to fail where the server asks for no certificate, which is not seen here.
    let shown = words.choice("sslcertmode", &[("disable", false), ("allow", true)], true)?;
    let usual = |name: &str| environment.home().map(|home| home.join(".postgresql").join(name));
    let file = |keyword: &str, name: &str| words.text(keyword).map(PathBuf::from).or_else(|| usual(name));
    let root = match file("sslrootcert", "root.crt") {
        _ if system => Root::System,
        Some(path) => Root::File(path),
        None => Root::Nobody,
    };
    let certificate = match (file("sslcert", "postgresql.crt"), file("sslkey", "postgresql.key")) {
        (Some(certificate), Some(key)) if shown => Some(Certificate { certificate, key }),
        _ => None,
    };
    let missing = certificate.as_ref().filter(|own| !environment.exists(&own.certificate));
    if let Some(own) = missing.filter(|_| matches!(words.origin("sslcert"), Origin::Dsn(_))) {
        warnings.push(format!("the client certificate {} does not exist", own.certificate.display()));
    }
    Ok(tls::Options { mode, root, certificate, direct, newest_only })
}
