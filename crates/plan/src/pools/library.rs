//! What pool one process has, by the library that opens the connections.

use super::address::Target;
use super::launch::{Language, Launch, Span, Threads};
use super::told::Told;
use super::{Pool, rules, sums};
use crate::{Number, Origin, Text};

mod django;
mod jvm;
mod native;
mod node;
mod properties;
mod python;
mod rails;

/// A library's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pooled {
    /// What it is recognised as: `Django`.
    pub(super) library: &'static str,
    /// Its pool.
    pub(super) pool: Pool,
}

/// What a pool is worked out from.
pub(super) struct Ground<'a> {
    pub(super) launch: &'a Launch,
    pub(super) told: &'a Told<'a>,
    pub(super) target: &'a Target,
    /// The arguments of the program.
    pub(super) words: &'a [Text],
}

/// The pool of one process.
pub(super) fn pooled(ground: &Ground) -> Pooled {
    if ground.launch.life == Span::Short {
        return Pooled { library: "", pool: Pool::fixed(Number::implied(1)) };
    }
    match ground.launch.language {
        Language::Python if ground.launch.framework => django::pooled(ground),
        Language::Python => python::pooled(ground),
        Language::Ruby => rails::pooled(ground),
        Language::Node => node::pooled(ground),
        Language::Jvm => jvm::pooled(ground),
        Language::Go => native::go(ground),
        Language::Rust => native::rust(ground),
        Language::Dotnet => native::npgsql(ground),
        Language::Elixir => native::ecto(ground),
        Language::Php => native::php(),
        Language::Unknown => unknown(ground, ""),
    }
}

/// The number of a setting that may stand in a variable, an argument or a file of properties.
pub(super) fn property(told: &Told, arguments: &[Text], name: &str) -> Option<Number> {
    properties::number(told, arguments, &[name])
}

impl Ground<'_> {
    /// The pool's size where something says it: a parameter of the connection string, one of these variables, or any
    /// variable whose name says that it is the size of a database's pool.
    fn size(&self, parameters: &[&str], names: &[&str]) -> Option<Number> {
        let of_url = parameters.iter().find_map(|name| {
            let text = self.target.parameter(name)?;
            self.told.number(&text.text, &text.place, name)
        });
        of_url.or_else(|| self.told.variable(names)).or_else(|| self.size_by_name())
    }

    /// The number of connections the threads of one process can use at once, if threads bound it.
    fn usable(&self) -> Option<Number> {
        match &self.launch.threads {
            Threads::Count(threads) => Some(sums::plus(threads, &Number::implied(self.launch.own))),
            Threads::Green(_) | Threads::Unbounded | Threads::Unknown => None,
        }
    }

    /// A pool that was not told its size: as large as the library makes it, or as the threads can use.
    fn by_default(&self, library: &'static str, most: Number) -> Number {
        match self.usable() {
            Some(usable) if usable.value < most.value => {
                let why = most.assumption().unwrap_or("its pool is larger").to_owned();
                let value = usable.value;
                let why = format!("{library} opens one connection for each of {value} threads; {why}");
                let threads = usable.assumption().map(|said| format!("{why}; {said}"));
                Number::assumed(value, threads.unwrap_or(why))
            }
            _ => most,
        }
    }

    /// Says where threads and connections do not fit each other. `limit` is written somewhere.
    fn compare(&self, limit: &Number, setting: &str) {
        let (Some(usable), Origin::Written(place)) = (self.usable(), &limit.origin) else { return };
        let program = self.launch.program;
        if usable.value > limit.value {
            self.told.complain(
                &rules::STARVED,
                place,
                format!(
                    "{program} can use {} connections in a process, and {setting} is {}",
                    usable.value, limit.value
                ),
                format!("set {setting} to {}, or run fewer threads", usable.value),
            );
        } else if usable.value < limit.value && usable.assumption().is_none() {
            let counted = if self.grows_no_further(limit).is_some() {
                "no more are counted"
            } else {
                "all are counted: it may start threads of its own"
            };
            self.told.complain(
                &rules::IDLE_ROOM,
                place,
                format!(
                    "{setting} is {}, and a process of {program} can use {} at once: {counted}",
                    limit.value, usable.value
                ),
                format!("set {setting} to {}, or run more threads in fewer processes", usable.value),
            );
        }
    }

    /// What a pool that grows on demand comes to where its limit is beyond what the threads can use. A command of one's
    /// own may start threads that nobody sees: its limit stands.
    fn grows_no_further(&self, limit: &Number) -> Option<Number> {
        let own =
            self.launch.life == Span::Runs && self.launch.framework && self.launch.program == "manage.py";
        self.usable().filter(|usable| !own && usable.assumption().is_none() && usable.value < limit.value)
    }

    /// A pool between two numbers that may be written upside down.
    fn between(&self, kept: Number, most: Number, setting: &str) -> Pool {
        if kept.value > most.value
            && let (Origin::Written(place), Origin::Written(_)) = (&kept.origin, &most.origin)
        {
            self.told.complain(
                &rules::UPSIDE_DOWN,
                place,
                format!("{setting} is {}, above the {} that the pool may open", kept.value, most.value),
                format!("set {setting} to {} or less", most.value),
            );
        }
        Pool { kept: sums::at_most(kept, &most), most }
    }

    fn size_by_name(&self) -> Option<Number> {
        let fits = |name: &str| {
            let upper = name.to_ascii_uppercase();
            let ends = [
                "POOL_SIZE",
                "POOL_MAX",
                "MAX_POOL_SIZE",
                "POOL_MAX_SIZE",
                "POOL__MAX_SIZE",
                "MAX_CONNS",
                "MAX_OPEN_CONNS",
                "MAX_CONNECTIONS",
                "CONNECTION_LIMIT",
                "POOL_LIMIT",
            ];
            let of_database =
                ["DB", "DATABASE", "PG", "POSTGRES", "SQL"].iter().any(|word| upper.contains(word));
            // What the server's container is told often stands in everybody's environment.
            let of_server = upper.starts_with("PG") || upper.starts_with("POSTGRES");
            let of_server = (of_server && upper.ends_with("MAX_CONNECTIONS")) || upper.contains("BOUNCER");
            ends.iter().any(|end| upper.ends_with(end)) && of_database && !of_server
        };
        let given = self.told.values().find(|given| fits(given.name))?;
        self.told.number(given.text, given.place, given.name)
    }
}

/// A process that connects, nobody knows with what.
fn unknown(ground: &Ground, library: &'static str) -> Pooled {
    const ASSUMED: u32 = 10;
    if let Some(size) =
        ground.size(&["pool_max_conns", "connection_limit", "pool_size", "pool"], &["POOL_SIZE"])
    {
        return Pooled { library, pool: Pool { kept: Number::implied(0), most: size } };
    }
    let most = match ground.usable() {
        Some(threads) => {
            let why = format!(
                "{} in a process assumed, one for each thread: nothing shows the \
                    library that connects, or DB_POOL_SIZE",
                threads.value
            );
            let said = threads.assumption().map(|said| format!("{why}; {said}"));
            Number::assumed(threads.value, said.unwrap_or(why))
        }
        None => Number::assumed(
            ASSUMED,
            "a pool of 10 assumed for each process: nothing shows the library that connects, or the \
                size of its pool (DB_POOL_SIZE)",
        ),
    };
    Pooled { library, pool: Pool { kept: Number::implied(0), most } }
}
