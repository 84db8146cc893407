//! Clients that vanished: how long they keep their slots.

use std::time::Duration;

use model::preset::{Keepalives, Preset};

use super::{Evidence, Outcome, Severity, no_value, span_setting};
use crate::catalog::{Client, Source};
use crate::form::span;

/// Longer than this, a vanished client's slot is missed.
const PATIENCE_MAX: Duration = Duration::from_secs(20 * 60);
const CHECK: &str = "10s";

/// `tcp_keepalives_*`. Nobody's setting shows as 0 on a unix socket and as the kernel's value on TCP; only the source
/// tells.
pub(super) fn keepalives(evidence: &Evidence) -> Outcome {
    let setup = &evidence.setup;
    if setup.word("listen_addresses") == Some("") {
        return Outcome::Fine("the server does not listen on TCP".to_owned());
    }
    let given = |name: &str, default: u64| -> Option<u64> {
        let setting = setup.value(name)?;
        let value: u64 = setting.value.parse().ok()?;
        Some(if setting.source == Source::Default || value == 0 { default } else { value })
    };
    let kernel = Keepalives::LINUX;
    let (Some(idle), Some(interval), Some(count)) = (
        given("tcp_keepalives_idle", kernel.idle.as_secs()),
        given("tcp_keepalives_interval", kernel.interval.as_secs()),
        given("tcp_keepalives_count", u64::from(kernel.count)),
    ) else {
        return no_value(evidence, "tcp_keepalives_idle", 0);
    };
    let patience = Duration::from_secs(idle + interval * count);
    let what = format!(
        "a client that vanishes without a goodbye keeps its slot for {} ({idle} s, then {count} probes {interval} s apart)",
        span(patience.as_secs_f64())
    );
    let Some(wanted) = Preset::Production.server().keepalives else { return Outcome::Fine(what) };
    if patience <= PATIENCE_MAX {
        return Outcome::Fine(what);
    }
    let remote = evidence.sample.slot_holders().filter(|s| matches!(s.client, Client::Address(..))).count();
    Outcome::advised(
        Severity::Warning,
        what,
        format!(
            "a crashed host, a firewall that forgot the connection, a suspended function: their sessions stay, idle or \
             in transaction. {remote} of the sessions now came over the network. The new values find out in {}",
            span(wanted.patience().as_secs_f64())
        ),
        vec![
            evidence.set("tcp_keepalives_idle", wanted.idle.as_secs().to_string()),
            evidence.set("tcp_keepalives_interval", wanted.interval.as_secs().to_string()),
            evidence.set("tcp_keepalives_count", wanted.count.to_string()),
        ],
    )
}

/// `client_connection_check_interval`, since 14.
pub(super) fn connection_check(evidence: &Evidence) -> Outcome {
    const NAME: &str = "client_connection_check_interval";
    let Some(millis) = evidence.setup.millis(NAME) else { return no_value(evidence, NAME, 14) };
    if millis > 0 {
        return Outcome::Fine(format!(
            "a statement whose client is gone ends within {}",
            span_setting(Duration::from_millis(millis))
        ));
    }
    Outcome::advised(
        Severity::Advice,
        "client_connection_check_interval is 0: a statement runs to its end even when its client is gone",
        "applications that time out and try again leave their old statements running: the slots fill with work that \
         nobody waits for. The check is one system call at each interval; the server must run on Linux, macOS or a BSD",
        vec![evidence.set(NAME, CHECK)],
    )
}
