//! What a unit may use.

use super::UNREADABLE;
use super::unit::{Unit, Value};
use crate::read::findings::Findings;
use crate::read::quantity;
use crate::{Container, Finding, Number};

/// Puts `MemoryMax` and `CPUQuota` into a container.
pub(super) fn put(container: &mut Container, unit: &Unit, findings: &mut Findings) {
    if let Some(value) = unit.last("MemoryMax").or_else(|| unit.last("MemoryLimit")) {
        let text = value.text.trim();
        // A part of a machine's memory, which no file shows, or no limit at all.
        let open = text == "infinity" || text.ends_with('%');
        match quantity::bytes(text) {
            Some(bytes) if !text.to_ascii_lowercase().ends_with('b') => {
                container.memory_bytes_max = Some((bytes, value.place(0)));
            }
            _ if open => {}
            _ => wrong(
                value,
                "MemoryMax is no size of memory",
                "write a number with a unit: MemoryMax=512M",
                findings,
            ),
        }
    }
    if let Some(value) = unit.last("CPUQuota") {
        // Ten thousandths of a processor are one percent.
        match value.text.trim().strip_suffix('%').and_then(|percent| quantity::scaled(percent, 10.0)) {
            Some(millis) => {
                let millis = u32::try_from(millis).unwrap_or(u32::MAX);
                container.cpu_millis_max = Some(Number::written(millis, &value.place(0)));
            }
            None => wrong(
                value,
                "CPUQuota is no percentage",
                "write percent of one processor: CPUQuota=150%",
                findings,
            ),
        }
    }
}

fn wrong(value: &Value, message: &str, fix: &'static str, findings: &mut Findings) {
    findings.push(Finding::at(&UNREADABLE, &value.place(0), message, fix));
}
