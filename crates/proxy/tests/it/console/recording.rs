//! RECORD, and the file it leaves.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::desk::{Desk, Guest, Said};

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("connwarden-record-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("trace.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn record(file: &Path, time: &str) -> String {
    format!("RECORD '{}' FOR {time}", file.display())
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

const ROWS: [&str; 2] = [
    r#"{"at_us":5,"wait_us":0,"hold_us":70,"pool":"shop/app"}"#,
    r#"{"at_us":6,"wait_us":80,"gave_up":true,"pool":"shop/app"}"#,
];

fn until_it_is(guest: &mut Guest, state: &str) -> Vec<String> {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let row = guest.rows("SHOW RECORD").remove(0);
        if row[1] == state {
            return row;
        }
        assert!(Instant::now() < patience, "{row:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_recording_is_a_file_for_its_owner_and_ends_when_it_is_told() {
    let (desk, folder) = (Desk::open(), Folder::new("stop"));
    let mut guest = desk.greeted("connwarden", true);
    assert!(guest.rows("SHOW RECORD").is_empty());
    assert_eq!(guest.tag(&record(&folder.file(), "1h")), "RECORD");
    let mode = std::fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let row = guest.rows("SHOW RECORD").remove(0);
    assert_eq!([&row[0], &row[1], &row[2]], [&*folder.file().display().to_string(), "running", "1h"]);
    assert_eq!(guest.tag("RELOAD"), "RELOAD");
    assert_eq!(guest.tag("RECORD STOP;"), "RECORD");
    let row = guest.rows("SHOW RECORD").remove(0);
    assert_eq!(row[1..], ["stopped", "1h", "0", "2", "0"]);
    let lines = lines(&folder.file());
    let head: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&head["schema"], &head["seconds"]), (&"connwarden.trace/1".into(), &3600.into()));
    assert_eq!(head["program"], "connwarden 0.9");
    let started = head["started"].as_str().unwrap();
    assert!(started.len() == "2026-01-02T03:04:05.006Z".len() && started.ends_with('Z'), "{started}");
    assert_eq!(lines[1..3], ROWS);
    assert_eq!(lines[3..], [r#"{"ended":"stopped","checkouts":2,"dropped":0,"unfinished":2}"#]);
}

#[test]
fn a_recording_ends_by_itself() {
    let (desk, folder) = (Desk::open(), Folder::new("time"));
    let mut guest = desk.greeted("pgbouncer", true);
    assert_eq!(guest.tag(&record(&folder.file(), "1s")), "RECORD");
    until_it_is(&mut guest, "time");
    assert_eq!(lines(&folder.file())[3], r#"{"ended":"time","checkouts":2,"dropped":0,"unfinished":2}"#);
    assert_eq!(guest.error("RECORD STOP").1, "no recording is under way");
}

#[test]
fn the_end_of_the_process_is_the_end_of_a_recording() {
    let (desk, folder) = (Desk::open(), Folder::new("shutdown"));
    let mut guest = desk.greeted("connwarden", true);
    assert_eq!(guest.tag(&record(&folder.file(), "1h")), "RECORD");
    guest.say(&Said::query("SHUTDOWN"));
    assert!(guest.next().is_none());
    desk.ended();
    let lines = lines(&folder.file());
    assert_eq!(lines[1..3], ROWS);
    assert_eq!(lines[3], r#"{"ended":"shutdown","checkouts":2,"dropped":0,"unfinished":0}"#);
}

#[test]
fn a_recording_is_refused_with_its_reason() {
    let (desk, folder) = (Desk::open(), Folder::new("refused"));
    let mut guest = desk.greeted("connwarden", true);
    let file = folder.file();
    let shown = format!("{file:?}");
    let said = |file: &Path| record(file, "60s");
    let cases = [
        (
            said(Path::new("trace.jsonl")),
            "\"trace.jsonl\" is a relative path",
            "write the whole path, from / on",
        ),
        (said(Path::new("")), "\"\" is a relative path", "write the whole path, from / on"),
        (
            said(Path::new("/dev/full")),
            "\"/dev/full\" is there already",
            "nothing is overwritten: write another name",
        ),
        (
            said(Path::new("/nowhere/at/all")),
            "cannot write \"/nowhere/at/all\": No such file or directory (os error 2)",
            "",
        ),
        (record(&file, "60"), "\"60\" has no unit", "write \"60s\" for seconds"),
        (record(&file, "2h"), "2h is out of range", "a recording takes from 1s to 1h"),
        ("RECORD STOP".into(), "no recording is under way", ""),
        ("RECORD now".into(), "RECORD what?", "write RECORD '/path/of/a/new/file' FOR 60s, or RECORD STOP"),
    ];
    for (said, message, detail) in cases {
        assert_eq!(guest.explained(&said), (message.into(), detail.into()), "{said}");
    }
    assert!(guest.rows("SHOW RECORD").is_empty() && !file.exists());

    std::fs::write(&file, "precious").unwrap();
    assert_eq!(guest.error(&said(&file)).1, format!("{shown} is there already"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(folder.0.join("nothing"), &link).unwrap();
    assert_eq!(guest.error(&said(&link)).1, format!("{link:?} is there already"));
    assert!(!folder.0.join("nothing").exists());
}

#[test]
fn one_recording_at_a_time() {
    let (desk, folder) = (Desk::open(), Folder::new("second"));
    let (mut one, mut two) = (desk.greeted("connwarden", true), desk.greeted("pgbouncer", true));
    assert_eq!(one.tag(&record(&folder.file(), "60s")), "RECORD");
    let other = folder.0.join("other");
    let (message, detail) = two.explained(&record(&other, "1s"));
    assert_eq!(message, "a recording is under way");
    let start = format!("{} for another ", folder.file().display());
    assert!(detail.starts_with(&start) && detail.ends_with(" s; RECORD STOP ends it"), "{detail}");
    assert!(!other.exists());
    // Who did not begin it may end it; then the next one may begin.
    assert_eq!(two.tag("RECORD STOP"), "RECORD");
    assert_eq!(two.tag(&record(&other, "1s")), "RECORD");
    until_it_is(&mut one, "time");
    assert_eq!(lines(&folder.file()).len(), 4);
}

#[test]
fn who_may_only_look_sees_the_recording_and_begins_none() {
    let (desk, folder) = (Desk::open(), Folder::new("looks"));
    let mut guest = desk.greeted("connwarden", false);
    for said in [&*record(&folder.file(), "60s"), "RECORD STOP", "RECORD"] {
        assert_eq!(guest.error(said).1, "admin access needed", "{said}");
    }
    assert!(guest.rows("SHOW RECORD").is_empty() && !folder.file().exists());
}
