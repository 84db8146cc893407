//! Commands about the configuration.

use std::os::unix::fs::PermissionsExt;

use crate::shell::Dir;

const GOOD: &str = "[proxy]\nlisten_port = 7000\n[server.main]\nhost = \"db\"\n[database.\"*\"]\n[user.app]\npassword = \"geheim\"\n";

#[test]
fn help_and_version_are_data_and_no_mistake() {
    let dir = Dir::new("help");
    for arguments in
        [&[][..], &["config"], &["--help"], &["-?"], &["proxy", "--help"], &["config", "init", "-h"]]
    {
        let ran = dir.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.out.contains("Usage:"), "{}", ran.out);
        assert!(!ran.out.contains('\u{1b}'), "no colour into a pipe");
    }
    let version = dir.run(&["--version"]).out;
    assert!(version.starts_with(concat!("connwarden ", env!("CARGO_PKG_VERSION"), " (")), "{version}");
    assert!(version.ends_with(")\n"));
}

#[test]
fn what_is_not_understood_is_64_and_goes_to_standard_error() {
    let dir = Dir::new("usage");
    let wrong: [&[&str]; 6] = [
        &["nonsense"],
        &["--nonsense"],
        &["config", "chek"],
        &["proxy", "--set", "listen_port"],
        &["proxy", "--config", "a", "--server", "b"],
        &["config", "init", "--from", "nonsense"],
    ];
    for arguments in wrong {
        let ran = dir.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{arguments:?}");
        assert!(ran.err.contains("error"), "{}", ran.err);
    }
}

#[test]
fn without_a_file_one_is_told_where_it_was_looked_for() {
    let ran = Dir::new("none").run_with(&["config", "check"], &[("HOME", "/nowhere")]);
    assert_eq!(ran.code, 78);
    for place in ["  connwarden.toml\n", "/nowhere/.config/connwarden/connwarden.toml", "config init"] {
        assert!(ran.err.contains(place), "{}", ran.err);
    }
}

#[test]
fn the_first_file_in_the_agreed_order_is_taken() {
    let dir = Dir::new("order");
    let port = |port: u16| GOOD.replace("7000", &port.to_string());
    dir.write("home/connwarden/connwarden.toml", &port(1));
    let home = dir.0.join("home").display().to_string();
    let xdg = ("XDG_CONFIG_HOME", home.as_str());
    let listens = |arguments: &[&str], variables: &[(&str, &str)], port: u16| {
        let ran = dir.run_with(arguments, variables);
        assert!(ran.out.contains(&format!("127.0.0.1:{port} ")), "{}{}", ran.out, ran.err);
    };
    listens(&["config", "check"], &[xdg], 1);
    dir.write("connwarden.toml", &port(2));
    listens(&["config", "check"], &[xdg], 2);
    dir.write("variable.toml", &port(3));
    let variable = ("CONNWARDEN_CONFIG", "variable.toml");
    listens(&["config", "check"], &[xdg, variable], 3);
    dir.write("option.toml", &port(4));
    listens(&["config", "check", "--config", "option.toml"], &[xdg, variable], 4);
    let missing = dir.run_with(&["config", "check"], &[("CONNWARDEN_CONFIG", "missing.toml")]);
    assert_eq!(missing.code, 78, "a file that was named is not passed over");
}

#[test]
fn check_names_every_mistake_and_refuses() {
    let dir = Dir::new("check");
    dir.write("connwarden.toml", &GOOD.replace("listen_port", "listen_prot").replace("\"db\"", "5"));
    let ran = dir.run(&["config", "check"]);
    assert_eq!((ran.code, ran.out.as_str()), (78, ""));
    assert!(
        ran.err.contains("connwarden.toml:2:1: error:") && ran.err.contains("connwarden.toml:4:8: error:")
    );
    assert!(ran.err.contains("2 mistakes"), "{}", ran.err);
    dir.write("connwarden.toml", GOOD);
    let ran = dir.run(&["config", "check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn show_prints_where_values_come_from_and_no_secret() {
    let dir = Dir::new("show");
    dir.write("connwarden.toml", GOOD);
    let ran = dir.run_with(&["config", "show", "--changed"], &[("RUNTIME_DIRECTORY", "/run/a:/run/b")]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("# connwarden.toml:2\n"), "{}", ran.out);
    assert!(ran.out.contains("unix_socket_dir = \"/run/a\"") && ran.out.contains("# $RUNTIME_DIRECTORY\n"));
    assert!(!ran.out.contains("geheim"));
}

#[test]
fn files_are_found_beside_the_configuration() {
    let dir = Dir::new("beside");
    dir.write("etc/users.txt", "\"listed\" \"x\"\n");
    dir.write("etc/password", "from a file\n");
    let text = GOOD
        .replace("[server", "auth_file = \"users.txt\"\n[server")
        .replace("\"geheim\"", "{ file = \"password\" }");
    dir.write("etc/connwarden.toml", &text);
    let ran = dir.run(&["config", "check", "--config", "etc/connwarden.toml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("2 users"), "{}", ran.out);
    std::fs::set_permissions(dir.0.join("etc/users.txt"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = dir.run(&["config", "check", "--config", "etc/connwarden.toml"]);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("chmod 600 users.txt"), "{}", ran.err);
}

#[test]
fn init_writes_a_file_that_only_its_owner_reads_and_never_writes_over_one() {
    let dir = Dir::new("init");
    let ran = dir.run(&["config", "init"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    let meta = std::fs::metadata(dir.0.join("connwarden.toml")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert_eq!(dir.run(&["config", "init"]).code, 2);
    assert_eq!(dir.run(&["config", "init", "--force"]).code, 0);
    assert_eq!(dir.run_with(&["config", "check"], &[("APP_PASSWORD", "x")]).code, 0);
    let ran = dir.run(&["config", "init", "--output", "-"]);
    assert!(ran.out.contains("[server.main]"));
}

#[test]
fn a_server_that_is_not_there_is_3() {
    let ran = Dir::new("unreached").run(&[
        "config",
        "init",
        "--from",
        "postgres://u@127.0.0.1:1/d",
        "--output",
        "-",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.contains("127.0.0.1:1"), "{}", ran.err);
}

#[test]
fn the_proxys_options_are_read_by_the_configurations_rules() {
    let dir = Dir::new("options");
    let url = "postgres://app:geheim@db.internal/shop";
    let ran = dir.run(&[
        "proxy",
        "--server",
        url,
        "--pool-size",
        "x",
        "--set",
        "query_timeout=5",
        "--set",
        "foo=1",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (78, ""));
    for text in ["--pool-size: error:", "--set query_timeout: error:", "--set foo: error:", "3 mistakes"] {
        assert!(ran.err.contains(text), "{}", ran.err);
    }
    let ran = dir.run(&["proxy", "--server", "postgres://app:geheim@db:x/shop"]);
    assert_eq!(ran.code, 78);
    assert!(!ran.err.contains("geheim"), "{}", ran.err);
}
