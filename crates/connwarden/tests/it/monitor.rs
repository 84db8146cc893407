//! `monitor` and `replay` against a real server: lines in a pipe, and the view in a terminal of tmux.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use testbed::wait::{PATIENCE, until};
use testbed::{Postgres, PostgresOptions};

use crate::shell::Dir;

fn program(server: &Postgres) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connwarden"));
    command.env_clear().args(["monitor", "-U", "postgres", "--dbname", "postgres", "-h"]).arg(server.host());
    command.args(["-p", &server.port().to_string()]);
    command
}

fn lines(command: &mut Command) -> (Vec<String>, String, Option<i32>) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout).lines().map(str::to_owned).collect(), text(&output.stderr), output.status.code())
}

#[test]
fn a_pipe_gets_a_line_per_look_and_count_ends_it() {
    let server = Postgres::start(PostgresOptions::default().max_connections(20)).unwrap();
    let login = testbed::Login::new("postgres", "postgres");
    let _held = testbed::Client::login(&server.socket(), &login).unwrap();
    server.settled().unwrap();
    let (lines, err, code) = lines(program(&server).args(["--watch", "--interval=0.5s", "--count", "3"]));
    assert_eq!((lines.len(), code), (3, Some(0)), "{lines:?} {err}");
    for (at, line) in lines.iter().enumerate() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{line}");
        let keys: Vec<&str> = rest.split(' ').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(keys, ["util", "total", "active", "idle", "idle_tx", "waiting", "churn"]);
        let values: Vec<&str> = rest.split(' ').map(|pair| pair.split_once('=').unwrap().1).collect();
        assert_eq!(values[..4], ["5.0", "1", "0", "1"], "{line}");
        assert_eq!(values[6] == "-", at == 0, "only the first look has nothing before it: {line}");
    }
}

#[test]
fn json_is_one_document_a_line() {
    let server = Postgres::start(PostgresOptions::default()).unwrap();
    server.settled().unwrap();
    let (lines, err, code) = lines(program(&server).args(["-o", "json", "-i", "500ms", "-n", "2"]));
    assert_eq!((lines.len(), code), (2, Some(0)), "{lines:?} {err}");
    for line in lines {
        let document: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(document["schema"], "connwarden.watch/1");
        assert_eq!(document["total"], 0);
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = Postgres::start(PostgresOptions::default()).unwrap();
    let mut command = program(&server);
    command.args(["--interval", "0.5s"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_server_that_goes_and_comes_is_waited_for_over_one_connection() {
    let mut server = Postgres::start(PostgresOptions::default()).unwrap();
    let mut command = program(&server);
    command.args(["--interval", "0.5s"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    server.stop().unwrap();
    let said = talk.next().unwrap().unwrap();
    assert!(said.contains(" no answer: "), "{said}");
    server.start_again().unwrap();
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'connwarden monitor'";
    until("it is back", PATIENCE, || {
        let found = server.run("postgres", ours)?;
        Ok((found[0][0].as_deref() == Some("1")).then_some(()))
    })
    .unwrap();
    // What was written before the stop is read first; times of one form compare as texts.
    let lost_at = said.split(' ').next().unwrap().to_owned();
    assert!(lines.any(|line| line.unwrap().split(' ').next().unwrap() > lost_at.as_str()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn nobody_there_at_the_start_is_an_answer() {
    let dir = Dir::new("monitor-nobody");
    let ran = dir.run(&["monitor", "-h", "127.0.0.1", "-p", "1", "-U", "x"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    let ran = dir.run(&["monitor", "--interval", "0.1s"]);
    assert_eq!(ran.code, 64);
    assert!(ran.err.contains("between 0.5s and 1h"), "{}", ran.err);
}

#[test]
fn what_is_recorded_is_replayed_with_the_same_lines() {
    let server = Postgres::start(PostgresOptions::default()).unwrap();
    let dir = Dir::new("monitor-record");
    let file = dir.0.join("a.cwlog");
    let mut command = program(&server);
    let (recorded, err, _) = lines(command.args(["-i", "0.5s", "-n", "3", "--record"]).arg(&file));
    assert_eq!(recorded.len(), 3, "{err}");
    let replay = dir.run(&["replay", "a.cwlog"]);
    assert_eq!(
        (replay.code, replay.out.lines().map(str::to_owned).collect::<Vec<_>>()),
        (0, recorded),
        "{}",
        replay.err
    );
    dir.write("b.cwlog", "something else\n");
    let other = dir.run(&["replay", "b.cwlog"]);
    assert_eq!((other.code, other.out.as_str()), (2, ""));
    assert!(other.err.contains("not a recording"), "{}", other.err);
    let (nothing, err, code) =
        lines(program(&server).args(["-n", "1", "--record"]).arg(dir.0.join("b.cwlog")));
    assert_eq!((nothing.len(), code), (0, Some(2)), "{err}");
    assert_eq!(std::fs::read_to_string(dir.0.join("b.cwlog")).unwrap(), "something else\n");
}

/// A terminal of its own, on a socket of its own.
struct Tmux {
    socket: String,
}

impl Tmux {
    fn start(name: &str, columns: u32, rows: u32) -> Self {
        let socket = format!("connwarden-{name}-{}", std::process::id());
        let tmux = Self { socket };
        let size = [columns.to_string(), rows.to_string()];
        let mut command = tmux.command();
        command.args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "t",
            "-x",
            &size[0],
            "-y",
            &size[1],
            "sh",
        ]);
        assert!(command.status().unwrap().success());
        tmux
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env("LANG", "C.UTF-8").env_remove("TMUX").args(["-u", "-L", &self.socket]);
        command
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.command().args(["send-keys", "-t", "t"]).args(keys).status().unwrap().success());
    }

    fn line(&self, text: &str) {
        self.keys(&["-l", text]);
        self.keys(&["Enter"]);
    }

    fn screen(&self) -> String {
        let output = self.command().args(["capture-pane", "-p", "-t", "t"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn shows(&self, wanted: &str) -> String {
        let mut last = String::new();
        let found = until(wanted, PATIENCE, || {
            last = self.screen();
            Ok(last.contains(wanted).then(|| last.clone()))
        });
        found.unwrap_or_else(|error| panic!("{error}; the screen is\n{last}"))
    }

    fn lacks(&self, unwanted: &str) -> String {
        let mut last = String::new();
        let gone = until(unwanted, PATIENCE, || {
            last = self.screen();
            Ok((!last.contains(unwanted)).then(|| last.clone()))
        });
        gone.unwrap_or_else(|error| panic!("{error}: it stays; the screen is\n{last}"))
    }

    /// `stty -a` of the terminal, as a file.
    fn settings(&self, into: &Path) -> String {
        self.line(&format!("stty -a > {0}.part; mv {0}.part {0}", into.display()));
        until("stty", PATIENCE, || Ok(std::fs::read_to_string(into).ok())).unwrap()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").status();
    }
}

fn invitation(server: &Postgres) -> String {
    invitation_with(server, "")
}

fn invitation_with(server: &Postgres, options: &str) -> String {
    let program = env!("CARGO_BIN_EXE_connwarden");
    let (host, port) = (server.host().display(), server.port());
    format!(
        "clear; LANG=C.UTF-8 {program} monitor -h {host} -p {port} -U postgres --dbname postgres -i 0.5s {options}; echo left with $?"
    )
}

#[test]
fn the_view_is_driven_through_a_restart_and_gives_the_terminal_back() {
    let mut server = Postgres::start(PostgresOptions::default().max_connections(20)).unwrap();
    let tmux = Tmux::start("view", 100, 30);
    let dir = Dir::new("monitor-view");
    let hostile = "SET application_name = E'evil\\x1b[2J\\x1b]0;x\\x07'";
    let mut held = server.admin("postgres").unwrap();
    held.query(hostile).unwrap();
    let before = tmux.settings(&dir.0.join("before"));
    tmux.line(&invitation(&server));
    let first = tmux.shows("1/20  act 0");
    // Since 16 the server itself writes such characters as numbers.
    assert!(first.contains("evil?[2J") || first.contains("evil\\x1b[2J"), "{first}");
    tmux.keys(&["2"]);
    tmux.shows("[2 Sessions]");
    tmux.keys(&["Enter"]);
    tmux.shows("Logged in");
    tmux.keys(&["Escape"]);
    tmux.shows("STATEMENT");
    tmux.keys(&["?"]);
    tmux.shows("any key closes this");
    tmux.keys(&["?"]);
    server.stop().unwrap();
    let lost = tmux.shows("no answer for");
    assert!(lost.contains("STATEMENT"), "the picture stays: {lost}");
    server.start_again().unwrap();
    tmux.shows("live");
    tmux.shows("0/20  act 0");
    tmux.keys(&["b"]);
    tmux.shows("nobody waits for a lock");
    tmux.keys(&["Tab", "Tab", "Tab"]);
    tmux.shows("[1 Apps]");
    tmux.keys(&["q"]);
    tmux.shows("left with 0");
    assert_eq!(tmux.settings(&dir.0.join("after")), before);
}

#[test]
fn a_session_is_ended_from_the_view_only_after_its_number_is_typed() {
    let server = Postgres::start(PostgresOptions::default().max_connections(20)).unwrap();
    let tmux = Tmux::start("close", 80, 24);
    server.run("postgres", "CREATE ROLE app LOGIN").unwrap();
    let mut held = testbed::Client::login(&server.socket(), &testbed::Login::new("app", "postgres")).unwrap();
    held.query("SELECT 1").unwrap();
    tmux.line(&invitation(&server));
    tmux.shows("1/20  act 0");
    tmux.keys(&["2", "K"]);
    tmux.shows("Type 1, then Enter");
    tmux.keys(&["Enter"]);
    tmux.lacks("Type 1, then Enter");
    held.query("SELECT 2").unwrap();
    tmux.keys(&["K"]);
    tmux.shows("Type 1, then Enter");
    tmux.keys(&["1", "Enter"]);
    tmux.shows("force-close: 1 closed");
    tmux.keys(&["Escape"]);
    tmux.shows("0/20  act 0");
    assert!(held.query("SELECT 3").is_err());
    tmux.keys(&["q"]);
    tmux.shows("left with 0");
}

#[test]
fn a_plan_that_is_found_has_a_view_that_leads_to_the_sessions_of_a_service() {
    let server = Postgres::start(PostgresOptions::default().max_connections(20)).unwrap();
    let tmux = Tmux::start("plan", 100, 30);
    let dir = Dir::new("monitor-plan");
    let service = |name: &str, pool: u32, application: &str| {
        format!(
            "[service.{name}]\nreplicas = 1\nprocesses = 1\npool = {pool}\nrollout = \"recreate\"\napplication_name = {application:?}\n"
        )
    };
    dir.write("connwarden-plan.toml", &(service("web", 1, "wall-web*") + &service("worker", 9, "wall-*")));
    dir.write("connwarden.toml", "[checks]\nwarn = \"5%\"\ncrit = \"10%\"\n");
    let mut held = Vec::new();
    for application in ["wall-web-1", "wall-web-2", "wall-other", "stranger"] {
        let mut client = server.admin("postgres").unwrap();
        client.query(&format!("SET application_name = '{application}'")).unwrap();
        held.push(client);
    }
    tmux.line(&format!("cd {}", dir.0.display()));
    tmux.line(&invitation(&server));
    let apps = tmux.shows("✖ 2/1");
    assert!(apps.contains("6 Plan") && apps.contains("1/9") && apps.contains("unplanned"), "{apps}");
    assert!(apps.contains("CRIT"), "the thresholds are those of the file: {apps}");
    tmux.keys(&["6"]);
    let plan = tmux.shows("[6 Plan]");
    assert!(plan.contains("✖ 200%") && plan.contains("most 1 stranger"), "{plan}");
    assert!(plan.contains("peak 10 of 20 usable, 50.0% CRIT"), "{plan}");
    tmux.keys(&["Enter"]);
    let sessions = tmux.shows("› web");
    assert!(sessions.contains("wall-web-2") && !sessions.contains("wall-other"), "{sessions}");
    tmux.keys(&["q"]);
    tmux.shows("left with 0");
    tmux.line(&invitation_with(&server, "--no-plan"));
    let apps = tmux.shows("stranger");
    assert!(!apps.contains("6 Plan") && !apps.contains("unplanned"), "{apps}");
    tmux.keys(&["q"]);
    tmux.shows("left with 0");
    dir.write("connwarden-plan.toml", "[service.web\n");
    tmux.line(&invitation(&server));
    tmux.shows("no plan: its files hold 1 mistakes");
    tmux.keys(&["q"]);
}

#[test]
fn a_view_that_is_told_to_end_gives_the_terminal_back() {
    let server = Postgres::start(PostgresOptions::default()).unwrap();
    let tmux = Tmux::start("term", 80, 24);
    let dir = Dir::new("monitor-term");
    let before = tmux.settings(&dir.0.join("before"));
    let pid_file = dir.0.join("pid");
    let view = invitation(&server).replace("clear; ", "").replace("; echo left with $?", "");
    let script = format!("echo $$ > {}; exec env {view}", pid_file.display());
    dir.write("view.sh", &script);
    tmux.line(&format!("clear; sh {}; echo left with $?", dir.0.join("view.sh").display()));
    tmux.shows("nobody is connected");
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let screen = tmux.shows("left with 0");
    assert!(!screen.contains("Slots"), "{screen}");
    assert_eq!(tmux.settings(&dir.0.join("after")), before);
}
