//! A file over the compose file: `docker compose -f compose.yaml -f compose.connwarden.yaml up`.

use std::fmt::Write;

use super::{Out, Set, Sheet, Sized, Wanted, head, proxy, quoted};
use crate::place::beside;
use crate::pools::Server;
use crate::secrecy::may_hold_secret;
use crate::{Container, Looked, setting};

const NAME: &str = "compose.connwarden.yaml";

pub(super) fn write(
    out: &mut Out<'_, '_>,
    wanted: &Wanted,
    sheet: &Sheet<'_, '_>,
    sized: &Sized,
    set: &[Set],
    env_file: Option<&str>,
    why: &mut Vec<String>,
) {
    let scene = out.scene;
    let is_service = |looked: &&Looked<'_>| looked.workload.kind == "service";
    let Some(first) = scene.looked.iter().find(is_service) else { return };
    let file = &*first.workload.place.file;
    let mut body = String::new();
    for (at, looked) in scene.looked.iter().enumerate().filter(|(_, looked)| is_service(looked)) {
        let own = set.iter().filter(|one| one.container == at);
        let variables: Vec<&Set> = own.collect();
        let command = sheet
            .found
            .filter(|(server, _)| std::ptr::eq(server.container, looked.container))
            .and_then(|(_, server)| command(looked.container, server, sheet, why));
        if variables.is_empty() && command.is_none() {
            continue;
        }
        let _ = writeln!(body, "  {}:", key(&looked.workload.name));
        body.push_str(&command.unwrap_or_default());
        if !variables.is_empty() {
            body.push_str("    environment:\n");
        }
        for one in variables {
            let _ = writeln!(body, "      {}: {}", one.name, quoted(&escaped(&one.value)));
        }
    }
    if let Some(made) = &sized.proxy {
        body.push_str(&front(made, sheet));
        why.push(format!(
            "{}: image: docker build -f packaging/Dockerfile makes it, from connwarden's own sources",
            proxy::NAME
        ));
    }
    if body.is_empty() {
        return;
    }
    let short = file.rsplit('/').next().unwrap_or(file);
    let variables = env_file.map(|path| format!("--env-file {} ", path.rsplit('/').next().unwrap_or(path)));
    let how = format!("docker compose {}-f {short} -f {NAME} up -d", variables.unwrap_or_default());
    out.put(beside(file, NAME), format!("{}services:\n{body}", head(wanted, &how)));
}

/// The server's command: a list, in which a comment stays a comment. It replaces the one there is, so what that one says
/// and we don't is said again; `None` where it says more than settings.
fn command(
    container: &Container,
    server: &Server,
    sheet: &Sheet<'_, '_>,
    why: &mut Vec<String>,
) -> Option<String> {
    let kept = match kept(container, server) {
        Ok(kept) => kept,
        Err(because) => {
            why.push(format!(
                "{}: its command {because}, so it is not written anew: put the settings of the conf file there",
                container.name
            ));
            return None;
        }
    };
    let ours = |name: &str| sheet.settings.iter().any(|line| line.name.eq_ignore_ascii_case(name));
    let same = sheet.settings.iter().all(|line| {
        server
            .setting(line.name)
            .is_some_and(|value| container.says_at(&value.place) && setting::same(&value.text, &line.value))
    });
    if same {
        return None;
    }
    let mut out = String::from("    command:\n      - postgres\n");
    let mut put = |name: &str, value: &str| {
        let _ = writeln!(out, "      - -c\n      - {}", quoted(&escaped(&format!("{name}={value}"))));
    };
    for (name, value) in kept.iter().filter(|(name, _)| !ours(name)) {
        put(name, value);
    }
    for line in &sheet.settings {
        put(line.name, &line.value);
    }
    Some(out)
}

/// The settings of a command that is nothing but settings, else why it cannot be repeated. What follows a `#` was meant
/// as a comment.
fn kept(container: &Container, server: &Server) -> Result<Vec<(String, String)>, String> {
    let mut lines: Vec<u32> = Vec::new();
    for word in container.command.iter().filter(|word| word.text.starts_with('#')) {
        lines.push(word.place.line);
    }
    let commented = |line: u32| lines.contains(&line);
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in server.settings.iter().filter(|(_, value)| container.says_at(&value.place)) {
        // A file over another replaces a command as a whole: what must not be repeated keeps all of it from being written.
        if !is_repeatable(&name.text, &value.text) {
            return Err(format!("sets {}, which may hold a secret", name.text));
        }
        kept.retain(|(known, _)| !known.eq_ignore_ascii_case(&name.text));
        kept.push((name.text.clone(), value.text.clone()));
    }
    let known = |text: &str| {
        let name = text.trim_start_matches('-').strip_prefix('c').unwrap_or(text);
        let name = text.strip_prefix("--").unwrap_or(name).replace('-', "_");
        let name = name.split('=').next().unwrap_or("").to_ascii_lowercase();
        matches!(text, "postgres" | "-c" | "docker-entrypoint.sh")
            || kept
                .iter()
                .any(|(own, _)| own.eq_ignore_ascii_case(&name) || text.starts_with(&format!("{own}=")))
    };
    let words = container.command.iter().filter(|word| !commented(word.place.line));
    match words.clone().all(|word| known(&word.text)) {
        true => Ok(kept),
        false => Err("holds more than settings".to_owned()),
    }
}

/// Whether a setting can be said again in a file that is printed.
fn is_repeatable(name: &str, value: &str) -> bool {
    // Their names sound like secrets; they are places of files, and the name of a method.
    let known = ["ssl_cert_file", "ssl_key_file", "ssl_ca_file", "ssl_crl_file", "krb_server_keyfile"];
    let is_path = value.starts_with('/') && !value.contains([' ', '=', ':']);
    let method = name.eq_ignore_ascii_case("password_encryption") && matches!(value, "scram-sha-256" | "md5");
    let named = known.iter().any(|own| own.eq_ignore_ascii_case(name)) && is_path;
    named || method || setting::is_plain(name, value) || !may_hold_secret(&format!("{name}={value}"))
}

/// The proxy's service.
fn front(made: &proxy::Proxy, sheet: &Sheet<'_, '_>) -> String {
    let mut out = format!(
        "  {}:\n    image: connwarden:{}\n    restart: unless-stopped\n",
        proxy::NAME,
        env!("CARGO_PKG_VERSION")
    );
    let server = sheet.found.filter(|(looked, _)| looked.workload.kind == "service");
    if let Some((looked, _)) = server {
        let _ = writeln!(out, "    depends_on:\n      - {}", key(&looked.workload.name));
    }
    let mut users: Vec<&str> = made.pools.iter().map(|(_, user)| user.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    out.push_str("    environment:\n");
    for user in users {
        let name = proxy::Proxy::password_of(user);
        let _ = writeln!(out, "      {name}: ${{{name}:?the password of the role}}");
    }
    out.push_str("    volumes:\n      - ./connwarden.toml:/etc/connwarden/connwarden.toml:ro\n");
    // Longer than the time it takes to send its clients away.
    out.push_str("    stop_grace_period: 40s\n");
    out
}

/// Compose reads `$` in every value.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

fn key(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let number = name.chars().all(|c| c.is_ascii_digit());
    if plain && !number { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_repeated_unless_they_may_hold_a_secret() {
        for (name, value) in [
            ("log_line_prefix", "%m [%p] "),
            ("shared_preload_libraries", "pg_stat_statements"),
            ("ssl_key_file", "/etc/ssl/server.key"),
            ("password_encryption", "scram-sha-256"),
            ("authentication_timeout", "30s"),
        ] {
            assert!(is_repeatable(name, value), "{name}");
        }
        for (name, value) in [
            ("primary_conninfo", "host=db"),
            ("archive_command", "curl https://u:hunter2@store/%f"),
            ("restore_command", "AWS_SECRET=hunter2 get %f"),
            ("ssl_passphrase_command", "echo hunter2"),
            ("pgcrypto.key", "hunter2"),
        ] {
            assert!(!is_repeatable(name, value), "{name}");
        }
    }

    #[test]
    fn names_and_values_survive_yaml_and_compose() {
        assert_eq!(
            (key("api-1"), key("8080"), key("a: b")),
            ("api-1".into(), "\"8080\"".into(), "\"a: b\"".into())
        );
        assert_eq!(quoted(&escaped("a$b\"c\n")), "\"a$$b\\\"c\\n\"");
    }
}
