//! What this machine knows of a server that runs on it: how much memory there is, and what its backends take of it.
//! Where the server is not here, or this is not Linux, the answer is the reason why there is none.

/// What was read of the machine the server runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// What the server's control group may use, in bytes; `None` without such a limit.
    pub memory_limit_bytes: Option<u64>,
    /// What the measured backends take.
    pub backends: Result<Backends, String>,
}

impl Machine {
    /// What the server can have: the machine's memory, or less where a limit says so.
    pub fn available_bytes(&self) -> u64 {
        self.memory_limit_bytes.unwrap_or(u64::MAX).min(self.memory_bytes)
    }
}

/// Proportional set sizes: shared pages count in parts, so that they may be added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backends {
    /// Backends that were measured.
    pub measured: u32,
    /// The one in the middle, in bytes.
    pub median_bytes: u64,
    /// The largest, in bytes.
    pub largest_bytes: u64,
}

impl Backends {
    /// Of these sizes; `None` of none.
    pub fn of(mut bytes: Vec<u64>) -> Option<Self> {
        bytes.sort_unstable();
        let largest_bytes = *bytes.last()?;
        Some(Self { measured: bytes.len() as u32, median_bytes: bytes[bytes.len() / 2], largest_bytes })
    }
}

/// Looks for our own backend on this machine, then at it and its siblings. Needs the connection to be open still.
/// `pids`: other backends of the server.
///
/// # Errors
/// Why there is nothing to be known, as a sentence.
#[cfg(target_os = "linux")]
pub fn machine(own: i32, user: &str, dbname: &str, pids: &[i32]) -> Result<Machine, String> {
    linux::machine(own, user, dbname, pids)
}

/// Only Linux tells.
///
/// # Errors
/// Always: this is another system.
#[cfg(not(target_os = "linux"))]
pub fn machine(_own: i32, _user: &str, _dbname: &str, _pids: &[i32]) -> Result<Machine, String> {
    Err("memory can be measured on Linux only".to_owned())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    use super::{Backends, Machine};

    /// Each costs the kernel a walk over the process's pages.
    const MEASURED_MAX: usize = 100;

    pub(super) fn machine(own: i32, user: &str, dbname: &str, pids: &[i32]) -> Result<Machine, String> {
        let title = fs::read(format!("/proc/{own}/cmdline")).unwrap_or_default();
        let title = String::from_utf8_lossy(&title);
        // Another machine, or another container, may have a process of this number, too.
        if !(title.starts_with("postgres: ") && title.contains(user) && title.contains(dbname)) {
            return Err("the server does not run on this machine".to_owned());
        }
        let memory =
            fs::read_to_string("/proc/meminfo").map_err(|error| format!("/proc/meminfo: {error}"))?;
        let memory_bytes = kilobytes(&memory, "MemTotal:").ok_or("/proc/meminfo tells no MemTotal")? * 1024;
        Ok(Machine {
            memory_bytes,
            memory_limit_bytes: limit(own, Path::new("/")),
            backends: backends(own, pids),
        })
    }

    fn backends(own: i32, pids: &[i32]) -> Result<Backends, String> {
        let mut sizes = Vec::new();
        let mut refusal = None;
        for pid in pids.iter().take(MEASURED_MAX) {
            match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
                Ok(text) => sizes.extend(kilobytes(&text, "Pss:").map(|size| size * 1024)),
                // One that has gone is no refusal.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => refusal = Some(format!("/proc/{pid}/smaps_rollup: {error}")),
            }
        }
        if let Some(backends) = Backends::of(sizes) {
            return Ok(backends);
        }
        match refusal {
            Some(why) => Err(format!("{why}; run as the server's account or as root")),
            // Our own has read a few catalogs: it stands for a young one.
            None => match fs::read_to_string(format!("/proc/{own}/smaps_rollup")) {
                Ok(text) => {
                    Backends::of(kilobytes(&text, "Pss:").map(|size| size * 1024).into_iter().collect())
                        .ok_or_else(|| "smaps_rollup tells no Pss".to_owned())
                }
                Err(error) => {
                    Err(format!("/proc/{own}/smaps_rollup: {error}; run as the server's account or as root"))
                }
            },
        }
    }

    /// The tightest `memory.max` from the process's control group (version 2) up to the root. `system`: where `proc` and
    /// `sys` are.
    fn limit(pid: i32, system: &Path) -> Option<u64> {
        let groups = fs::read_to_string(system.join(format!("proc/{pid}/cgroup"))).ok()?;
        let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let root = system.join("sys/fs/cgroup");
        let place = root.join(group.trim_start_matches('/'));
        place
            .ancestors()
            .take_while(|folder| folder.starts_with(&root))
            .filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok())
            .min()
    }

    /// The number behind a key in `/proc` texts, in kB.
    fn kilobytes(text: &str, key: &str) -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line[key.len()..].split_whitespace().next()?.parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn numbers_are_found_behind_their_keys() {
            let text = "Rss:  9640 kB\nPss_Dirty: 5 kB\nPss:    3120 kB\n";
            assert_eq!(kilobytes(text, "Pss:"), Some(3120));
            assert_eq!(kilobytes(text, "Swap:"), None);
        }

        #[test]
        fn the_tightest_limit_of_a_groups_ancestors_holds() {
            let system = std::env::temp_dir().join(format!("connwarden-cgroup-{}", std::process::id()));
            let write = |path: &str, text: &str| {
                let path = system.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            };
            write("proc/7/cgroup", "1:name=x:/else\n0::/pod/server\n");
            assert_eq!(limit(7, &system), None);
            write("sys/fs/cgroup/pod/server/memory.max", "max\n");
            assert_eq!(limit(7, &system), None);
            write("sys/fs/cgroup/pod/memory.max", "4096\n");
            assert_eq!(limit(7, &system), Some(4096));
            write("sys/fs/cgroup/pod/server/memory.max", "1024\n");
            assert_eq!(limit(7, &system), Some(1024));
            write("memory.max", "1\n");
            assert_eq!(limit(7, &system), Some(1024), "the root of control groups is the end");
            fs::remove_dir_all(&system).unwrap();
        }

        #[test]
        fn a_process_that_is_no_backend_of_ours_is_not_taken_for_one() {
            let me = i32::try_from(std::process::id()).unwrap();
            assert!(machine(me, "app", "app", &[]).is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_largest_are_told() {
        let backends = Backends::of(vec![3, 9, 1]).unwrap();
        assert_eq!(backends, Backends { measured: 3, median_bytes: 3, largest_bytes: 9 });
        assert_eq!(Backends::of(Vec::new()), None);
    }

    #[test]
    fn a_limit_counts_only_where_it_is_tighter_than_the_machine() {
        let machine = |limit| Machine {
            memory_bytes: 100,
            memory_limit_bytes: limit,
            backends: Err("not read".to_owned()),
        };
        assert_eq!(machine(None).available_bytes(), 100);
        assert_eq!(machine(Some(40)).available_bytes(), 40);
        assert_eq!(machine(Some(400)).available_bytes(), 100);
    }
}
