//! The process itself: its account, its number, its threads.

use std::fs;
use std::process::{Command, Stdio};

use testbed::wait::{self, PATIENCE};
use testbed::{Error, Proxy, account, programs};

use crate::bed::Bed;

/// A field of /proc/PID/status.
fn status(pid: u32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().trim().to_owned()
}

#[test]
fn the_number_is_in_the_pidfile_while_the_process_lives() {
    let bed = Bed::new("pidfile");
    let path = bed.folder.join("pid");
    let setup = bed.with(&format!("pidfile = \"{}\"", path.display()));
    let mut proxy = setup.start();
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), proxy.pid().to_string());
    match Proxy::start(&setup.text()) {
        Err(Error::Ended { log, .. }) => assert!(log.contains(&proxy.pid().to_string()), "{log}"),
        other => panic!("a second process must not take the file over: {other:?}"),
    }
    proxy.signal(rustix::process::Signal::TERM).unwrap();
    proxy.wait(PATIENCE).unwrap();
    assert!(!path.exists());
}

#[test]
fn there_are_as_many_workers_as_asked_for() {
    let bed = Bed::new("workers");
    for workers in [1, 3] {
        let proxy = bed.with(&format!("workers = {workers}")).start();
        let names = fs::read_dir(format!("/proc/{}/task", proxy.pid())).unwrap().flatten().filter(|task| {
            fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("worker-"))
        });
        assert_eq!(names.count(), workers);
        let mut clients: Vec<_> = (0..6).map(|_| bed.client(&proxy)).collect();
        clients.iter_mut().for_each(|client| assert_eq!(client.value("select 1").unwrap(), "1"));
    }
}

/// Processor time of each worker, in the kernel's ticks.
fn ticks(pid: u32) -> Vec<(String, u64)> {
    let mut workers = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with("worker-") {
            // Behind the name in brackets: utime and stime are the 14th and 15th field of all.
            let stat = fs::read_to_string(task.path().join("stat")).unwrap();
            let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let used = |at: usize| fields[at].parse::<u64>().unwrap();
            workers.push((name.trim().to_owned(), used(11) + used(12)));
        }
    }
    workers.sort();
    workers
}

#[test]
fn eight_pools_keep_both_of_two_workers_at_work() {
    const POOLS: usize = 8;
    const QUERIES: usize = 3_000;
    let bed = Bed::new("eightpools");
    let section = |pool| format!("[database.pool{pool}]\nserver = \"main\"\ndbname = \"{}\"\n", bed.name);
    let pools: String = (0..POOLS).map(section).collect();
    let proxy = bed.with("workers = 2\ndefault_pool_size = 1").rest(&pools).start();
    let mut clients: Vec<_> =
        (0..POOLS).map(|pool| proxy.client(bed.name, &format!("pool{pool}")).unwrap()).collect();
    let before = ticks(proxy.pid());
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(move || {
                for _ in 0..QUERIES {
                    assert_eq!(client.value("select 1").unwrap(), "1");
                }
            });
        }
    });
    let after = ticks(proxy.pid());
    let worked: Vec<_> = before.iter().zip(&after).map(|(old, new)| new.1 - old.1).collect();
    let all: u64 = worked.iter().sum();
    assert!(worked.len() == 2 && all >= 8, "too little to tell: {worked:?}");
    assert!(worked.iter().all(|ticks| ticks * 4 >= all), "one of them has next to nothing to do: {worked:?}");
}

#[test]
fn root_becomes_the_user_and_anybody_else_stays_who_he_is() {
    let bed = Bed::new("becomeuser");
    let user = account::name().unwrap();
    let text = bed.with(&format!("user = \"{user}\"")).text();
    let config = bed.folder.write("connwarden.toml", &text).unwrap();
    let ready = bed.folder.join("ready");
    // Not by the testbed, which has given up root's rights already.
    let program = programs::connwarden().unwrap();
    let mut command = Command::new(program);
    command.arg("proxy").arg("--config").arg(config).arg("--ready-file").arg(&ready);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    let found = wait::until("it is ready", PATIENCE, || Ok(ready.exists().then(|| status(pid, "Uid:"))));
    child.kill().unwrap();
    child.wait().unwrap();
    let own = fs::metadata(bed.folder.path()).unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&own).to_string();
    assert_eq!(found.unwrap().split_whitespace().collect::<Vec<_>>(), [&uid; 4]);
}
