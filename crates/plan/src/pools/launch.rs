//! What a program starts: how many processes, with how many threads each, in which language.

use super::calls::Call;
use super::told::Told;
use crate::Number;

mod jvm;
mod node;
mod others;
mod php;
mod python;
mod ruby;
mod tasks;

pub(super) use php::{apache, fpm};

/// A language, which says what libraries there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Ruby,
    Node,
    Jvm,
    Go,
    Rust,
    Dotnet,
    Elixir,
    Php,
    Unknown,
}

/// What uses the connections of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// Threads, or tasks of a loop that runs so many at most.
    Count(Number),
    /// Green threads: many, each of which may wait for the database.
    Green(Number),
    /// As many requests at once as there come.
    Unbounded,
    /// Nobody knows; the pool decides.
    Unknown,
}

/// What one program starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    /// The program: `gunicorn`.
    pub(super) program: &'static str,
    /// How many processes.
    pub(super) processes: Number,
    /// What each of them runs.
    pub(super) threads: Threads,
    /// In which language.
    pub(super) language: Language,
    /// Whether it is known that this is Django, or a Rails application.
    pub(super) framework: bool,
    /// Connections of its pool that it uses itself, beside its threads.
    pub(super) own: u32,
    /// Connections of a process beside its pool.
    pub(super) aside: u32,
    /// How it ends.
    pub(super) life: Span,
}

/// How long a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// It serves until it is stopped.
    Serves,
    /// It may end by itself: a command of the application.
    Runs,
    /// It works on one connection and ends: a migration, `psql`.
    Short,
}

impl Launch {
    /// A server of a language; threads unknown.
    pub(super) fn serves(program: &'static str, language: Language, processes: Number) -> Self {
        let threads = Threads::Unknown;
        Self { program, processes, threads, language, framework: false, own: 0, aside: 0, life: Span::Serves }
    }

    /// One process with one connection that comes to its end.
    pub(super) fn short(program: &'static str, language: Language) -> Self {
        let threads = Threads::Count(Number::implied(1));
        Self { threads, life: Span::Short, ..Self::serves(program, language, Number::implied(1)) }
    }

    pub(super) fn with_threads(self, count: Number) -> Self {
        Self { threads: Threads::Count(count), ..self }
    }
}

/// What a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// It may connect to a database.
    Starts(Vec<Launch>),
    /// It does not.
    Silent,
    /// Never heard of.
    Unknown,
}

impl From<Launch> for Recognised {
    fn from(launch: Launch) -> Self {
        Self::Starts(vec![launch])
    }
}

/// Recognises a program.
pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    let rooms = [
        tasks::recognise,
        python::recognise,
        ruby::recognise,
        node::recognise,
        jvm::recognise,
        php::recognise,
        others::recognise,
    ];
    let found = rooms.iter().map(|room| room(call, told)).find(|found| *found != Recognised::Unknown);
    found.unwrap_or(Recognised::Unknown)
}

/// The language of an image or of an environment, where the program does not show it.
pub(super) fn language(told: &Told) -> Language {
    const IMAGES: [(&str, Language); 22] = [
        ("python", Language::Python),
        ("django", Language::Python),
        ("ruby", Language::Ruby),
        ("rails", Language::Ruby),
        ("node", Language::Node),
        ("bun", Language::Node),
        ("deno", Language::Node),
        ("eclipse-temurin", Language::Jvm),
        ("openjdk", Language::Jvm),
        ("amazoncorretto", Language::Jvm),
        ("tomcat", Language::Jvm),
        ("jetty", Language::Jvm),
        ("ibmjava", Language::Jvm),
        ("golang", Language::Go),
        ("rust", Language::Rust),
        ("aspnet", Language::Dotnet),
        ("dotnet", Language::Dotnet),
        ("sdk", Language::Dotnet),
        ("elixir", Language::Elixir),
        ("erlang", Language::Elixir),
        ("php", Language::Php),
        ("laravel", Language::Php),
    ];
    const VARIABLES: [(&str, Language); 24] = [
        ("DJANGO_", Language::Python),
        ("PYTHON", Language::Python),
        ("UVICORN_", Language::Python),
        ("GUNICORN_", Language::Python),
        ("CELERY_", Language::Python),
        ("SQLALCHEMY_", Language::Python),
        ("FLASK_", Language::Python),
        ("RAILS_", Language::Ruby),
        ("RACK_", Language::Ruby),
        ("SIDEKIQ_", Language::Ruby),
        ("NODE_", Language::Node),
        ("PRISMA_", Language::Node),
        ("TYPEORM_", Language::Node),
        ("NEXT_", Language::Node),
        ("SPRING_", Language::Jvm),
        ("JAVA_", Language::Jvm),
        ("QUARKUS_", Language::Jvm),
        ("MICRONAUT_", Language::Jvm),
        ("ASPNETCORE_", Language::Dotnet),
        ("DOTNET_", Language::Dotnet),
        ("PHX_", Language::Elixir),
        ("RUST_", Language::Rust),
        ("GOMAXPROCS", Language::Go),
        ("LARAVEL_", Language::Php),
    ];
    let image = told.image_name();
    let of_image = IMAGES.iter().find(|(name, _)| image == *name || image.starts_with(&format!("{name}-")));
    let of_variables = || VARIABLES.iter().find(|(begin, _)| told.any_begins(begin));
    of_image.or_else(of_variables).map_or(Language::Unknown, |(_, language)| *language)
}
