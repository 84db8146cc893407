//! Where to dial, in which order. Manual: "Specifying Multiple Hosts".

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::SettingsError;
use super::words::Words;
use crate::connect::Endpoint;

/// Directories of the unix socket: Debian's and others', then PostgreSQL's own.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
/// PostgreSQL's port.
const PORT: u16 = 5432;

/// A place to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name that was asked for, whom a certificate has to be made out to; an address is one too.
    pub name: Option<String>,
    /// Where that is.
    pub endpoint: Endpoint,
    /// What the password file knows the place by.
    pub(super) known_as: String,
    pub(super) port: u16,
}

/// All places, at least one.
pub(super) fn read(words: &Words, environment: &dyn Environment) -> Result<Vec<Host>, SettingsError> {
    let list = |keyword: &str| -> Vec<&str> {
        words.text(keyword).map(|text| text.split(',').collect()).unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        let problem = format!("{} hosts and {} addresses in hostaddr", names.len(), addresses.len());
        return Err(words.refused("hostaddr", problem, "one hostaddr for each host"));
    }
    let count = names.len().max(addresses.len()).max(1);
    if ports.len() > 1 && ports.len() != count {
        let problem = format!("{} ports and {count} hosts", ports.len());
        return Err(words.refused("port", problem, "one port for all hosts, or one for each"));
    }
    let at = |list: &[&str], index: usize| {
        list.get(index).copied().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    (0..count)
        .map(|index| {
            let port = port(words, ports.get(if ports.len() == 1 { 0 } else { index }).copied())?;
            place(words, at(&names, index), at(&addresses, index), port, environment)
        })
        .collect()
}

fn port(words: &Words, text: Option<&str>) -> Result<u16, SettingsError> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(PORT);
    }
    // Not quoted: in a URL with a / in the password, this is the password.
    text.parse().ok().filter(|&port| port > 0).ok_or_else(|| {
        let expected = "a number from 1 to 65535; in a URL, write : / @ inside a password as %3A %2F %40";
        words.refused("port", "the port is not a number from 1 to 65535", expected)
    })
}

fn place(
    words: &Words,
    name: Option<String>,
    address: Option<String>,
    port: u16,
    environment: &dyn Environment,
) -> Result<Host, SettingsError> {
    if let Some(address) = address {
        let good: Result<IpAddr, _> = address.parse();
        if good.is_err() {
            return Err(words.refused(
                "hostaddr",
                "hostaddr is not an address",
                "an IPv4 or IPv6 address, or host=NAME",
            ));
        }
        let known_as = name.clone().unwrap_or_else(|| address.clone());
        return Ok(Host { name, endpoint: Endpoint::Tcp(address, port), known_as, port });
    }
    let dir = match &name {
        Some(name) if name.starts_with('/') => Some(name.clone()),
        Some(name) if name.starts_with('@') => {
            let expected = "host=/DIRECTORY or a host name";
            return Err(words.refused("host", "abstract unix sockets are not supported", expected));
        }
        Some(_) => None,
        None => socket_dir(port, environment),
    };
    Ok(match (dir, name) {
        (Some(dir), name) => {
            let usual = name.is_none() || SOCKET_DIRS.first() == Some(&dir.as_str());
            let known_as = if usual { "localhost".to_owned() } else { dir.clone() };
            Host { name: None, endpoint: Endpoint::Unix(socket(&dir, port)), known_as, port }
        }
        (None, name) => {
            let name = name.unwrap_or_else(|| "localhost".into());
            Host {
                endpoint: Endpoint::Tcp(name.clone(), port),
                known_as: name.clone(),
                name: Some(name),
                port,
            }
        }
    })
}

fn socket(dir: &str, port: u16) -> PathBuf {
    Path::new(dir).join(format!(".s.PGSQL.{port}"))
}

/// The usual directory that has the socket, else the first that is there.
fn socket_dir(port: u16, environment: &dyn Environment) -> Option<String> {
    let with_socket = SOCKET_DIRS.into_iter().find(|dir| environment.exists(&socket(dir, port)));
    let there = || SOCKET_DIRS.into_iter().find(|dir| environment.exists(Path::new(dir)));
    with_socket.or_else(there).map(str::to_owned)
}
