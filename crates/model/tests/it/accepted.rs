//! Good files: every setting of the catalogue is read, and lands in a field of its own.

use model::catalog::{self, Kind, Section, Setting};
use model::config::checked::{AuthType, Host, PoolMode};
use model::config::load::{Loaded, Override, load, load_made, target};
use model::config::report::{Place, Source};
use model::config::server_url;

use crate::outside::World;

fn accepted(text: &str) -> Loaded {
    let source = Source { path: "c.toml".into(), text: text.into() };
    load(source, &[], &World).unwrap_or_else(|report| panic!("{report}"))
}

/// A value other than the default, as the file would have it.
fn other(setting: &Setting) -> String {
    let text = match (setting.key, setting.kind) {
        // A warning may not lie behind its alarm.
        ("crit" | "limit_crit", Kind::Percent) => "\"99%\"",
        ("idle_tx_crit" | "blocked_crit", Kind::Duration) => "\"9m\"",
        ("server", _) => "\"second\"",
        ("worker" | "verbose", _) => "1",
        ("workers", _) => "3",
        ("auth_file", _) => "\"users.txt\"",
        ("min_pool_size" | "reserve_pool_size", _) => "2",
        (_, Kind::Duration | Kind::DurationOrOff) => "\"7s\"",
        (_, Kind::Size) => "\"2MiB\"",
        (_, Kind::Count | Kind::Limit) => "77",
        (_, Kind::Percent) => "\"33%\"",
        (_, Kind::Switch) => {
            if setting.default == "true" {
                "false"
            } else {
                "true"
            }
        }
        (_, Kind::Word(words)) => {
            return format!("\"{}\"", words.iter().rfind(|word| **word != setting.default).unwrap());
        }
        (_, Kind::Text | Kind::Path) => "\"/other\"",
        (_, Kind::List) => "[\"a\", \"b\"]",
        (_, Kind::Octal) => "\"0700\"",
        (_, Kind::Addresses) => "[\"127.0.0.2\", \"::1\"]",
        (_, Kind::SocketOrOff) => "\"127.0.0.1:9930\"",
        (_, Kind::Host) => "\"db.internal\"",
        (_, Kind::Secret) => "\"other\"",
    };
    text.into()
}

fn file_with(setting: &Setting, value: &str) -> String {
    let mut sections = [
        (Section::Proxy, "[proxy]\nworkers = 2\n"),
        (Section::Server, "[server.main]\nhost = \"127.0.0.1\"\n"),
        (
            Section::Database,
            "[server.second]\nhost = \"::1\"\n[database.shop]\nserver = \"main\"\nuser = \"u\"\n",
        ),
        (Section::User, "[user.app]\npassword = \"x\"\n"),
        (Section::Admin, "[admin]\n"),
        (Section::Target, "[target.prod]\ndsn = \"x\"\n"),
        (Section::Checks, "[checks]\n"),
    ];
    sections.sort_by_key(|(section, _)| *section != setting.section);
    let mut text = String::new();
    for (section, lines) in sections {
        let own = |line: &&str| section == setting.section && line.starts_with(&format!("{} =", setting.key));
        text.extend(lines.lines().filter(|line| !own(line)).map(|line| format!("{line}\n")));
        if section == setting.section {
            text.push_str(&format!("{} = {value}\n", setting.key));
        }
    }
    text
}

#[test]
fn every_setting_of_the_catalogue_is_read_and_changes_exactly_its_own_field() {
    let plain = Setting { key: "-", ..*catalog::find(Section::Proxy, "workers").unwrap() };
    let before = accepted(&file_with(&plain, "").replace("- = \n", ""));
    for setting in catalog::all() {
        let value = other(setting);
        let after = accepted(&file_with(setting, &value));
        let changed: Vec<_> = after
            .explained
            .rows
            .iter()
            .filter(|row| {
                !before
                    .explained
                    .rows
                    .iter()
                    .any(|old| (&old.head, old.setting, &old.text) == (&row.head, row.setting, &row.text))
            })
            .map(|row| (row.setting.section, row.setting.key))
            .collect();
        let secret = setting.kind == Kind::Secret && setting.section == Section::User;
        if setting.section == Section::Target && setting.key == "dsn" {
            assert_eq!(after.config.targets["prod"].dsn.as_ref().unwrap().expose(), "other");
        } else if secret {
            assert_eq!(after.config.users["app"].password.as_ref().unwrap().expose(), "other");
        } else if setting.key == "auth_file" {
            assert!(changed.contains(&(Section::Proxy, "auth_file")), "{changed:?}");
        } else {
            assert_eq!(changed, [(setting.section, setting.key)], "{value}");
        }
        assert_ne!(after.config, before.config, "{}", setting.key);
    }
}

#[test]
fn every_setting_says_what_it_means() {
    for setting in catalog::all() {
        assert!(setting.meaning.ends_with('.') && setting.meaning.len() < 200, "{}", setting.key);
    }
}

#[test]
fn nothing_is_both_built_and_not() {
    for key in catalog::unbuilt::samples() {
        let built = catalog::all().any(|setting| setting.key == key);
        assert!(!built, "{key} is in the catalogue");
        assert!(catalog::unbuilt::key(key).is_some(), "{key}");
    }
    for setting in catalog::all() {
        assert_eq!(catalog::unbuilt::key(setting.key), None, "{}", setting.key);
    }
}

#[test]
fn each_value_tells_where_it_came_from() {
    let text = "[proxy]\nlisten_port = 7000\nauth_file = \"users.txt\"\n[server.main]\nhost = \"db\"\n[database.\"*\"]\n";
    let source = Source { path: "c.toml".into(), text: text.into() };
    let above = |key: &str, text: &str, place| Override {
        section: Section::Proxy,
        key: key.into(),
        text: text.into(),
        place,
    };
    let overrides = [
        above("workers", "4", Place::CommandLine("--workers".into())),
        above("unix_socket_dir", "/run/connwarden", Place::Environment("RUNTIME_DIRECTORY".into())),
        above("listen_port", "1", Place::Environment("PORT".into())),
    ];
    let loaded = load(source, &overrides, &World).unwrap();
    assert_eq!((loaded.config.proxy.workers, loaded.config.proxy.listen_port), (4, 7000));
    let shown = loaded.explained.to_toml(true);
    let expected = "\
[proxy]
listen_port = 7000                           # c.toml:2
unix_socket_dir = \"/run/connwarden\"          # $RUNTIME_DIRECTORY
workers = 4                                  # --workers
auth_file = \"users.txt\"                      # c.toml:3

[server.main]
host = \"db\"                                  # c.toml:5

[database.\"*\"]

[user.app]
password = \"***\"                             # user list users.txt

[user.listed]
password = \"***\"                             # user list users.txt

[user.old]
password = \"***\"                             # user list users.txt
";
    assert_eq!(shown, expected);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let text = "[proxy]\nlisten_addr = [\"127.0.0.1\", \"::1\"]\nignore_startup_parameters = \"a, b\"\n[server.main]\nhost = \"/run\"\n[database.\"*\"]\nconnect_query = \"select '\\\\\\\"'\"\n[user.app]\npassword = \"x\"\n";
    let first = accepted(text);
    let second = accepted(&first.explained.to_toml(false).replace("***", "x"));
    assert_eq!(first.config, second.config);
}

#[test]
fn secrets_come_from_where_the_file_says() {
    let loaded = accepted(
        "[server.main]\nhost = \"db\"\n[database.\"*\"]\n[user.a]\npassword = { env = \"APP_PASSWORD\" }\n[user.b]\npassword = { file = \"/secret\" }\n",
    );
    let password = |name: &str| loaded.config.users[name].password.clone().unwrap();
    assert_eq!(password("a").expose(), "from the environment");
    assert_eq!(password("b").expose(), "from a file");
    assert!(!loaded.explained.to_toml(false).contains("from "));
}

#[test]
fn a_url_is_a_whole_configuration() {
    let url = server_url::parse("postgres://app:geheim@10.0.0.7/shop").unwrap();
    let mode = Override {
        section: Section::Proxy,
        key: "pool_mode".into(),
        text: "session".into(),
        place: Place::CommandLine("--pool-mode".into()),
    };
    let loaded = load_made(url.to_config(), "--server", &[mode], &World).unwrap();
    let pool = loaded.config.pool("shop", "app").unwrap();
    assert_eq!(pool.server.host, Host::Ip([10, 0, 0, 7].into()));
    assert_eq!((pool.mode, pool.login.secret.unwrap().expose()), (PoolMode::Session, "geheim"));
    assert_eq!(loaded.config.proxy.auth_type, AuthType::ScramSha256);
    let shown = loaded.explained.to_toml(true);
    assert!(shown.contains("host = \"10.0.0.7\"                            # --server"), "{shown}");
    assert!(!shown.contains("geheim"));
}

#[test]
fn a_url_without_a_password_is_trusted_on_this_machine_only() {
    let url = server_url::parse("postgres://app@localhost/shop").unwrap();
    let loaded = load_made(url.to_config(), "--server", &[], &World).unwrap();
    assert_eq!(loaded.config.proxy.auth_type, AuthType::Trust);
    let open = Override {
        section: Section::Proxy,
        key: "listen_addr".into(),
        text: "*".into(),
        place: Place::CommandLine("--listen-addr".into()),
    };
    let report = load_made(url.to_config(), "--server", &[open], &World).unwrap_err().to_string();
    assert!(report.contains("lets everybody in"), "{report}");
}

fn aim(text: &str, name: &str) -> Result<String, String> {
    let source = Source { path: "c.toml".into(), text: text.into() };
    let (found, warnings) = target(source, name, &World).map_err(|report| report.to_string())?;
    assert_eq!(warnings, Vec::<String>::new(), "nothing lies open");
    Ok(format!("{} {}", found.dsn.unwrap().expose(), found.protected))
}

#[test]
fn a_target_is_read_by_itself_and_its_secret_only_when_it_is_used() {
    let text = "[target.dev]\ndsn = \"host=/tmp\"\n[target.prod]\ndsn = { env = \"APP_PASSWORD\" }\nprotected = true\n\
                [target.lost]\ndsn = { env = \"NOT_SET\" }\n";
    assert_eq!(aim(text, "dev").as_deref(), Ok("host=/tmp false"));
    assert_eq!(aim(text, "prod").as_deref(), Ok("from the environment true"));
    assert!(aim(text, "lost").unwrap_err().contains("NOT_SET is not set"));
    assert!(aim(text, "prd").unwrap_err().contains("the file has dev, lost, prod"));
    let loaded = accepted(text);
    assert!(loaded.config.is_for_looking_only(), "a file for commands needs no server");
    assert!(!loaded.explained.to_toml(false).contains("host=/tmp"), "a DSN may hold a password");
}

#[test]
fn a_target_without_a_dsn_is_a_mistake_whoever_reads_the_file() {
    let text = "[target.prod]\nprotected = true\n";
    assert!(aim(text, "prod").unwrap_err().contains("[target.prod] has no dsn"));
    let source = Source { path: "c.toml".into(), text: text.into() };
    let report = load(source, &[], &World).unwrap_err().to_string();
    assert!(report.contains("c.toml:1:") && report.contains("[target.prod] has no dsn"), "{report}");
}
