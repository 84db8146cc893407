//! The language as people write it, and as it is printed.

use proptest::prelude::*;

use super::ast::{AgeField, Expr, FlagField, Order, Pattern, TextField, TextTest};
use super::{Filter, Flags, Glob, Span};
use crate::catalog::{Client, QUERY_CHARS_MAX, Session, State};

/// A session that is idle since a minute, for tests of whoever judges sessions.
pub(crate) fn someone(pid: i32) -> Session {
    Session {
        pid,
        started: Some(format!("2026-01-01 00:00:00.{pid:06}+00")),
        changed: Some("2026-01-01 00:10:00.000001+00".to_owned()),
        database: Some("wall".to_owned()),
        user: Some("app".to_owned()),
        is_superuser: false,
        is_replication: false,
        application: "api".to_owned(),
        client: Client::Address([10, 1, 2, 3].into(), 40_000),
        is_walsender: false,
        state: State::Idle,
        wait: Some(("Client".to_owned(), "ClientRead".to_owned())),
        age_s: Some(660.0),
        state_age_s: Some(60.0),
        xact_age_s: None,
        query_age_s: Some(60.0),
        holds_snapshot: false,
        query: Some("select 1".to_owned()),
    }
}

fn hidden() -> Session {
    Session {
        state: State::Hidden,
        client: Client::Hidden,
        started: None,
        changed: None,
        wait: None,
        age_s: None,
        state_age_s: None,
        query_age_s: None,
        query: Some("<insufficient privilege>".to_owned()),
        ..someone(7)
    }
}

fn holds(text: &str, session: &Session) -> bool {
    Filter::parse(text).unwrap_or_else(|error| panic!("{error}")).matches(session)
}

#[test]
fn a_session_is_told_by_each_of_its_fields() {
    let session = someone(42);
    for text in [
        "app=api",
        "app ~ \"a*\"",
        "app =~ '^ap.$'",
        "app != web",
        "app !~ web*",
        "app in (web, api)",
        "user=app and db=wall",
        "pid=42",
        "pid > 41 and pid<=42",
        "pid in (1,42)",
        "not pid in (1, 2)",
        "app not in (a, b)",
        "client=10.1.2.3",
        "client = 10.0.0.0/8",
        "client in (local, 10.1.2.3/32)",
        "client~10.1.*",
        "client != 10.2.0.0/16",
        "client != ::/0",
        "state=idle",
        "state ~ idle*",
        "state != idle_in_transaction",
        "state in (active, idle)",
        "query =~ (select)",
        "query ~ 'select *'",
        "wait = Client",
        "wait=ClientRead",
        "wait ~ \"Client/*\"",
        "age>10m",
        "idle >= 1m",
        "idle<1h30m",
        "state_age=60s",
        "not xact > 0s",
        "not superuser",
        "superuser = no",
        "not hidden",
        "HIDDEN != yes",
        "app=web or app=api and pid=42",
        "(app=web or app=api) && ! pid=1",
        "NOT (app=web OR app=x)",
        "",
    ] {
        // A parenthesis is no part of a bare word.
        let text = text.replace("(select)", "\"(select)\"");
        assert!(holds(&text, &session), "{text}");
        assert!(text.is_empty() || !holds(&format!("not ({text})"), &session), "not ({text})");
    }
}

#[test]
fn what_we_may_not_see_matches_neither_a_condition_nor_its_opposite() {
    let closed_door = hidden();
    for text in [
        "state=idle",
        "state~*",
        "idle>1s",
        "age>1s",
        "state_age>1s",
        "xact>1s",
        "query=~.",
        "wait=Lock",
        "client=local",
        "client~*",
        "state != active",
        "app=api and idle>5m",
        "app=web or idle>5m",
    ] {
        assert!(!holds(text, &closed_door), "{text}");
        assert!(!holds(&format!("not ({text})"), &closed_door), "not ({text})");
    }
    assert!(holds("hidden and app=api and user=app", &closed_door));
    assert!(holds("app=api or idle>5m", &closed_door), "one certain yes is enough");
    assert!(!holds("app=web and idle>5m", &closed_door));
    assert!(holds("not (app=web and idle>5m)", &closed_door), "one certain no is enough");
    let untracked = Session { state: State::Disabled, ..someone(1) };
    assert!(holds("state=disabled", &untracked));
    for text in ["state=active", "state!=active", "idle>1s", "not idle>1s", "query~*"] {
        assert!(!holds(text, &untracked), "{text}");
    }
    let newcomer = Session { state: State::Starting, user: None, database: None, ..someone(1) };
    for text in ["user=app", "user!=app", "db=x", "db!=x", "superuser", "not superuser"] {
        assert!(!holds(text, &newcomer), "{text}");
    }
}

#[test]
fn a_statement_that_was_cut_off_is_not_said_to_lack_what_may_follow() {
    let long = Session { query: Some("x".repeat(QUERY_CHARS_MAX)), ..someone(1) };
    assert!(holds("query ~ \"xx*\"", &long));
    for text in ["query =~ critical", "not query =~ critical", "query =~ x$", "query ~ \"*x\""] {
        assert!(!holds(text, &long), "{text}");
    }
}

#[test]
fn idle_in_a_transaction_is_not_idle() {
    let session = Session { state: State::IdleInTransaction, xact_age_s: Some(90.0), ..someone(1) };
    assert!(holds("not idle > 0s and not idle < 9h and xact > 1m and state_age >= 1m", &session));
    assert!(!holds("state = idle", &session));
}

#[test]
fn flags_are_alternatives_within_and_conditions_between() {
    let flags = Flags {
        app: vec!["a*".into(), "web".into(), "!*-old".into()],
        client: vec!["10.0.0.0/8".into()],
        state: vec!["idle".into(), "idle_in*".into()],
        pid: vec!["!5".into()],
        min_age: Some(Span::of_seconds(30)),
        conditions: vec!["db=wall or db=x".into(), String::new()],
        ..Flags::default()
    };
    let filter = Filter::of_flags(&flags).unwrap();
    assert_eq!(
        filter.to_string(),
        "not app ~ \"*-old\" and (app ~ \"a*\" or app ~ \"web\") and client = 10.0.0.0/8 \
         and (state = \"idle\" or state ~ \"idle in*\") and not pid = 5 and state_age >= 30s \
         and (db = \"wall\" or db = \"x\")"
    );
    assert!(filter.matches(&someone(4)));
    assert!(!filter.matches(&someone(5)));
    assert!(!filter.matches(&Session { application: "api-old".into(), ..someone(4) }));
    assert!(Filter::of_flags(&Flags::default()).unwrap().is_everything());
}

#[test]
fn an_error_points_at_the_place_and_names_the_fix() {
    for (text, said) in [
        ("ap=x", "unknown field \"ap\"\n  ap=x\n  ^^\n  = did you mean app?"),
        ("app=x and idle>5", "5 has no unit\n  app=x and idle>5\n                 ^\n  = write 5s or 5m"),
        ("app=\"x", "a quote that is not closed\n  app=\"x\n      ^\n  = write \" at its end"),
        ("日=x", "unknown field \"日\"\n  日=x\n  ^\n  = fields are app, user, db"),
        ("app", "expected an operator behind app\n  app\n     ^\n  = write app=..."),
        ("idle", "= write idle>5m"),
        ("(app=x", "expected `)` here\n  (app=x\n        ^"),
        ("app=x)", "a parenthesis that was not opened"),
        ("app=x app=y", "expected `and` or `or` here\n  app=x app=y\n        ^^^"),
        ("state=idel", "unknown state \"idel\"\n  state=idel\n        ^^^^\n  = did you mean \"idle\"?"),
        ("client=db1", "\"db1\" is not an address"),
        ("client=10.0.0.0/33", "is not an address"),
        ("pid=0", "\"0\" is not a process id"),
        ("pid~1*", "pid is not a text"),
        ("app<x", "app has no order"),
        ("query=~\"(\"", "not a regular expression: unclosed group"),
        ("idle>1m1h", "\"1m1h\" is not a duration"),
        ("superuser=perhaps", "expected yes or no"),
        ("app in x", "expected `(` behind in"),
        ("app in (x", "expected `,` or `)` here"),
        ("app=", "expected a value here"),
        ("and", "unknown field \"and\""),
    ] {
        let error = Filter::parse(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}\n{error}");
    }
    let flags = Flags { client: vec!["!x".into()], ..Flags::default() };
    let error = Filter::of_flags(&flags).unwrap_err().to_string();
    assert!(error.starts_with("--client: \"x\" is not an address\n  !x\n   ^\n"), "{error}");
    assert!(Filter::parse(&"(".repeat(5_000)).is_err());
    assert!(Filter::parse(&"not ".repeat(4_000)).is_err());
    assert!(Filter::parse(&"x".repeat(20_000)).is_err());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z*?_. ()=\"']{0,12}", any::<String>()]
}

fn comparison() -> impl Strategy<Value = Expr> {
    let order = prop_oneof![
        Just(Order::Less),
        Just(Order::AtMost),
        Just(Order::Equal),
        Just(Order::AtLeast),
        Just(Order::More)
    ];
    let age =
        prop_oneof![Just(AgeField::Login), Just(AgeField::Idle), Just(AgeField::Xact), Just(AgeField::State)];
    let field = prop_oneof![
        Just(TextField::App),
        Just(TextField::User),
        Just(TextField::Db),
        Just(TextField::Query),
        Just(TextField::Wait)
    ];
    let states =
        prop_oneof![Just(State::Active), Just(State::IdleInTransactionAborted), Just(State::Fastpath)];
    let origin = prop_oneof![
        Just("local"),
        Just("10.1.0.0/16"),
        Just("::1"),
        Just("fe80::/10"),
        Just("::ffff:1.2.3.4")
    ];
    let patterns = prop_oneof![Just("^a\\d+\"$"), Just("(?i)x|y"), Just("")];
    let unequal = order.clone().prop_filter("= is another form", |order| *order != Order::Equal);
    prop_oneof![
        (field.clone(), prop::collection::vec(text(), 1..4))
            .prop_map(|(field, texts)| Expr::Text(field, TextTest::Is(texts))),
        (field.clone(), text()).prop_map(|(field, text)| Expr::Text(field, TextTest::Glob(Glob::new(text)))),
        (field, patterns).prop_map(|(field, text)| Expr::Text(
            field,
            TextTest::Regex(Pattern(regex::Regex::new(text).unwrap()))
        )),
        prop::collection::vec(states, 1..3).prop_map(|states| {
            Expr::Text(
                TextField::State,
                TextTest::Is(states.iter().map(|state| state.name().to_owned()).collect()),
            )
        }),
        prop::collection::vec(origin, 1..3)
            .prop_map(|origins| Expr::Client(origins.iter().map(|origin| origin.parse().unwrap()).collect())),
        (unequal, 1..i32::MAX).prop_map(|(order, pid)| Expr::Pid(order, pid)),
        prop::collection::vec(1..i32::MAX, 1..4).prop_map(Expr::PidIn),
        (age, order, any::<u64>()).prop_map(|(field, order, ms)| Expr::Age(field, order, Span::of_ms(ms))),
        prop_oneof![Just(FlagField::Superuser), Just(FlagField::Hidden)].prop_map(Expr::Flag),
    ]
}

fn condition() -> impl Strategy<Value = Expr> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner, 2..4).prop_map(Expr::Or),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_127), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_the_same(expr in condition()) {
        let printed = Filter(Some(expr)).to_string();
        let again = Filter::parse(&printed);
        prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(printed));
    }

    #[test]
    fn a_printed_condition_has_the_same_meaning(expr in condition()) {
        let filter = Filter(Some(expr));
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        if let Err(error) = Filter::parse(&text) {
            let _ = error.to_string();
        }
    }

    #[test]
    fn no_text_of_its_own_words_makes_it_panic(words in prop::collection::vec(
        prop::sample::select(vec![
            "app", "pid", "idle", "state", "client", "query", "superuser", "and", "or", "not", "in", "(", ")", ",", "=",
            "!=", "!~", "=~", "~", "<", "<=", "!", "5m", "5", "\"x", "\"y\"", "'", "10.0.0.0/8", "日", "[", "*",
        ]), 0..24), spaced in any::<bool>())
    {
        let text = words.join(if spaced { " " } else { "" });
        match Filter::parse(&text) {
            Err(error) => drop(error.to_string()),
            Ok(filter) => {
                let opposite = Filter::parse(&format!("not ({text})"));
                if let Ok(opposite) = opposite {
                    prop_assert!(filter.is_everything() || !(filter.matches(&hidden()) && opposite.matches(&hidden())));
                }
            }
        }
    }
}
