//! The rights that looking and closing need, as SQL for a superuser to run: no more than that.

use crate::connect::{Answer, AskError};
use crate::form::clean;
use crate::quote;

/// Slots of the tool's own role: a look, a monitor, and one that waits for the other two.
const CONNECTION_LIMIT: u32 = 5;
const RESERVED: u32 = 2;

/// A role on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// Nobody of that name.
    Not,
    /// It exists and may log in.
    LogsIn,
    /// It exists with NOLOGIN.
    CannotLogIn,
}

/// What is known of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct For {
    /// The role that shall be able to look.
    pub role: String,
    /// The server's major version.
    pub major: u32,
    /// Whether the role is there already; `None` where no server was asked.
    pub there: Option<There>,
    /// `reserved_connections` as it is; `None` where no server was asked.
    pub reserved: Option<u32>,
}

/// What a server is asked for a role.
pub fn question(role: &str) -> String {
    format!(
        "SELECT current_setting('server_version_num')::int / 10000 AS major,
                coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
                (SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = {}) AS logs_in",
        quote::value(role)
    )
}

/// What its answer tells.
///
/// # Errors
/// An answer of another shape.
pub fn answered(role: String, answer: &Answer) -> Result<For, AskError> {
    let row = answer.only()?;
    let there = match row.text("logs_in")? {
        None => There::Not,
        Some("t") => There::LogsIn,
        Some(_) => There::CannotLogIn,
    };
    Ok(For { role, major: row.value("major")?, there: Some(there), reserved: Some(row.value("reserved")?) })
}

/// The statements, each with its reason. `psql` takes them as they are.
pub fn sql(wanted: &For) -> String {
    let role = quote::name(&wanted.role);
    let mut out = format!(
        "-- What connwarden needs on PostgreSQL {}, for the role {}. Run it as a superuser; each part stands alone.\n\n",
        wanted.major,
        clean(&wanted.role)
    );
    if let Some(there @ (There::LogsIn | There::CannotLogIn)) = wanted.there {
        let login = if there == There::CannotLogIn { "LOGIN " } else { "" };
        out.push_str(&format!(
            "-- The role exists. The limit keeps the tool itself from filling the server.\nALTER ROLE {role} {login}CONNECTION \
             LIMIT {CONNECTION_LIMIT};\n"
        ));
    } else {
        out.push_str(&format!(
            "-- The limit keeps the tool itself from filling the server.\nCREATE ROLE {role} LOGIN CONNECTION LIMIT \
             {CONNECTION_LIMIT};\n-- Then give it a password, which psql does not send in clear:  \\password {role}\n"
        ));
    }
    out.push_str(&format!(
        "\n-- To look: states, ages, clients and statements of all sessions (status, health, doctor, monitor).\nGRANT pg_monitor \
         TO {role};\n\n-- To act: close-idle, force-close, cancel. Sessions of superusers stay out of its reach.\nGRANT \
         pg_signal_backend TO {role};\n"
    ));
    if wanted.major >= 16 {
        out.push_str(&reserved(wanted, &role));
    }
    out.push_str(&format!(
        "\n-- The last way in, when every slot is gone, the superusers' too: a walsender has a slot of its own\n-- \
         (max_wal_senders). The price: such a role can stream the whole cluster, every database and every\n-- password hash. Left \
         out unless you take the comment marks off; pg_hba.conf needs no line for it, since\n-- the login names a database.\n-- \
         ALTER ROLE {role} REPLICATION;\n"
    ));
    out
}

fn reserved(wanted: &For, role: &str) -> String {
    let mut out = format!(
        "\n-- To get in when applications have filled the server: slots that are kept back for this right.\nGRANT \
         pg_use_reserved_connections TO {role};\n"
    );
    match wanted.reserved {
        Some(kept) if kept >= RESERVED => {
            out.push_str(&format!("-- reserved_connections is {kept}: enough.\n"));
        }
        Some(_) | None => out.push_str(&format!(
            "-- It needs slots to be kept back, which takes a restart; a reload does not do it.\nALTER SYSTEM SET \
             reserved_connections = {RESERVED};\n"
        )),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(major: u32) -> For {
        For { role: "connwarden".into(), major, there: None, reserved: None }
    }

    /// Statements, without the comments.
    fn statements(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect()
    }

    #[test]
    fn an_old_server_gets_three_statements() {
        assert_eq!(
            statements(&sql(&made(15))),
            [
                "CREATE ROLE \"connwarden\" LOGIN CONNECTION LIMIT 5;",
                "GRANT pg_monitor TO \"connwarden\";",
                "GRANT pg_signal_backend TO \"connwarden\";",
            ]
        );
    }

    #[test]
    fn a_newer_server_keeps_slots_back() {
        let text = sql(&made(16));
        assert_eq!(
            statements(&text)[3..],
            [
                "GRANT pg_use_reserved_connections TO \"connwarden\";",
                "ALTER SYSTEM SET reserved_connections = 2;",
            ]
        );
        let enough = sql(&For { reserved: Some(3), ..made(18) });
        assert!(!enough.contains("ALTER SYSTEM") && enough.contains("is 3: enough"), "{enough}");
    }

    #[test]
    fn replication_is_never_given_unasked() {
        for major in [12, 18] {
            assert!(statements(&sql(&made(major))).iter().all(|line| !line.contains("REPLICATION")));
        }
    }

    #[test]
    fn a_role_that_exists_is_not_created_and_no_name_breaks_out() {
        let odd = For { role: "a\"; DROP ROLE x; --\n".into(), there: Some(There::LogsIn), ..made(15) };
        let text = sql(&odd);
        assert_eq!(
            statements(&text)[0],
            "ALTER ROLE U&\"a\"\"; DROP ROLE x; --\\+00000A\" CONNECTION LIMIT 5;"
        );
        assert!(!text.contains("CREATE ROLE"));
        let group = For { there: Some(There::CannotLogIn), ..made(15) };
        assert_eq!(statements(&sql(&group))[0], "ALTER ROLE \"connwarden\" LOGIN CONNECTION LIMIT 5;");
    }
}
