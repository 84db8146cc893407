//! `connwarden grants`: the rights that a role needs to look and to act, as SQL.

use clap::Args;
use inspect::connect::AskError;
use inspect::grants::{For, answered, question, sql};

use crate::doctor::major;
use crate::exit::Exit;
use crate::say;
use crate::server::{Failed, ServerOptions};

const EXAMPLES: &str = "\
Prints statements with their reasons; nothing is run. What a version does not know is
left out, and a role that exists is not created.

Examples:
  connwarden grants
  connwarden grants --for-role watch | psql -U postgres
  connwarden grants --server-version 16            ask no server

Exit codes: 0 done, 3 server not reached, 64 usage.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct GrantsOptions {
    /// The role that shall be able to look and to act
    #[arg(long, value_name = "NAME", default_value = "connwarden", value_parser = role)]
    for_role: String,
    /// Ask no server: print the statements for this version
    #[arg(long, value_name = "MAJOR", value_parser = major)]
    server_version: Option<u32>,
    #[command(flatten)]
    server: ServerOptions,
}

/// What PostgreSQL takes for a role's name.
fn role(text: &str) -> Result<String, String> {
    match text {
        "" => Err("a role has a name".to_owned()),
        "public" | "none" => Err(format!("PostgreSQL keeps the name {text} for itself")),
        _ if text.starts_with("pg_") => {
            Err("PostgreSQL keeps names that begin with pg_ for itself".to_owned())
        }
        _ if text.len() > 63 => Err("a name has at most 63 bytes".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// `grants`.
pub(crate) async fn run(options: GrantsOptions) -> Exit {
    let wanted = match options.server_version {
        Some(major) => Ok(For { role: options.for_role.clone(), major, there: None, reserved: None }),
        None => ask(&options).await,
    };
    match wanted {
        Ok(wanted) => {
            say::out(&sql(&wanted));
            Exit::Done
        }
        Err(mut failed) => {
            let offline = "--server-version 16 prints them without asking a server";
            let hint = failed.report.hint.take();
            failed.report.hint =
                Some(hint.map_or_else(|| offline.to_owned(), |hint| format!("{hint}\n{offline}")));
            failed.tell()
        }
    }
}

async fn ask(options: &GrantsOptions) -> Result<For, Failed> {
    let mut connection = options.server.connect("connwarden grants").await?;
    let answers = connection.ask(&question(&options.for_role)).await?;
    connection.close().await;
    let answer = answers.first().ok_or_else(|| AskError::Shape("no answer".into()))?;
    Ok(answered(options.for_role.clone(), answer)?)
}
