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
