//! The way to a session: hosts in order, TLS or not, and what is left when the server is full.

use std::time::{Duration, Instant};

use tls::Try;
use tokio::time::timeout;
use wire::auth::secret::Password;

use super::dial::{Secrecy, dial};
use super::login::{Entry, LoginError};
use super::{AskError, ConnectError, Connection, Endpoint, Full, ServerError, Way};
use crate::settings::{Host, Settings, TargetSession};

/// Pause before the second round for a slot; later ones grow to [`PAUSE_MAX`]. A round dials twice at most, so a second
/// never sees more than two dials.
const PAUSE: Duration = Duration::from_millis(1000);
const PAUSE_MAX: Duration = Duration::from_millis(3000);

/// Logs in by the first way that works. `application` is what `pg_stat_activity` shall call us where the settings say
/// nothing. Where the server is full, a walsender's slot is tried, and then a free slot waited for as long as
/// `settings.wait_slot` says. Dropping the future or the connection closes the socket.
///
/// # Errors
/// See [`ConnectError`]; of several hosts, all their errors.
pub async fn open(settings: &Settings, application: &str) -> Result<Connection, ConnectError> {
    let begun = Instant::now();
    let mut first: Option<ServerError> = None;
    let mut pause = PAUSE;
    loop {
        let (place, mut full) = match round(settings, application).await {
            Err(ConnectError::Full { place, full }) => (place, full),
            Err(error) => return Err(error),
            Ok(mut connection) => {
                if let (Way::Ordinary, Some(refused)) = (&connection.way, first) {
                    connection.way = Way::Waited { refused, waited: begun.elapsed() };
                }
                return Ok(connection);
            }
        };
        first.get_or_insert_with(|| full.error.clone());
        let left = settings.wait_slot.unwrap_or_default().saturating_sub(begun.elapsed());
        if left.is_zero() {
            full.waited = begun.elapsed();
            return Err(ConnectError::Full { place, full });
        }
        tokio::time::sleep(jittered(pause).min(left)).await;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
    }
}

/// A pause and up to half of it more, so that many who wait do not come at once.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause + pause * (random % 512) / 1024
}

/// Each host once.
async fn round(settings: &Settings, application: &str) -> Result<Connection, ConnectError> {
    let mut order: Vec<usize> = (0..settings.hosts.len()).collect();
    if settings.shuffled {
        order.sort_by_cached_key(|_| getrandom::u32().unwrap_or_default());
    }
    let passes: &[TargetSession] = match settings.target {
        TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
        TargetSession::Any
        | TargetSession::ReadWrite
        | TargetSession::ReadOnly
        | TargetSession::Primary
        | TargetSession::Standby => std::slice::from_ref(&settings.target),
    };
    let mut errors = Vec::new();
    for &target in passes {
        errors.clear();
        for &index in &order {
            match one(settings, index, target, application).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.tries_next_host() => errors.push(error),
                Err(error) => return Err(error),
            }
        }
    }
    match errors.len() {
        1 => Err(errors.remove(0)),
        _ => Err(ConnectError::Several(errors)),
    }
}

/// One host: as everybody, and where it is full, as a walsender.
async fn one(
    settings: &Settings,
    index: usize,
    target: TargetSession,
    application: &str,
) -> Result<Connection, ConnectError> {
    let host = &settings.hosts[index];
    let place = host.endpoint.to_string();
    let password = settings.password.as_ref().or(settings.filed.get(index).and_then(Option::as_ref));
    let attempt = Attempt { settings, host, password, application };
    let error = match attempt.within(false, target).await {
        Err(ConnectError::Refused { error, .. }) if error.is_full() => error,
        done => return done,
    };
    match attempt.within(true, target).await {
        Ok(mut connection) => {
            connection.way = Way::Walsender { refused: error };
            Ok(connection)
        }
        Err(ConnectError::Refused { error: walsender, .. }) => {
            let full = Full { error, walsender: Some(walsender.message), waited: Duration::ZERO };
            Err(ConnectError::Full { place, full })
        }
        Err(other) => {
            let full = Full { error, walsender: Some(other.to_string()), waited: Duration::ZERO };
            Err(ConnectError::Full { place, full })
        }
    }
}

/// Everything that one login needs.
struct Attempt<'a> {
    settings: &'a Settings,
    host: &'a Host,
    password: Option<&'a Password>,
    application: &'a str,
}

impl Attempt<'_> {
    async fn within(&self, walsender: bool, target: TargetSession) -> Result<Connection, ConnectError> {
        let after = self.settings.timeout;
        match timeout(after, self.enter(walsender, target)).await {
            Ok(done) => done,
            Err(_) => Err(ConnectError::TimedOut { place: self.host.endpoint.to_string(), after }),
        }
    }

    /// With and without TLS, as the mode says.
    async fn enter(&self, walsender: bool, target: TargetSession) -> Result<Connection, ConnectError> {
        let tries = match &self.host.endpoint {
            Endpoint::Unix(_) => &[Try::Plain],
            Endpoint::Tcp(..) => self.settings.tls.mode.tries(),
        };
        let mut first: Option<ConnectError> = None;
        for &how in tries {
            let error = match self.once(how, walsender).await {
                Ok(mut connection) => {
                    return match fits(&mut connection, target).await {
                        Ok(true) => Ok(connection),
                        Ok(false) => {
                            let place = connection.place().to_owned();
                            connection.close().await;
                            Err(ConnectError::OtherSession { place, wanted: target })
                        }
                        Err(error) => Err(ConnectError::of_ask(connection.place(), error)),
                    };
                }
                Err(error) => error,
            };
            match first {
                // What the second way says counts where it got further than the first.
                Some(first) if error.is_about_the_channel() => return Err(first),
                Some(_) => return Err(error),
                None if error.is_about_the_channel() => first = Some(error),
                None => return Err(error),
            }
        }
        Err(first.unwrap_or(ConnectError::Several(Vec::new())))
    }

    async fn once(&self, how: Try, walsender: bool) -> Result<Connection, ConnectError> {
        let Self { settings, host, password, application } = *self;
        let secrecy = Secrecy { options: &settings.tls, name: host.name.as_deref() };
        let entry = Entry {
            user: &settings.user,
            dbname: &settings.dbname,
            application: settings.application.as_deref().unwrap_or(application),
            options: settings.options.as_deref(),
            walsender,
            password,
            channel_binding: settings.channel_binding,
            require_auth: &settings.require_auth,
            looked: &settings.looked,
        };
        session(&host.endpoint, how, secrecy, entry, settings.timeout).await
    }
}

/// Dials and logs in, once.
async fn session(
    endpoint: &Endpoint,
    how: Try,
    secrecy: Secrecy<'_>,
    entry: Entry<'_>,
    patience: Duration,
) -> Result<Connection, ConnectError> {
    let place = endpoint.to_string();
    let dialled = dial(endpoint, how, secrecy).await.map_err(|error| ConnectError::of_dial(&place, error))?;
    let mut connection = Connection::fresh(dialled, &place, patience);
    match connection.start(entry).await {
        Ok(()) => Ok(connection),
        Err(LoginError::Ask(error)) => Err(ConnectError::of_ask(&place, error)),
        Err(LoginError::PasswordMissing) => {
            let (user, looked) = (entry.user.to_owned(), entry.looked.to_vec());
            Err(ConnectError::PasswordMissing { place, user, looked })
        }
        Err(LoginError::Distrusted { why, fix }) => Err(ConnectError::Distrusted { place, why, fix }),
    }
}

/// Whether the session is of the wanted kind. Since version 14 the server says so by itself.
async fn fits(connection: &mut Connection, target: TargetSession) -> Result<bool, AskError> {
    if target == TargetSession::Any {
        return Ok(true);
    }
    let on = |name: &str| connection.parameter(name).map(|value| value == "on");
    let (standby, read_only) = match (on("in_hot_standby"), on("default_transaction_read_only")) {
        (Some(standby), Some(read_only)) => (standby, standby || read_only),
        _ => {
            let sql = "SELECT pg_catalog.pg_is_in_recovery() AS standby, \
                       current_setting('transaction_read_only') = 'on' AS read_only";
            let answers = connection.ask(sql).await?;
            let row = answers.first().ok_or_else(|| AskError::Shape("no answer".into()))?.only()?;
            (row.flag("standby")?, row.flag("read_only")?)
        }
    };
    Ok(match target {
        TargetSession::Any | TargetSession::PreferStandby => true,
        TargetSession::ReadWrite => !read_only,
        TargetSession::ReadOnly => read_only,
        TargetSession::Primary => !standby,
        TargetSession::Standby => standby,
    })
}
