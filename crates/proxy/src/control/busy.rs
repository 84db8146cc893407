//! How busy the workers are, as the kernel counts it: what the steward weighs their pools by.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hub::Hub;

/// What "of late" means.
const PERIOD: Duration = Duration::from_secs(5);
/// The kernel's clock for users: proc(5), `sysconf(_SC_CLK_TCK)`; 100 on every architecture that Linux has this on.
const TICKS_PER_SECOND: u64 = 100;
const TASKS: &str = "/proc/self/task";

/// Tells the steward every few seconds. Where the kernel does not say, pools are placed by number, as before the first
/// word.
pub(super) async fn watch(hub: Arc<Hub>) {
    let workers = hub.workers();
    let mut clock = tokio::time::interval(PERIOD);
    let mut before: Option<(Instant, Vec<u64>)> = None;
    if workers < 2 {
        return;
    }
    loop {
        clock.tick().await;
        let now = used(Path::new(TASKS), workers).map(|ticks| (Instant::now(), ticks));
        if let (Some((since, old)), Some((at, new))) = (&before, &now) {
            hub.busy(busy(old, new, at.duration_since(*since)));
        }
        before = now;
    }
}

/// Processor time of each worker since it began, in ticks; `None` where one is not to be found.
fn used(tasks: &Path, workers: u16) -> Option<Vec<u64>> {
    let mut used = vec![None; usize::from(workers)];
    for task in fs::read_dir(tasks).ok()?.flatten() {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let number = name.trim_end().strip_prefix("worker-").and_then(|number| number.parse::<usize>().ok());
        if let Some(worker) = number.and_then(|number| used.get_mut(number)) {
            *worker = fs::read_to_string(task.path().join("stat")).ok().as_deref().and_then(ticks);
        }
    }
    used.into_iter().collect()
}

/// utime and stime: the 14th and 15th field of /proc/PID/task/TID/stat, of which the second is in brackets and may hold
/// anything (proc(5)).
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_ascii_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<u64>().ok();
    Some(field()? + field()?)
}

/// In thousandths of a core.
fn busy(old: &[u64], new: &[u64], span: Duration) -> Box<[u32]> {
    let ticks = (span.as_millis() as u64 * TICKS_PER_SECOND / 1_000).max(1);
    let share = |(old, new): (&u64, &u64)| {
        u32::try_from((new.saturating_sub(*old) * 1_000 / ticks).min(1_000)).unwrap_or(1_000)
    };
    old.iter().zip(new).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read_whatever_the_name() {
        let line = "12 (a ) b) S 1 1 1 0 -1 4194368 100 0 0 0 42 17 0 0 20 0 9 0 100 0 0";
        assert_eq!(ticks(line), Some(59));
        assert_eq!(ticks("12 (a"), None);
    }

    #[test]
    fn a_share_is_of_one_core() {
        let shares = busy(&[0, 100, 7], &[500, 350, 7], Duration::from_secs(5));
        assert_eq!(*shares, [1_000, 500, 0]);
    }

    #[test]
    fn a_thread_is_known_by_its_name_and_seen_to_work() {
        let body = || {
            assert_eq!(used(Path::new(TASKS), 9), None, "eight of these are not there");
            // Looking is work, too: it ends as soon as it is seen.
            let tasks = Path::new(TASKS);
            while used(tasks, 1).is_some_and(|ticks| ticks[0] == 0) {}
            used(tasks, 1)
        };
        let worker = std::thread::Builder::new().name("worker-0".into()).spawn(body).unwrap();
        assert!(worker.join().unwrap().unwrap()[0] > 0);
    }
}
