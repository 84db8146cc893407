//! What containers of all kinds come to: `processes x kept..most`, `w` behind what is written, `a` behind what is assumed.

use proptest::prelude::*;

use super::testing::{container, line, mark, openers, place, rules, shape};
use super::{Part, look};
use crate::{Container, Number, Stage, Text};

mod libraries;
mod poolers;
mod python;
mod ruby_and_others;

const PG: &str = "DATABASE_URL=postgres://app:geheim@db:5432/shop";
const DJANGO: &str = "DJANGO_SETTINGS_MODULE=shop.settings";

/// Each row: image, command line, variables, what it comes to.
type Row<'r> = (&'r str, &'r str, &'r [&'r str], &'r str);

fn check(rows: &[Row]) {
    for (image, command, environment, found) in rows {
        assert_eq!(
            shape(&line(image, command, environment)),
            *found,
            "{image} | {command} | {environment:?}"
        );
    }
}

/// A container with a file in it.
fn with_file(mut container: Container, path: &str, text: &str) -> Container {
    let file: std::sync::Arc<str> = path.into();
    container.files.insert(path.into(), Text::new(text, crate::Place::whole(&file)));
    container
}

#[test]
fn what_talks_to_no_database_is_nothing() {
    check(&[
        ("redis:7", "", &[PG], "nothing"),
        ("nginx:alpine", "nginx -g daemon", &[PG], "nothing"),
        ("rabbitmq:3-management", "", &[], "nothing"),
        ("python:3.12", "gunicorn a:app -w 4", &[], "nothing"),
        ("python:3.12", "gunicorn a:app -w 4", &["DATABASE_URL=mysql://db/s"], "nothing"),
        ("python:3.12", "python manage.py collectstatic --noinput", &[PG], "nothing"),
        ("x", "sleep infinity", &[PG], "nothing"),
        ("x", "celery -A x flower", &[PG], "nothing"),
        ("grafana/grafana", "", &[], "nothing"),
        ("grafana/grafana", "", &["GF_DATABASE_TYPE=mysql"], "nothing"),
        ("quay.io/keycloak/keycloak:25", "start-dev", &[], "nothing"),
    ]);
}

#[test]
fn programs_bought_ready_are_known_by_their_image() {
    check(&[
        ("metabase/metabase:v0.50", "", &["MB_DB_TYPE=postgres", "MB_DB_HOST=db"], "1 x 1..15a"),
        (
            "metabase/metabase",
            "",
            &["MB_DB_TYPE=postgres", "MB_APPLICATION_DB_MAX_CONNECTION_POOL_SIZE=3"],
            "1 x 1..3w",
        ),
        ("grafana/grafana", "", &["GF_DATABASE_TYPE=postgres"], "1 x 2..10a"),
        ("grafana/grafana", "", &["GF_DATABASE_TYPE=postgres", "GF_DATABASE_MAX_OPEN_CONN=20"], "1 x 2..20w"),
        ("hasura/graphql-engine:v2", "", &["HASURA_GRAPHQL_DATABASE_URL=postgres://db/s"], "1 x 1..50a"),
        ("postgrest/postgrest", "", &["PGRST_DB_URI=postgres://db/s"], "1 x 0..10a"),
        ("quay.io/keycloak/keycloak:25", "start --db-pool-max-size=30", &["KC_DB=postgres"], "1 x 0..100a"),
        (
            "quay.io/keycloak/keycloak:25",
            "start",
            &["KC_DB=postgres", "KC_DB_POOL_MAX_SIZE=20"],
            "1 x 0..20w",
        ),
        ("n8nio/n8n", "", &["DB_TYPE=postgresdb", "DB_POSTGRESDB_HOST=db"], "1 x 1..2a"),
        ("prometheuscommunity/postgres-exporter", "", &["DATA_SOURCE_NAME=postgres://db"], "1 x 1..2a"),
        (
            "apache/airflow:2.9",
            "scheduler",
            &["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://db/a"],
            "1 x 5a..15a",
        ),
        (
            "apache/airflow:2.9",
            "flower",
            &["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://db/a"],
            "nothing",
        ),
    ]);
}

#[test]
fn a_migration_before_the_server_does_not_stand_beside_it() {
    let container = line("", "sh -c|python manage.py migrate && exec gunicorn shop.wsgi -w 4", &[PG]);
    let look = look(&container);
    let stages: Vec<_> = openers(&look).iter().map(|o| (o.what.as_str(), o.stage)).collect();
    assert_eq!(stages, [("manage.py migrate", Stage::Init), ("gunicorn, Django", Stage::Main)]);
    let alone = line("", "python manage.py migrate", &[PG]);
    assert_eq!(openers(&super::look(&alone))[0].stage, Stage::Main);
    let beside = line("", "sh -c|gunicorn shop.wsgi -w 4 & celery -A shop worker -c 2 & wait", &[PG]);
    assert!(openers(&super::look(&beside)).iter().all(|o| o.stage == Stage::Main));
    assert_eq!(shape(&beside), "4w x 0a..1a + 2w x 0..1a");
}

#[test]
fn an_opener_says_whom_it_connects_to_and_as_whom() {
    let container = line("", "gunicorn shop.wsgi -w 4", &[PG, "DB_APPLICATION_NAME=wall-django-api"]);
    let look = look(&container);
    let opener = &openers(&look)[0];
    let to = opener.to.as_ref().unwrap();
    assert_eq!(
        (to.host.as_str(), to.port, to.database.as_deref(), to.user.as_deref()),
        ("db", Some(5432), Some("shop"), Some("app"))
    );
    assert_eq!(opener.application.as_deref(), Some("wall-django-api"));
    assert!(!format!("{look:?}").contains("geheim"));
}

#[test]
fn an_environment_nobody_sees_makes_an_assumption() {
    let mut container = line("python:3.12", "gunicorn shop.wsgi -w 4", &[]);
    assert_eq!(shape(&container), "nothing");
    container.unseen.push(Text::new("secret api-secrets", place()));
    assert_eq!(shape(&container), "4w x 0a..1a");
    let look = look(&container);
    let why = openers(&look)[0].pool.most.assumption().unwrap();
    assert!(why.contains("secret api-secrets"), "{why}");
    let mut unknown = line("team/thing", "thing", &[]);
    unknown.unseen.push(Text::new("secret s", place()));
    assert_eq!(shape(&unknown), "nothing");
}

#[test]
fn a_hidden_url_is_taken_for_a_postgresql_and_said_so() {
    let container = line("", "gunicorn shop.wsgi -w 4", &["DATABASE_URL=?"]);
    let look = look(&container);
    let why = openers(&look)[0].pool.most.assumption().unwrap();
    assert!(why.contains("the name of DATABASE_URL"), "{why}");
}

#[test]
fn a_count_of_cores_names_the_limit() {
    let mut container = line("", "sh -c|gunicorn shop.wsgi -w $((2 * $(nproc) + 1))", &[PG]);
    container.cpu_millis_max = Some(Number::implied(4000));
    let look = look(&container);
    let processes = &openers(&look)[0].processes;
    assert_eq!(mark(processes), "9a");
    assert!(processes.assumption().unwrap().contains("cpu limit"));
}

#[test]
fn what_is_no_number_is_said_once_and_the_default_is_assumed() {
    for (command, rule) in [
        ("gunicorn shop.wsgi -w 99999999999", "POOL001"),
        ("gunicorn shop.wsgi -w -4", "POOL001"),
        ("gunicorn shop.wsgi -w four", "POOL001"),
        ("gunicorn shop.wsgi --workers=", "POOL001"),
        ("gunicorn shop.wsgi -w $WORKERS", "POOL002"),
    ] {
        let container = line("", command, &[PG]);
        assert_eq!((shape(&container).as_str(), rules(&container)), ("1a x 0a..1a", vec![rule]), "{command}");
    }
    let value = line("", "gunicorn shop.wsgi", &[PG, "WEB_CONCURRENCY=viele"]);
    assert_eq!(rules(&value), ["POOL001"]);
    let hidden = line("", "gunicorn shop.wsgi", &[PG, "WEB_CONCURRENCY=?"]);
    assert!(openers(&look(&hidden))[0].processes.assumption().unwrap().contains("no file shows"));
}

#[test]
fn a_value_that_is_refused_is_never_quoted() {
    let container = line("", "gunicorn shop.wsgi -w geheim", &[PG, "DB_MAX_CONNS=geheim"]);
    let look = look(&container);
    assert_eq!(look.findings.len(), 2);
    assert!(!format!("{look:?}").contains("geheim"));
}

fn is_whole(part: &Part) -> bool {
    match part {
        Part::Opens(openers) => openers.iter().all(|o| o.pool.kept.value <= o.pool.most.value),
        Part::Pooler(pooler) => pooler.kept.value <= pooler.most.value,
        Part::Server(_) | Part::Nothing => true,
    }
}

proptest! {
    #[test]
    fn whatever_it_is_told_it_ends_and_keeps_no_more_than_it_may_open(
        image in "(postgres|python:3|node|team/x|bitnami/pgbouncer|ghcr.io/x/connwarden:1|php:8-fpm|pgdog|odyssey)?",
        words in prop::collection::vec(
            prop_oneof![
                "(gunicorn|celery|worker|puma|sidekiq|pm2|java|-w|-c|-t|--workers|-i|&&|&|sh|-c|python|-m|manage.py|rails|s)",
                "[-=$(){}a-z0-9 '\"`#;&|:/]{0,24}",
            ],
            0..8,
        ),
        pairs in prop::collection::vec(
            (
                "(DATABASE_URL|DB_HOST|DB_MAX_CONNS|WEB_CONCURRENCY|CONN_MAX_AGE|DB_POOL_SIZE|GUNICORN_CMD_ARGS|POOL_SIZE|DB_POOL_MIN_SIZE|JAVA_OPTS)",
                prop_oneof!["[0-9]{0,12}", "postgres://[a-z@:/?=&%0-9]{0,20}", "[-$(){}a-zA-Z_0-9 ]{0,16}"],
            ),
            0..5,
        ),
        file in "[ -~\n]{0,200}",
    ) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
        let mut told = container(&image, &words, &pairs);
        for path in ["pgbouncer.ini", "userlist.txt", "connwarden.toml", "settings.py", "config/puma.rb", "pgdog.toml",
                     "application.yaml", "odyssey.conf", "gunicorn.conf.py", "postgresql.conf", "start.sh"] {
            told.files.insert(path.into(), Text::new(file.clone(), place()));
        }
        let look = look(&told);
        prop_assert!(is_whole(&look.part), "{:?}", look.part);
    }
}
