//! What Linux tells about a process: CPU time, resident memory; and about this machine.

use std::fs;

use anyhow::{Context, anyhow};
use serde::Serialize;

/// CPU time that a process has used, all threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct CpuTime {
    /// From the scheduler, of the threads alive now.
    pub(crate) ns: u64,
    /// utime + stime of the process in clock ticks (10 ms): coarse, but dead threads count. Kept as a witness.
    pub(crate) ticks: u64,
}

impl CpuTime {
    /// The CPU time used so far by `pid`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let folder = format!("/proc/{pid}/task");
        let mut ns = 0;
        for task in fs::read_dir(&folder).with_context(|| format!("process {pid} is gone"))? {
            // A thread may end between being listed and being read.
            if let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) {
                ns += first_number(&text).context("schedstat is not a number")?;
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Ok(Self { ns, ticks: ticks(&stat).context("/proc/PID/stat has another form")? })
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { ns: self.ns.saturating_sub(earlier.ns), ticks: self.ticks.saturating_sub(earlier.ticks) }
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15; the name in field 2 may hold spaces and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Resident memory of `pid` in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    resident_in(&status).ok_or_else(|| anyhow!("/proc/{pid}/status has no VmRSS"))
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(first_number(line)? * 1024)
}

/// What a reader of figures must know about the machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    pub(crate) kernel: String,
    /// 1, 5 and 15 minutes, at the start: above zero, somebody else was working.
    pub(crate) load_average: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let cpu = cpuinfo.lines().find(|line| line.starts_with("model name"));
        Self {
            cpu: cpu.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned(),
            cpus: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_an_evil_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 100 1 2";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
    }

    #[test]
    fn our_own_cpu_time_grows() {
        let before = CpuTime::of(std::process::id()).unwrap();
        let mut sum = 0u64;
        while CpuTime::of(std::process::id()).unwrap().since(before).ns < 1_000_000 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
    }
}
