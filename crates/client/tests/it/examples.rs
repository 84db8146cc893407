//! The examples do what they are examples of.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testbed::{Folder, Postgres, PostgresOptions, programs, wait};

use crate::bed;

fn example(name: &str, postgres: &Postgres) -> Command {
    let mut command = Command::new(programs::profile_folder().unwrap().join("examples").join(name));
    // Nothing of the machine's own settings reaches it.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PG") {
            command.env_remove(variable);
        }
    }
    command.env("DATABASE_URL", bed::url(postgres, "watch")).env("RUST_LOG", "info");
    command
}

/// The lines that an example prints.
fn printed(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.lines().map(str::to_owned).collect()
}

/// Ended when dropped.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(postgres: &Postgres) -> Self {
        let mut command = example("axum_sqlx", postgres);
        command.env("LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
    }

    /// Code, head and body of an answer.
    fn ask(&self, request: &str) -> (u16, String, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_service_of_axum_answers_probes_with_one_login_and_says_when_its_server_is_gone() {
    let mut postgres = bed::server(PostgresOptions::default().set("log_connections", "on"));
    let service = Service::start(&postgres);
    for _ in 0..200 {
        assert_eq!(service.ask("GET /healthz").0, 200);
    }
    assert_eq!(bed::logins(&postgres, "watch"), 1, "the pool was not used yet");
    let (_, head, body) = service.ask("GET /healthz");
    assert!(head.contains("content-type: application/json") && head.contains("cache-control: no-store"));
    assert_eq!((&body["status"], &body["pools"][0]["name"]), (&"ok".into(), &"primary".into()));
    assert_eq!(body["postgresql_info"]["max_connections"], 100);
    let (code, _, report) = service.ask("POST /report");
    assert_eq!(
        (code, &report["scope"], &report["pools"][0]["left_open"]),
        (200, &"report".into(), &1.into())
    );

    postgres.stop().unwrap();
    let until = |code: u16| {
        wait::until(&format!("the code {code}"), wait::PATIENCE, || {
            let (found, _, body) = service.ask("GET /healthz");
            Ok((found == code).then_some(body))
        })
        .unwrap()
    };
    let gone = until(503);
    assert_eq!((&gone["status"], &gone["error"]["code"]), (&"unknown".into(), &"network".into()));
    assert!(!gone.to_string().contains("127.0.0.1"), "{gone}");
    postgres.start_again().unwrap();
    assert_eq!(until(200)["status"], "ok");
}

#[test]
fn a_job_with_deadpool_tells_its_scope_and_the_health_of_the_process() {
    let postgres = bed::server(PostgresOptions::default());
    let lines = printed(&mut example("deadpool", &postgres));
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    let (scope, health) = (read(&lines[0]), read(&lines[1]));
    assert_eq!(scope["scope"], "bulk_operation");
    let opened = scope["pools"][0]["left_open"].as_i64().unwrap();
    assert!((1..=4).contains(&opened), "{scope}");
    assert_eq!(scope["server_after"]["total_connections"], opened);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["pools"][0]["max"], 4);
}

#[test]
fn a_program_with_bb8_asks_its_plan_whether_its_pool_fits() {
    let (postgres, folder) = (bed::server(PostgresOptions::default()), Folder::create().unwrap());
    let plan = folder.join("connwarden-plan.toml");
    let text = "[server]\nmax_connections = 100\n\n[service.api]\nreplicas = 3\npool = 2\nlisteners = 1\n";
    std::fs::write(&plan, text).unwrap();
    let lines = printed(example("bb8", &postgres).arg(&plan).arg("api"));
    let scope: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(scope["pools"][0]["acquired"], 10);
    let health: Value = serde_json::from_str(&lines[1]).unwrap();
    let checks = health["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["id"] == "plan-exceeded" && check["level"] == "ok"), "{health}");
    assert_eq!(lines[2], "fits: true");
    std::fs::write(&plan, text.replace("pool = 2", "pool = 1")).unwrap();
    assert_eq!(printed(example("bb8", &postgres).arg(&plan).arg("api"))[2], "fits: false");
}
