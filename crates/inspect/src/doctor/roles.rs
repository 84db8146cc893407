//! Who logs in as whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{Effect, Evidence, Outcome, Remedy, Severity, listed};
use crate::form::{clean_within, count};
use crate::quote;

/// Most roles that statements are printed for.
const ROLES_MAX: usize = 10;
/// In per cent of the sessions: more without a name, and the census is blind.
const NAMELESS_WARN_PERCENT: u32 = 50;

/// An application as superuser: docker's POSTGRES_USER is one.
pub(super) fn superuser_application(evidence: &Evidence) -> Outcome {
    let own = &evidence.sample.facts.user;
    let mut held: BTreeMap<(&str, &str), (u32, BTreeSet<&str>)> = BTreeMap::new();
    for session in evidence.applications().filter(|session| session.is_superuser) {
        let role = session.user.as_deref().unwrap_or_default();
        // One nameless session of the role that looks is as likely a person's as an application's.
        if session.application.is_empty()
            && role == own.as_str()
            && !matches!(session.client, crate::catalog::Client::Address(..))
        {
            continue;
        }
        let database = session.database.as_deref().unwrap_or_default();
        let (sessions, names) = held.entry((role, database)).or_default();
        *sessions += 1;
        names.insert(&session.application);
    }
    if held.is_empty() {
        return Outcome::Fine("no application is logged in as superuser".to_owned());
    }
    let sessions: u32 = held.values().map(|(sessions, _)| sessions).sum();
    let names: BTreeSet<&str> = held.values().flat_map(|(_, names)| names.iter().copied()).collect();
    let roles: BTreeSet<&str> = held.keys().map(|(role, _)| *role).collect();
    // Of each database one role, whoever the superusers were.
    let mut databases: BTreeMap<&str, u32> = BTreeMap::new();
    for ((_, database), (sessions, _)) in &held {
        *databases.entry(database).or_default() += sessions;
    }
    let write = databases
        .into_iter()
        .take(ROLES_MAX)
        .map(|(database, sessions)| {
            let app = quote::name(&format!("{database}_app"));
            Remedy::Sql(
                format!(
                    "CREATE ROLE {app} LOGIN CONNECTION LIMIT {};\nGRANT CONNECT, TEMPORARY ON DATABASE {} TO {app};\n\
                     -- then, inside that database:\n\
                     GRANT USAGE, CREATE ON SCHEMA public TO {app};\n\
                     GRANT ALL ON ALL TABLES IN SCHEMA public TO {app};\n\
                     GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {app};\n\
                     -- set its password with psql's \\password, then change the application's",
                    (sessions * 2).max(10),
                    quote::name(database)
                ),
                Effect::NewSessions,
            )
        })
        .collect();
    Outcome::advised(
        Severity::Warning,
        format!(
            "{} of {} logged in as superuser ({})",
            count(sessions, "session"),
            listed(names),
            listed(roles)
        ),
        format!(
            "a superuser passes every CONNECTION LIMIT and takes the slots that are kept back for you ({} of {}): when it \
             fills the server, everybody reads \"sorry, too many clients already\" and nobody gets in. It also owns the \
             whole cluster for whoever finds a hole in the application",
            evidence.sample.facts.superuser_reserved, evidence.sample.facts.max_connections
        ),
        write,
    )
}

/// An application's role that may copy the cluster.
pub(super) fn replication(evidence: &Evidence) -> Outcome {
    let connected = evidence.application_roles();
    let able = |(name, _): &(&str, u32)| evidence.setup.role(name).is_some_and(|role| role.is_replication);
    let roles: Vec<&str> = connected.iter().filter(|role| able(role)).map(|(name, _)| *name).collect();
    if roles.is_empty() {
        return Outcome::Fine("no connected application's role has REPLICATION".to_owned());
    }
    let sql =
        |role: &&str| Remedy::Sql(format!("ALTER ROLE {} NOREPLICATION;", quote::name(role)), Effect::Now);
    Outcome::advised(
        Severity::Advice,
        format!("roles of applications that may replicate: {}", listed(roles.iter().copied())),
        "a role with REPLICATION can stream the whole cluster, every database and every password hash. A role of its own \
         for standbys, backups or change capture keeps that away from the application",
        roles.iter().take(ROLES_MAX).map(sql).collect(),
    )
}

/// Roles that can take everything.
pub(super) fn limits(evidence: &Evidence) -> Outcome {
    let usable = evidence.sample.facts.usable();
    let roles = evidence.application_roles();
    if roles.is_empty() {
        return Outcome::Fine("no application is connected".to_owned());
    }
    let unlimited =
        |(name, _): &&(&str, u32)| evidence.setup.role(name).is_some_and(|role| role.limit.is_none());
    let without: Vec<&(&str, u32)> = roles.iter().filter(unlimited).collect();
    if without.is_empty() {
        return Outcome::Fine("every connected application's role has a CONNECTION LIMIT".to_owned());
    }
    let sql = |(name, held): &&(&str, u32)| {
        let limit = (held * 2).max(10).min((usable * 7 / 10).max(1));
        Remedy::Sql(
            format!("ALTER ROLE {} CONNECTION LIMIT {limit};", quote::name(name)),
            Effect::NewSessions,
        )
    };
    Outcome::advised(
        if roles.len() > 1 { Severity::Warning } else { Severity::Advice },
        format!("no CONNECTION LIMIT for {}", listed(without.iter().map(|(name, _)| *name))),
        format!(
            "any of them can take all {usable} usable slots, and the others' logins are refused. A limit keeps the harm of a \
             leak with whoever leaks. The numbers below are twice what each holds now, at most 70 % of the slots: set yours \
             to processes x connections, with room for a rollout"
        ),
        without.iter().take(ROLES_MAX).map(sql).collect(),
    )
}

/// One role for several applications.
pub(super) fn shared(evidence: &Evidence) -> Outcome {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for session in evidence.applications().filter(|session| !session.application.is_empty()) {
        names.entry(session.user.as_deref().unwrap_or_default()).or_default().insert(&session.application);
    }
    let shared: Vec<_> = names.into_iter().filter(|(_, names)| names.len() > 1).collect();
    let Some((_, first)) = shared.first() else {
        return Outcome::Fine("each role serves one application".to_owned());
    };
    let text = shared.iter().map(|(role, names)| {
        format!("role {} serves {}", clean_within(role, 40), listed(names.iter().copied()))
    });
    let app = first.iter().next().copied().unwrap_or_default();
    Outcome::advised(
        Severity::Advice,
        text.collect::<Vec<_>>().join("; "),
        "a CONNECTION LIMIT, a timeout and a right hold for the role: applications that share one cannot be told apart, and one \
         of them can take the other's slots",
        vec![Remedy::Sql(
            format!("CREATE ROLE {} LOGIN CONNECTION LIMIT 20;", quote::name(app)),
            Effect::NewSessions,
        )],
    )
}

/// Sessions that say no name.
pub(super) fn names(evidence: &Evidence) -> Outcome {
    let all = evidence.sample.slot_holders().count() as u32;
    let nameless =
        evidence.sample.slot_holders().filter(|session| session.application.is_empty()).count() as u32;
    if all == 0 {
        return Outcome::Fine("nobody is connected".to_owned());
    }
    if nameless == 0 {
        return Outcome::Fine(format!("every one of {} has a name", count(all, "session")));
    }
    let percent = nameless * 100 / all.max(1);
    Outcome::advised(
        if percent >= NAMELESS_WARN_PERCENT { Severity::Warning } else { Severity::Advice },
        format!("{nameless} of {} without an application_name ({percent} %)", count(all, "session")),
        "when the server is full, the name is what tells whose sessions they are. Django sends none by itself, most drivers \
         don't either",
        vec![
            Remedy::Application("DATABASE_URL=postgres://.../shop?application_name=shop-api".to_owned()),
            Remedy::Application(
                "\"OPTIONS\": {\"application_name\": \"shop-api\"},  # Django, DATABASES".to_owned(),
            ),
        ],
    )
}

/// Passwords in a form that can be replayed.
pub(super) fn passwords(evidence: &Evidence) -> Outcome {
    let Some(method) = evidence.setup.word("password_encryption") else {
        return super::no_value(evidence, "password_encryption", 0);
    };
    // Before 14 "on" means the same.
    let new_are_md5 = matches!(method, "md5" | "on" | "true");
    let stored = evidence.setup.md5_roles.as_deref();
    if !new_are_md5 && stored.is_none_or(<[String]>::is_empty) {
        let seen = if stored.is_some() {
            "none is stored as MD5"
        } else {
            "stored ones are shown to superusers only"
        };
        return Outcome::Fine(format!("new passwords are kept as {method}; {seen}"));
    }
    let mut said = Vec::new();
    let mut write = Vec::new();
    if new_are_md5 {
        said.push("new passwords are kept as MD5".to_owned());
        write.push(evidence.set("password_encryption", "scram-sha-256"));
    }
    if let Some(roles) = stored.filter(|roles| !roles.is_empty()) {
        said.push(format!("stored as MD5: {}", listed(roles.iter().map(String::as_str))));
        let again = |role: &String| {
            let text = format!("\\password {}", quote::name(role));
            Remedy::Sql(text, Effect::NewSessions)
        };
        write.extend(roles.iter().take(ROLES_MAX).map(again));
    }
    Outcome::advised(
        Severity::Warning,
        said.join("; "),
        "an MD5 hash is as good as the password: whoever reads it from a backup can log in with it. SCRAM hashes cannot be \
         replayed; the method in pg_hba.conf may stay md5 until every role has been changed",
        write,
    )
}
