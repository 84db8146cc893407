//! Who gets in, and how it is proved.

use std::process::Command;

use testbed::{Batch, Client, Login, Proxy, programs};

use crate::bed::{Bed, PASSWORD, logged};

/// What psql says, logging in with a password.
fn psql(proxy: &Proxy, user: &str, database: &str, password: &str, sql: &str) -> Result<String, String> {
    let address = proxy.address().unwrap();
    let mut command = Command::new(programs::postgres_client("psql").unwrap());
    command.env_clear().env("PGPASSWORD", password).env("HOME", "/nonexistent").current_dir("/");
    command.args(["-X", "-A", "-t", "-h", &address.host(), "-p", &address.port().to_string()]);
    let done = command.args(["-U", user, "-d", database, "-c", sql]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// The code of the first Authentication message: what the proxy asks for. Manual: "Message Formats".
fn asked(proxy: &Proxy, login: &Login) -> (Client, u32) {
    let mut client = Client::connect(&proxy.address().unwrap()).unwrap();
    client.send(&login.packet()).unwrap();
    let code = client.read("an Authentication message").unwrap().reader().u32();
    (client, code)
}

#[test]
fn clients_prove_themselves_the_way_that_is_asked_for() {
    let bed = Bed::new("authtype");
    for (auth_type, code) in [("trust", 0), ("plain", 3), ("md5", 5), ("scram-sha-256", 10)] {
        let setup = bed.with(&format!("auth_type = \"{auth_type}\""));
        let proxy = setup.user(&format!("password = \"{PASSWORD}\"")).start();
        assert_eq!(asked(&proxy, &bed.login()).1, code, "{auth_type}");
        assert_eq!(psql(&proxy, bed.name, bed.name, PASSWORD, "select 1"), Ok("1".into()), "{auth_type}");
        let wrong = psql(&proxy, bed.name, bed.name, "wrong", "select 1");
        match auth_type {
            "trust" => assert_eq!(wrong, Ok("1".into())),
            _ => assert!(
                wrong.as_ref().is_err_and(|said| said.contains("password authentication failed")),
                "{wrong:?}"
            ),
        }
    }
}

#[test]
fn a_user_list_is_read_at_the_start_and_at_each_reload() {
    let bed = Bed::new("authfile");
    let list = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = bed.folder.write("users", text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let path = list(&format!("\"{}\" \"{PASSWORD}\"\n", bed.name));
    let setup = bed.with(&format!("auth_type = \"scram-sha-256\"\nauth_file = \"{}\"", path.display()));
    let text = setup.text().replace(&format!("[user.{}]", bed.name), "");
    let proxy = Proxy::start(&text).unwrap();
    assert_eq!(psql(&proxy, bed.name, bed.name, PASSWORD, "select 1"), Ok("1".into()));
    list(&format!("\"{}\" \"another\"\n", bed.name));
    proxy.reload(&text).unwrap();
    logged(&proxy, &["configuration in force"]);
    assert!(psql(&proxy, bed.name, bed.name, PASSWORD, "select 1").is_err());
    assert_eq!(psql(&proxy, bed.name, bed.name, "another", "select 1"), Ok("1".into()));
}

#[test]
fn a_password_in_clear_text_is_hashed_so_many_rounds() {
    let bed = Bed::new("scramrounds");
    let setup = bed.with("auth_type = \"scram-sha-256\"\nscram_iterations = 4321");
    let proxy = setup.user(&format!("password = \"{PASSWORD}\"")).start();
    let (mut client, _) = asked(&proxy, &bed.login());
    let first = b"n,,n=,r=rOprNGfwEbeRWgbNEkqO";
    let body = [b"SCRAM-SHA-256\0".as_slice(), &(first.len() as u32).to_be_bytes(), first].concat();
    client.send(&Batch::new().message(b'p', &body)).unwrap();
    let challenge = client.read("the challenge").unwrap();
    let text = String::from_utf8_lossy(&challenge.body[4..]).into_owned();
    assert!(text.ends_with(",i=4321"), "{text}");
    assert_eq!(psql(&proxy, bed.name, bed.name, PASSWORD, "select 1"), Ok("1".into()));
}

#[test]
fn the_console_commands_for_some_and_only_shows_for_others() {
    let bed = Bed::new("consoleusers");
    let rest = "[user.boss]\n[user.clerk]\n[user.guest]\n[admin]\nadmin_users = [\"boss\"]\nstats_users = [\"clerk\"]";
    let proxy = bed.with("").rest(rest).start();
    let mut boss = proxy.client("boss", "pgbouncer").unwrap();
    assert!(boss.query("show version").is_ok() && boss.query("reload").is_ok());
    let mut clerk = proxy.client("clerk", "pgbouncer").unwrap();
    assert!(clerk.query("show version").is_ok() && clerk.query("reload").is_err());
    assert!(proxy.client("guest", "pgbouncer").is_err());
}

#[test]
fn startup_parameters_are_forgotten_where_the_settings_say_so() {
    let bed = Bed::new("startupparameters");
    let login = bed.login().with("extra_float_digits", "3");
    let value = |lines: &str| {
        let proxy = bed.with(lines).start();
        let mut client = Client::login(&proxy.address().unwrap(), &login).unwrap();
        client.value("show extra_float_digits").unwrap()
    };
    assert_eq!(value(""), "3");
    assert_eq!(value("ignore_startup_parameters = [\"extra_float_digits\"]"), "1");
}
