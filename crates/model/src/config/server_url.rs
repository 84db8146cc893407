//! `postgres://user:password@host:port/dbname`: a configuration in one line.

use std::sync::Arc;

use super::checked::{AuthType, Config, Database, Host, SecretText, Server, User};
use super::value::{Given, Refused, Typed};

/// The name of the one server that such a configuration has.
pub const SERVER: &str = "main";

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerUrl {
    /// Host name, address or socket directory.
    pub host: Host,
    /// Port.
    pub port: u16,
    /// Role, on both sides of the proxy.
    pub user: Arc<str>,
    /// Its password, on both sides; none where the server trusts the role.
    pub password: Option<SecretText>,
    /// Database.
    pub dbname: Arc<str>,
}

/// Reads a URL. What is refused never quotes the URL: it holds a password.
///
/// # Errors
/// The first part that can't be honoured.
pub fn parse(url: &str) -> Result<ServerUrl, Refused> {
    let rest =
        url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")).ok_or_else(|| {
            Refused::new("this is not a server's URL", "write postgres://USER:PASSWORD@HOST:PORT/DBNAME")
        })?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
    let mut parts = Parts {
        host: String::new(),
        port: String::new(),
        user: decode(user)?,
        password: password.map(decode).transpose()?.unwrap_or_default(),
        dbname: decode(path)?,
    };
    parts.address(address)?;
    parts.query(query)?;
    parts.finish()
}

struct Parts {
    host: String,
    port: String,
    user: String,
    password: String,
    dbname: String,
}

impl Parts {
    /// `host`, `host:port`, `[::1]:port`, or nothing.
    fn address(&mut self, address: &str) -> Result<(), Refused> {
        let (host, port) = match address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
            None => address.rsplit_once(':').unwrap_or((address, "")),
        };
        self.host = decode(host)?;
        self.port = port.to_owned();
        Ok(())
    }

    /// Parameters behind the question mark.
    fn query(&mut self, query: &str) -> Result<(), Refused> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match key {
                "host" | "hostaddr" => self.host = value,
                "port" => self.port = value,
                "user" => self.user = value,
                "password" => self.password = value,
                "dbname" => self.dbname = value,
                "sslmode" if matches!(value.as_str(), "require" | "verify-ca" | "verify-full") => {
                    return Err(Refused::new(
                        format!("sslmode={value} is not built yet: TLS on connections to servers"),
                        "take it out where the way to the server is safe, or wait for a version that has TLS",
                    ));
                }
                // These change how a client behaves, not where it goes.
                "sslmode"
                | "application_name"
                | "connect_timeout"
                | "client_encoding"
                | "gssencmode"
                | "fallback_application_name"
                | "keepalives"
                | "keepalives_idle"
                | "keepalives_interval"
                | "keepalives_count"
                | "tcp_user_timeout" => {}
                other => {
                    let fix = "take it out; user, password, host, port, dbname and sslmode are understood";
                    return Err(Refused::new(format!("the URL's parameter {other} is not understood"), fix));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<ServerUrl, Refused> {
        if self.user.is_empty() {
            return Err(Refused::new(
                "the URL names no user",
                "write postgres://USER:PASSWORD@HOST:PORT/DBNAME",
            ));
        }
        let host = if self.host.is_empty() { "127.0.0.1".to_owned() } else { self.host };
        let port = match self.port.as_str() {
            "" => 5432,
            text => text.parse().ok().filter(|&port| port > 0).ok_or_else(|| {
                Refused::new("the URL's port is not a port", "write a number from 1 to 65535 behind the host")
            })?,
        };
        let dbname = if self.dbname.is_empty() { &self.user } else { &self.dbname };
        Ok(ServerUrl {
            host: Host::read(&Given::Word(host))?,
            port,
            dbname: dbname.as_str().into(),
            user: self.user.into(),
            password: Some(self.password).filter(|word| !word.is_empty()).map(SecretText::new),
        })
    }
}

/// Undoes `%41`.
fn decode(text: &str) -> Result<String, Refused> {
    let refused = || {
        Refused::new(
            "the URL has a % that is not followed by two hexadecimal digits",
            "write %25 for a percent sign itself",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or_else(refused);
        let (high, low) = (digit()?, digit()?);
        bytes.push((high * 16 + low) as u8);
    }
    let decoded =
        String::from_utf8(bytes).map_err(|_| Refused::new("the URL is not UTF-8", "encode it as UTF-8"))?;
    if decoded.contains('\0') {
        return Err(Refused::new(
            "the URL contains a zero byte",
            "leave %00 out: the protocol can't carry it",
        ));
    }
    Ok(decoded)
}

impl ServerUrl {
    /// A configuration that serves this database for this user, with this password on both sides. The user may also use
    /// the console. Without a password the login is `trust`, which the checks allow on loopback only.
    pub fn to_config(&self) -> Config {
        let mut config = Config::default();
        let server = Server::with_defaults(SERVER.into());
        config.add_server(Server { host: self.host.clone(), port: self.port, ..server });
        let database = Database::with_defaults(self.dbname.clone());
        config.add_database(Database { server: SERVER.into(), ..database });
        let user = User::with_defaults(self.user.clone());
        config.add_user(User { password: self.password.clone(), ..user });
        config.admin.admin_users = vec![self.user.clone()];
        if self.password.is_none() {
            config.proxy.auth_type = AuthType::Trust;
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_url_arrives() {
        let url = parse("postgres://al%40ice:p%3Aw%40rd@db.internal:5433/shop?application_name=x").unwrap();
        assert_eq!(url.host, Host::Name("db.internal".into()));
        assert_eq!((url.port, &*url.user, &*url.dbname), (5433, "al@ice", "shop"));
        assert_eq!(url.password.unwrap().expose(), "p:w@rd");
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let url = parse("postgresql://alice@/").unwrap();
        assert_eq!((url.host, url.port, &*url.dbname), (Host::Ip([127, 0, 0, 1].into()), 5432, "alice"));
        let url = parse("postgres://alice@[::1]/x").unwrap();
        assert_eq!(url.host, Host::Ip("::1".parse().unwrap()));
        let url = parse("postgres://alice@/x?host=/run/postgresql&port=6000").unwrap();
        assert_eq!((url.host, url.port), (Host::Unix("/run/postgresql".into()), 6000));
    }

    #[test]
    fn a_refusal_never_quotes_the_password() {
        for url in [
            "mysql://a:geheim@h/d",
            "postgres://:geheim@h/d",
            "postgres://a:geheim@h:port/d",
            "postgres://a:geheim%zz@h/d",
            "postgres://a:geheim@h/d?sslmode=require",
            "postgres://a:geheim@h/d?foo=bar",
            "postgres://a:geheim@h,i/d",
        ] {
            let refused = parse(url).unwrap_err();
            assert!(!format!("{refused:?}").contains("geheim"), "{refused:?}");
        }
    }
}
