//! `connwarden proxy`: loads the configuration, makes the checks of a start, and hands over to the proxy.

use model::config::checked::Config;

use crate::cli::ProxyOptions;
use crate::config::{Given, Refusal};
use crate::exit::Exit;
use crate::say;

/// `proxy`.
pub(crate) fn run(options: ProxyOptions) -> Exit {
    let ProxyOptions { config, server, ready_file, settings } = options;
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
    let how = proxy::life::RunOptions { ready_file, version: env!("CARGO_PKG_VERSION").into() };
    let code = proxy::life::run(std::sync::Arc::new(loaded.config), &how, control);
    if code == std::process::ExitCode::SUCCESS { Exit::Done } else { Exit::Nothing }
}

fn control(seat: proxy::life::Seat) -> std::io::Result<proxy::life::Started> {
    use engine::steward::{Answer, Command, Shutdown, Stage, Steward, StewardInput, StewardOutputs};
    use engine::time::Now;
    use proxy::mail::{Letter, StewardLetter, Wish};
    let thread = std::thread::spawn(move || {
        let mut steward = Steward::new([7; 32], seat.workers.len() as u16, seat.config.clone());
        let mut out = StewardOutputs::default();
        loop {
            let now = || Now(seat.epoch.elapsed().as_micros() as u64);
            let wait = steward.wake().since(now());
            let input = match seat.letters.recv_timeout(wait) {
                Ok(StewardLetter::Note(worker, note)) => StewardInput::Note(worker, note),
                Ok(StewardLetter::Wish(Wish::LeaveNow)) => {
                    StewardInput::Command(model::id::Ticket(0), Command::Shutdown(Shutdown::Now))
                }
                Ok(StewardLetter::Wish(_)) => {
                    StewardInput::Command(model::id::Ticket(0), Command::Shutdown(Shutdown::Drain))
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => StewardInput::Tick,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            };
            steward.on(now(), input, &mut out);
            for (worker, order) in out.orders.drain(..) {
                seat.workers[usize::from(worker.0)].send(Letter::Order(order));
            }
            let _: Vec<(_, Answer)> = out.answers.drain(..).collect();
            out.clear();
            if matches!(steward.stage(), Stage::Finished) {
                return;
            }
        }
    });
    Ok(proxy::life::Started { console: proxy::mail::ConsoleDoor::new(|_| {}), thread, metrics: None })
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
