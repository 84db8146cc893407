//! `connwarden proxy`: loads the configuration, makes the checks of a start, and hands over to the proxy.

use std::process::ExitCode;
use std::sync::Arc;

use ::proxy::control::Manners;
use ::proxy::life::RunOptions;
use model::config::checked::Config;

use crate::cli::ProxyOptions;
use crate::config::{Given, Refusal};
use crate::exit::Exit;
use crate::say;

/// `proxy`.
pub(crate) fn run(options: ProxyOptions) -> Exit {
    let ProxyOptions { config, server, ready_file, settings, help: _ } = options;
    let given = Given::proxy(config, server, settings.given());
    let loaded = match given.load() {
        Ok(loaded) => loaded,
        Err(refusal) => return refusal.say(),
    };
    for warning in &loaded.warnings {
        say::err(&loaded.source.describe("warning", warning));
    }
    match privileges(&loaded.config) {
        Privileges::Fine => {}
        Privileges::RootOfContainer => {
            say::err("warning: running as root; name a user in [proxy] or in the container")
        }
        Privileges::Root => {
            let text = "error: the proxy does not run as root\n  \
                        = start it as another user, or name one to become: user = \"nobody\" in [proxy], --set user=nobody";
            return Refusal::File(text.into()).say();
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let how = RunOptions { ready_file, version: format!("connwarden {version}") };
    let reload = move || match given.load() {
        Ok(loaded) => Ok(Arc::new(loaded.config)),
        Err(refusal) => Err(refusal.to_string()),
    };
    let manners = Manners::own(version, Box::new(reload));
    let code =
        ::proxy::life::run(Arc::new(loaded.config), &how, |seat| ::proxy::control::start(seat, manners));
    if code == ExitCode::SUCCESS { Exit::Done } else { Exit::Nothing }
}

/// Whether the process has more rights than it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Privileges {
    Fine,
    RootOfContainer,
    Root,
}

fn privileges(config: &Config) -> Privileges {
    let root = rustix::process::geteuid().is_root();
    let first = rustix::process::getpid() == rustix::process::Pid::INIT;
    match (root && config.proxy.user.is_none(), first) {
        (false, _) => Privileges::Fine,
        (true, true) => Privileges::RootOfContainer,
        (true, false) => Privileges::Root,
    }
}
