//! Hosts as settings write them, and who is reached under them.
//!
//! A cluster's names say a namespace or leave it out; whoever leaves it out means its own. A name outside a cluster is
//! never shortened: `db.internal` is not `db`.

use crate::deployed::Workload;

/// A host, taken apart.
pub(super) struct Host {
    /// The host as written, in small letters.
    whole: String,
    /// What names the machine.
    first: String,
    /// The namespace it names; empty for the default one.
    space: Option<String>,
    /// Whether that namespace is one of those deployed.
    known: bool,
}

impl Host {
    /// A host, where `known` tells the namespaces of the workloads.
    pub(super) fn of(host: &str, known: impl Fn(&str) -> bool) -> Self {
        let whole = host.trim_end_matches('.').to_ascii_lowercase();
        let (first, space) = parts(&whole, |space| space == "default" || known(space));
        // `blue/db` is how servers of several namespaces are shown: nobody else writes it.
        let known = whole.contains('/') || space.as_deref().is_some_and(known);
        let space = space.map(|space| if space == "default" { String::new() } else { space });
        Self { whole, first, space, known }
    }
}

/// The machine and its namespace; the whole of a name outside the cluster, or of an address.
fn parts(whole: &str, known: impl Fn(&str) -> bool) -> (String, Option<String>) {
    let named = |first: &str, space: &str| (first.to_owned(), Some(space.to_owned()));
    if let Some((space, first)) = whole.split_once('/').filter(|(space, _)| !space.is_empty()) {
        return named(first, space);
    }
    let inside = whole.strip_suffix(".svc.cluster.local").or_else(|| whole.strip_suffix(".svc"));
    if let Some(inside) = inside {
        // A pod's own name stands before its service's: `db-0.db.shop.svc`.
        let first = inside.split('.').next().unwrap_or(inside);
        return match inside.rsplit_once('.') {
            Some((_, space)) => named(first, space),
            None => (first.to_owned(), None),
        };
    }
    match whole.split_once('.') {
        Some((first, space)) if known(space) => named(first, space),
        _ => (whole.to_owned(), None),
    }
}

/// The names somebody is reached under.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    names: Vec<String>,
    /// Its namespace, empty for the default one; `None` where nobody says.
    space: Option<String>,
}

impl Reached {
    /// A workload, under its own name and its aliases.
    pub(super) fn workload(workload: &Workload) -> Self {
        let own = workload.name.rsplit('/').next().unwrap_or(&workload.name);
        Self::named(workload, std::iter::once(own).chain(workload.aliases.iter().map(String::as_str)))
    }

    /// The copies of a workload.
    pub(super) fn standbys(workload: &Workload) -> Self {
        Self::named(workload, workload.standbys.iter().map(String::as_str))
    }

    /// Somebody that no file deploys, as a client in `from` names it.
    pub(super) fn elsewhere(host: &Host, from: &str) -> Self {
        let own = (!from.is_empty()).then(|| from.to_owned());
        Self { names: vec![host.first.clone()], space: host.space.clone().or(own) }
    }

    fn named<'a>(workload: &Workload, names: impl Iterator<Item = &'a str>) -> Self {
        Self {
            names: names.map(str::to_ascii_lowercase).collect(),
            space: Some(space_of(&workload.name).to_ascii_lowercase()),
        }
    }

    /// Its name beside others of the same name: `blue/db`.
    pub(super) fn in_full(&self, name: &str) -> String {
        match self.space.as_deref() {
            Some("") => format!("default/{name}"),
            Some(space) => format!("{space}/{name}"),
            None => name.to_owned(),
        }
    }

    fn is_named(&self, host: &Host) -> bool {
        self.names.iter().any(|name| *name == host.first || *name == host.whole)
    }
}

/// Who is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// This one.
    One(T),
    /// One of several namespaces: the host does not say which.
    Several,
    /// Nobody here.
    Nobody,
}

impl<T> Found<T> {
    /// The one, if it is certain.
    pub(super) fn one(self) -> Option<T> {
        match self {
            Self::One(one) => Some(one),
            Self::Several | Self::Nobody => None,
        }
    }
}

/// Who is meant by a host that a client in the namespace `from` names.
pub(super) fn resolve<'a, T: Copy>(
    host: &Host,
    from: &str,
    all: impl IntoIterator<Item = (T, &'a Reached)>,
) -> Found<T> {
    let named: Vec<(T, Option<&str>)> = all
        .into_iter()
        .filter(|(_, one)| one.is_named(host))
        .map(|(what, one)| (what, one.space.as_deref()))
        .collect();
    let wanted = host.space.as_deref().unwrap_or(from);
    let near = |(_, space): &&(T, Option<&str>)| *space == Some(wanted);
    let lost = |(_, space): &&(T, Option<&str>)| space.is_none();
    if let Some((what, _)) = named.iter().find(near).or_else(|| named.iter().find(lost)) {
        return Found::One(*what);
    }
    let rest: Vec<_> = match (&host.space, host.known) {
        (Some(_), true) => Vec::new(),
        // Where manifests name no namespace, the one who applies them does: it may be this one.
        (Some(_), false) => named.into_iter().filter(|(_, space)| *space == Some("")).collect(),
        (None, _) => named,
    };
    match rest.as_slice() {
        [] => Found::Nobody,
        [(what, space), more @ ..] if more.iter().all(|(_, other)| other == space) => Found::One(*what),
        _ => Found::Several,
    }
}

/// The namespace in a workload's name, empty for the default one.
pub(super) fn space_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(space, _)| space)
}

/// Whether a workload is reached under this host.
pub(crate) fn reached_as(workload: &Workload, host: &str) -> bool {
    let own = space_of(&workload.name);
    let host = Host::of(host, |space| space == own);
    resolve(&host, own, [((), &Reached::workload(workload))]).one().is_some()
}

/// Whether the host is the container's own machine or pod.
pub(crate) fn is_local(host: &str) -> bool {
    host.is_empty() || host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(host: &str) -> (String, Option<String>) {
        let host = Host::of(host, |space| space == "shop");
        (host.first, host.space)
    }

    #[test]
    fn only_a_clusters_names_are_shortened() {
        let shop = |name: &str| (name.to_owned(), Some("shop".to_owned()));
        for host in ["db.shop.svc.cluster.local", "DB.shop.svc", "db.shop", "shop/db", "db.shop.svc."] {
            assert_eq!(taken(host), shop("db"), "{host}");
        }
        assert_eq!(taken("db-0.db.shop.svc.cluster.local"), shop("db-0"));
        assert_eq!(taken("db.default"), ("db".into(), Some(String::new())));
        for host in ["db", "db.internal", "example.org", "db1.example.org", "10.0.0.5"] {
            assert_eq!(taken(host), (host.into(), None));
        }
        assert!(is_local("localhost") && is_local("/var/run/postgresql") && !is_local("db"));
    }

    #[test]
    fn a_host_without_a_namespace_is_the_clients_own_and_else_the_only_one() {
        let of = |space: &str| Reached { names: vec!["db".into()], space: Some(space.into()) };
        let found = |host: &str, from: &str, spaces: &[&'static str]| {
            let all: Vec<Reached> = spaces.iter().copied().map(of).collect();
            let host = Host::of(host, |space| spaces.contains(&space));
            resolve(&host, from, spaces.iter().copied().zip(&all))
        };
        assert_eq!(found("db", "red", &["blue", "red"]), Found::One("red"));
        assert_eq!(found("db", "green", &["blue", "red"]), Found::Several);
        assert_eq!(found("db", "green", &["blue"]), Found::One("blue"));
        assert_eq!(found("db.blue", "red", &["blue", "red"]), Found::One("blue"));
        assert_eq!(found("db.green.svc", "red", &["blue", "red"]), Found::Nobody);
        assert_eq!(found("db.green.svc", "red", &["", "red"]), Found::One(""));
        assert_eq!(found("db.red.svc", "", &[""]), Found::One(""));
    }
}
