//! Doing what was said: the right is looked at first, then somebody else does the work.

use std::sync::Arc;

use engine::orders::Scope;
use engine::steward::{Answer, Command, Shutdown};
use model::id::PublicId;
use wire::sqlstate::SqlState;

use super::grammar::{Misunderstood, Statement};
use super::record;
use super::reply::{Failure, Reply};
use super::rights::{Right, Verb, VerbLine};
use super::show;
use super::table::{Table, text};
use crate::control::Hub;

/// The right a statement needs.
pub(super) fn needs(statement: &Statement) -> Right {
    match statement {
        Statement::Empty | Statement::Pretend(_) | Statement::SetPretence | Statement::Nothing(_) => {
            Right::Stats
        }
        Statement::Show(line) => line.right,
        Statement::Act(line, _) | Statement::Record { line, .. } => line.right,
        Statement::Set { .. } => Right::Admin,
    }
}

/// Does what was said, by somebody with this right. May take as long as an operator is willing to wait.
///
/// # Errors
/// [`Failure`], to be told to the guest.
pub(super) async fn execute(
    hub: &Arc<Hub>,
    right: Right,
    said: &str,
    statement: &Statement,
) -> Result<Reply, Failure> {
    if needs(statement) > right {
        return Err(Failure::plain("admin access needed"));
    }
    match statement {
        Statement::Empty => Ok(Reply::Empty),
        Statement::Nothing(tag) => Ok(Reply::done(*tag)),
        Statement::Show(line) => show::show(hub, line).await,
        Statement::Pretend(pretence) => {
            Ok(Reply::Rows(Table::new(pretence.columns, vec![vec![text(pretence.value)]])))
        }
        Statement::SetPretence => Ok(Reply::noted("SET", "SET ignored", None)),
        Statement::Set { key, value } => match hub.set(key, value).await {
            Ok(()) => Ok(Reply::done(format!("SET {key}={value}"))),
            Err(why) => Err(Failure::explained("SET failed", why.to_string())),
        },
        Statement::Record { file, time, .. } => record::start(hub, file, time).await,
        Statement::Act(line, argument) => act(hub, line, argument.as_deref(), said).await,
    }
}

async fn act(hub: &Arc<Hub>, line: &VerbLine, argument: Option<&str>, said: &str) -> Result<Reply, Failure> {
    let scope = || match argument {
        Some(name) if !name.is_empty() => Scope::Database(name.into()),
        _ => Scope::All,
    };
    let database = || match scope() {
        Scope::Database(name) => Ok(name),
        Scope::All => Err(Failure::plain("a database is required")),
    };
    let command = match line.verb {
        Verb::Pause => Command::Pause(scope()),
        Verb::Resume => Command::Resume(scope()),
        Verb::Reconnect => Command::Reconnect(scope()),
        Verb::WaitClose => Command::WaitClose(scope()),
        Verb::Kill => Command::Kill(scope()),
        Verb::KillClient => Command::KillClient(client(argument)?),
        Verb::Disable => Command::Disable(database()?),
        Verb::Enable => Command::Enable(database()?),
        Verb::Shutdown => Command::Shutdown(ending(argument, said)?),
        Verb::Suspend => {
            let why = "it serves a process that takes connections over, and none does yet: start the new one beside the \
                       old one on the same port";
            return Err(Failure::explained("SUSPEND is not supported", why));
        }
        Verb::Record => return record::stop(hub, argument).await,
        Verb::Reload => return reload(hub).await,
    };
    match hub.ask(command).await? {
        Answer::Done => Ok(Reply::done(line.word.to_ascii_uppercase())),
        Answer::Error(text) => Err(Failure::plain(text)),
        Answer::Page(_) | Answer::Books(_) | Answer::Number(_) => {
            Err(Failure::plain("an answer to another question"))
        }
    }
}

async fn reload(hub: &Arc<Hub>) -> Result<Reply, Failure> {
    match hub.reload().await {
        Ok(()) => Ok(Reply::done("RELOAD")),
        Err(text) => Err(Failure::Error {
            code: SqlState::from_bytes(b"F0000").unwrap_or(SqlState::PROTOCOL_VIOLATION),
            message: "RELOAD failed, see logs for additional details".into(),
            detail: Some(text),
        }),
    }
}

/// The digits at the front of the argument, as PgBouncer reads them.
fn client(argument: Option<&str>) -> Result<PublicId, Failure> {
    let digits = argument.unwrap_or_default();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().map(PublicId).map_err(|_| Failure::plain("invalid client pointer supplied"))
}

fn ending(argument: Option<&str>, said: &str) -> Result<Shutdown, Failure> {
    match argument.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(Shutdown::Now),
        Some("wait_for_clients") => Ok(Shutdown::WaitForClients),
        Some("wait_for_servers") => Ok(Shutdown::WaitForServers),
        Some(_) => Err(Failure::plain(Misunderstood::Syntax(said.into()).to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar::parse;
    use super::super::rights::{TOPICS, Topic, VERBS};
    use super::*;

    /// The whole table: who may look, may only look.
    #[test]
    fn every_verb_commands_and_every_topic_but_one_only_shows() {
        for line in VERBS {
            let said = format!("{} x", line.word);
            let statement = parse(&said).or_else(|_| parse(line.word)).expect("every verb is understood");
            assert_eq!(needs(&statement), Right::Admin, "{}", line.word);
        }
        for line in TOPICS {
            let statement = parse(&format!("SHOW {}", line.word)).expect("every topic is understood");
            let right = if line.topic == Topic::Fds { Right::Admin } else { Right::Stats };
            assert_eq!(needs(&statement), right, "{}", line.word);
        }
        let record = parse("RECORD '/tmp/x' FOR 1s").expect("it is understood");
        assert_eq!(needs(&record), Right::Admin);
        let set = parse("SET pool_mode = session").expect("it is understood");
        assert_eq!(needs(&set), Right::Admin);
    }

    #[test]
    fn a_clients_number_is_read_as_far_as_it_goes() {
        assert_eq!(client(Some("12")), Ok(PublicId(12)));
        assert_eq!(client(Some("12abc")), Ok(PublicId(12)));
        for bad in [None, Some(""), Some("abc"), Some("99999999999999999999999")] {
            assert!(client(bad).is_err(), "{bad:?}");
        }
    }
}
