//! Servers for scripts: `testbed up` starts them and tells where; `testbed demo` shows the main job.

mod demo;
mod up;

use std::process::ExitCode;

const USAGE: &str = "\
testbed up [--mode MODE] [--pool-size N] [--max-connections N] [--database NAME] [--any-database]
             [--line 'SETTING = VALUE'] [--no-proxy]
    starts PostgreSQL and a proxy, prints NAME=VALUE lines and `ready`, ends with its standard input;
    with --any-database the proxy serves every database that the server has, not NAME alone
testbed demo [--clients N] [--seconds N]
    the same clients straight to a small server, and through the proxy";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.split_first() {
        Some((&"up", rest)) => up::Up::read(rest).map(|up| up.run()),
        Some((&"demo", rest)) => demo::Demo::read(rest).map(|demo| demo.run()),
        _ => None,
    };
    match done {
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(64)
        }
        Some(Ok(code)) => code,
        Some(Err(error)) => {
            eprintln!("testbed: {error}");
            ExitCode::FAILURE
        }
    }
}
