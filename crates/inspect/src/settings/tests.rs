//! Who wins, what is said, and that nothing a stranger writes does harm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use tls::{Mode, Root};
use wire::auth::secret::Password;
use zeroize::Zeroizing;

use super::*;

/// A world that is written down.
#[derive(Default)]
struct World {
    variables: BTreeMap<&'static str, String>,
    files: BTreeMap<PathBuf, (String, bool)>,
}

impl World {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    fn file(mut self, path: &str, text: &str, open: bool) -> Self {
        self.files.insert(path.into(), (text.to_owned(), open));
        self
    }
}

impl Environment for World {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn home(&self) -> Option<PathBuf> {
        Some("/home/me".into())
    }
    fn user(&self) -> Option<String> {
        Some("me".into())
    }
    fn file(&self, path: &Path) -> File {
        match self.files.get(path) {
            Some((text, open)) => File::Text { text: Zeroizing::new(text.clone()), open: *open },
            None => File::Absent,
        }
    }
    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || path == Path::new("/tmp")
    }
}

fn dsn(text: &str) -> Request {
    Request { dsn: Some(Dsn::new(text, "--dsn")), ..Request::default() }
}

fn settings(text: &str) -> Settings {
    Settings::resolve(&dsn(text), &World::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str, world: &World) -> String {
    let error = Settings::resolve(&dsn(text), world).expect_err(text);
    format!("{error}\n= {}", error.fix)
}

fn places(settings: &Settings) -> Vec<String> {
    settings.hosts.iter().map(|host| host.endpoint.to_string()).collect()
}

fn password(settings: &Settings) -> Option<&str> {
    settings.password.as_ref().map(|word| std::str::from_utf8(word.reveal()).expect("it is UTF-8"))
}

#[test]
fn both_forms_of_a_string_say_the_same() {
    let url =
        settings("postgresql://al%40ice:p%3Aw@db.internal:6000/sh%20op?sslmode=require&connect_timeout=7");
    let words = settings(
        "host=db.internal port = 6000 user='al@ice' password=p:w dbname='sh op' sslmode=require connect_timeout=7",
    );
    for found in [&url, &words] {
        assert_eq!(places(found), ["db.internal:6000"]);
        assert_eq!((found.user.as_str(), found.dbname.as_str()), ("al@ice", "sh op"));
        assert_eq!(password(found), Some("p:w"));
        assert_eq!((found.tls.mode, found.timeout), (Mode::Require, Duration::from_secs(7)));
    }
}

#[test]
fn several_hosts_are_dialled_in_their_order() {
    let found = settings("postgres://u@a:1,[::1],%2Frun%2Fpg:3,/d");
    assert_eq!(places(&found), ["a:1", "[::1]:5432", "/run/pg/.s.PGSQL.3", "/tmp/.s.PGSQL.5432"]);
    let found = settings("host=a,b hostaddr=10.0.0.1, port=7");
    assert_eq!(places(&found), ["10.0.0.1:7", "b:7"]);
    assert_eq!(found.hosts[0].name.as_deref(), Some("a"), "a certificate is made out to the name");
}

#[test]
fn without_a_word_it_is_this_user_on_this_machine() {
    let found = Settings::resolve(&Request::default(), &World::default()).expect("all have defaults");
    assert_eq!(places(&found), ["/tmp/.s.PGSQL.5432"]);
    assert_eq!((found.user.as_str(), found.dbname.as_str()), ("me", "me"));
    assert_eq!((found.tls.mode, found.timeout), (Mode::Prefer, Duration::from_secs(5)));
    let world = World::default().file("/var/run/postgresql/.s.PGSQL.5432", "", false);
    let found = Settings::resolve(&Request::default(), &world).expect("all have defaults");
    assert_eq!(places(&found), ["/var/run/postgresql/.s.PGSQL.5432"], "where the socket is");
}

#[test]
fn a_flag_beats_the_string_that_the_service_that_the_variables() {
    let world = World::default()
        .with("PGUSER", "variable")
        .with("PGDATABASE", "variable")
        .with("PGPORT", "1111")
        .with("PGHOST", "variable")
        .file(
            "/home/me/.pg_service.conf",
            "[other]\nuser=no\n# x\n[s]\nuser=service\ndbname=service\nport=2222\n",
            false,
        );
    let mut request = dsn("service=s user=string dbname=string");
    request.flags.push(("user", "flag".into(), "--user"));
    let found = Settings::resolve(&request, &world).expect("they make sense");
    assert_eq!((found.user.as_str(), found.dbname.as_str()), ("flag", "string"));
    assert_eq!(places(&found), ["variable:2222"]);
}

#[test]
fn the_url_of_the_application_is_the_last_resort() {
    let url = "postgresql+psycopg://app:geheim@db/shop?schema=public&sslmode=require";
    let world = || World::default().with("DATABASE_URL", url);
    let found = Settings::resolve(&Request::default(), &world()).expect("it is a URL");
    assert_eq!((places(&found), password(&found)), (vec!["db:5432".to_owned()], Some("geheim")));
    assert_eq!(found.tls.mode, Mode::Require);
    let other = Settings::resolve(&Request::default(), &world().with("PGHOST", "x")).expect("it makes sense");
    assert_eq!((places(&other), password(&other)), (vec!["x:5432".to_owned()], None));
    let mut request = Request::default();
    request.flags.push(("user", "postgres".into(), "--user"));
    let found = Settings::resolve(&request, &world()).expect("it makes sense");
    assert_eq!(password(&found), None, "the password is the other role's");
    let foreign = World::default().with("DATABASE_URL", "mysql://a:geheim@b/c");
    let found = Settings::resolve(&Request::default(), &foreign).expect("it is passed over");
    assert_eq!(found.warnings, ["$DATABASE_URL is not PostgreSQL's; it is not used"]);
}

#[test]
fn the_password_file_is_asked_for_each_host_and_only_if_it_is_closed() {
    let text = "a:5432:d:u:for a\nlocalhost:*:d:u:for the socket\n";
    let world = World::default().file("/home/me/.pgpass", text, false);
    let found = Settings::resolve(&dsn("host=a,b, dbname=d user=u"), &world).expect("it makes sense");
    let filed = |word: &Option<Password>| word.as_ref().map(|word| word.reveal().to_vec());
    let passwords: Vec<_> = found.filed.iter().map(filed).collect();
    assert_eq!(passwords, [Some(b"for a".to_vec()), None, Some(b"for the socket".to_vec())]);
    let world = World::default().file("/home/me/.pgpass", text, true);
    let found = Settings::resolve(&dsn("host=a dbname=d user=u"), &world).expect("it makes sense");
    assert_eq!(found.filed, [None]);
    assert!(
        found.warnings[0].contains("has group or world access; permissions should be u=rw (0600) or less")
    );
    let found = Settings::resolve(&dsn("host=b dbname=d user=u passfile=/p"), &World::default()).expect("ok");
    assert_eq!(found.looked.last().map(String::as_str), Some("/p (not there)"));
}

#[test]
fn tls_is_as_strong_as_it_is_said_to_be() {
    assert_eq!(settings("host=a").tls.root, Root::File("/home/me/.postgresql/root.crt".into()));
    let system = settings("host=a sslrootcert=system");
    assert_eq!((system.tls.mode, system.tls.root), (Mode::VerifyFull, Root::System));
    let world = World::default();
    assert!(refusal("host=a sslrootcert=system sslmode=require", &world).contains("sslmode=verify-full"));
    assert!(refusal("host=a sslnegotiation=direct", &world).contains("too weak"));
    assert!(settings("host=a sslnegotiation=direct sslmode=require").tls.direct);
    assert!(settings("host=a sslcertmode=disable").tls.certificate.is_none());
}

#[test]
fn what_may_be_asked_for_is_listed_or_excluded() {
    let allows = |text: &str| {
        let found = settings(&format!("host=a require_auth={text}")).require_auth;
        [Method::None, Method::Password, Method::Md5, Method::Scram].map(|method| found.allows(method))
    };
    assert_eq!(allows("scram-sha-256"), [false, false, false, true]);
    assert_eq!(allows("!password,!none"), [false, false, true, true]);
    assert_eq!(allows("gss"), [false; 4]);
    assert_eq!(allows("''"), [true; 4]);
    assert!(refusal("host=a require_auth=md5,!none", &World::default()).contains("mixes"));
}

#[test]
fn every_mistake_names_its_place_and_a_way_out() {
    let cases = [
        ("host=a sslmod=require", "did you mean sslmode?"),
        ("host=a sslmode=requier", "sslmode has no value \"requier\""),
        ("host=a,b port=1,2,3", "3 ports and 2 hosts"),
        ("host=a port=0", "from 1 to 65535"),
        ("host=a user", "a word has no ="),
        ("host='a", "a quote is not closed"),
        ("host=a connect_timeout=soon", "not a number of seconds"),
        ("postgres://h/d?a", "a parameter has no ="),
        ("postgres://h/%zz", "two hexadecimal digits"),
        ("postgres://[::1/d", "IPv6"),
        ("postgres://us/er:x@h/d", "%2F"),
        ("host=a gssencmode=require", "gssencmode asks for GSSAPI"),
        ("host=a replication=database", "is decided by the program itself"),
        ("host=a service=nowhere", "there is no service \"nowhere\""),
    ];
    for (text, expected) in cases {
        let said = refusal(text, &World::default());
        assert!(said.starts_with("--dsn: ") && said.contains("\n= "), "{said}");
        assert!(said.contains(expected), "{text}: {said}");
    }
    let world = World::default().file("/home/me/.pg_service.conf", "[s]\n\nhst=a\n", false);
    let said = refusal("service=s", &world);
    assert!(said.starts_with("/home/me/.pg_service.conf:3 (service s): "), "{said}");
    let world = World::default().file("/home/me/.pg_service.conf", "[s]\npostgres://a:geheim@h/d=1\n", false);
    let said = refusal("service=s", &world);
    assert!(said.contains("no connection setting") && !said.contains("geheim"), "{said}");
    let said = refusal("host=a", &World::default().with("PGSSLMODE", "x"));
    assert!(said.starts_with("$PGSSLMODE: "), "{said}");
}

#[test]
fn no_secret_is_ever_said() {
    let mistakes = [
        "postgres://u:geheim@h/d?nonsense=1",
        "postgres://u:geheim%zz@h/d",
        "postgres://u:geheim@h:x/d",
        "postgres://u:a/geheim@h/d",
        "postgres://u:geheim/b@h/d",
        "postgres://u:a?geheim@h/d?x",
        "password=a geheim=b host=c",
        "password=a geheim host=c",
        "host=c password='geheim",
        "password=geheim sslmode=geheim1 port=geheim",
        "host=c sslpassword=geheim",
        "password=geheim geheim",
        "mysql://app:geheim@h/db?ssl=true",
        "mysql://app:geheim@h/db",
        "POSTGRES://app:geheim@db/shop?sslmode=require",
        "postgres:/app:geheim@h/d?a=b",
        " postgres://app:geheim@h/d?a=b",
        "'postgres://app:geheim@h/d'",
    ];
    for text in mistakes {
        let error = Settings::resolve(&dsn(text), &World::default()).expect_err(text);
        let said = format!("{error} {} {error:?}", error.fix).replace("geheim1", "");
        assert!(!said.contains("geheim"), "{text}: {said}");
    }
    let good = dsn("postgres://u:geheim@h/d");
    let found = Settings::resolve(&good, &World::default()).expect("it is right");
    assert_eq!(password(&found), Some("geheim"));
    assert!(!format!("{good:?} {found:?}").contains("geheim"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_text_panics_and_what_looks_like_a_word_is_a_database(text in r#"(postgres(ql)?://)?[a-z%0-9@:/?&='\\\[\], é\x00]{0,40}"#) {
        let world = World::default().file("/home/me/.pgpass", &text, false).file("/home/me/.pg_service.conf", &text, false);
        let found = Settings::resolve(&dsn(&text), &world);
        if dsn::is_foreign(&text) {
            prop_assert!(found.is_err());
        } else if !is_dsn(&text) && !text.is_empty() {
            prop_assert_eq!(found.expect("it is a name").dbname, text);
        }
    }

    #[test]
    fn what_was_encoded_is_read_back(user in "\\PC{1,12}", word in "\\PC{1,12}", dbname in "\\PC{1,12}") {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let url = format!("postgres://{}:{}@h/{}", encode(&user), encode(&word), encode(&dbname));
        let quote = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        let words = format!("host=h user={} password={} dbname={}", quote(&user), quote(&word), quote(&dbname));
        for text in [url, words] {
            let found = settings(&text);
            prop_assert_eq!((&found.user, &found.dbname), (&user, &dbname));
            prop_assert_eq!(password(&found), Some(word.as_str()));
        }
    }
}
