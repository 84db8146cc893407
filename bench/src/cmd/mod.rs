//! The measurements, one file each.

pub(crate) mod agreement;
pub(crate) mod callgrind;
pub(crate) mod cpu;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod plan;
pub(crate) mod syscalls;
pub(crate) mod tail;
pub(crate) mod watch;

use anyhow::Context;

use crate::arena::contestant::Running;
use crate::load::fleet::Fleet;
use crate::load::script::Protocol;

/// What every fleet asks.
const TEXT: &str = "select 1";

/// A fleet before a proxy; when that fails, the proxy's own words explain it.
fn fleet(proxy: &Running, clients: usize, protocol: Protocol) -> anyhow::Result<Fleet> {
    Fleet::login(&proxy.target(), clients, protocol, TEXT).with_context(|| {
        format!("{clients} clients before {}; its log ends:\n{}", proxy.name, proxy.log_tail())
    })
}
