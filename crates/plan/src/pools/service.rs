//! Programs that are bought ready: their image says what they are. Those that never talk to PostgreSQL, and those whose
//! pool is documented.

use super::address::{self, Proof};
use super::calls::Call;
use super::library::property;
use super::told::Told;
use super::{Opener, Part, Pool, sums};
use crate::{Number, Stage};

/// Images that have nothing to do with PostgreSQL, whatever stands in an environment they share with others.
const SILENT: &[&str] = &[
    "redis",
    "redis-stack",
    "redis-stack-server",
    "valkey",
    "keydb",
    "dragonfly",
    "memcached",
    "redis_exporter",
    "redisinsight",
    "redis-commander",
    "nginx",
    "nginx-unprivileged",
    "nginx-prometheus-exporter",
    "nginx-proxy",
    "openresty",
    "caddy",
    "traefik",
    "haproxy",
    "envoy",
    "httpd",
    "varnish",
    "oauth2-proxy",
    "cloudflared",
    "certbot",
    "acme-companion",
    "rabbitmq",
    "kafka",
    "cp-kafka",
    "zookeeper",
    "cp-zookeeper",
    "redpanda",
    "nats",
    "mosquitto",
    "activemq",
    "minio",
    "mc",
    "localstack",
    "seaweedfs",
    "prometheus",
    "alertmanager",
    "node-exporter",
    "blackbox-exporter",
    "pushgateway",
    "cadvisor",
    "loki",
    "promtail",
    "tempo",
    "jaeger",
    "all-in-one",
    "zipkin",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "fluentd",
    "fluent-bit",
    "vector",
    "telegraf",
    "logstash",
    "datadog",
    "agent",
    "elasticsearch",
    "opensearch",
    "opensearch-dashboards",
    "kibana",
    "meilisearch",
    "typesense",
    "qdrant",
    "weaviate",
    "solr",
    "mysql",
    "mariadb",
    "percona",
    "phpmyadmin",
    "mongo",
    "mongo-express",
    "cassandra",
    "scylla",
    "neo4j",
    "influxdb",
    "clickhouse-server",
    "couchdb",
    "etcd",
    "consul",
    "vault",
    "mailhog",
    "mailpit",
    "maildev",
    "mailcatcher",
    "inbucket",
    "registry",
    "watchtower",
    "portainer",
    "portainer-ce",
    "selenium",
    "standalone-chrome",
    "standalone-firefox",
    "hub",
    "chrome",
    "chromium",
    "browserless",
    "gotenberg",
    "imgproxy",
    "thumbor",
    "coturn",
    "pause",
    "istio-proxy",
    "proxyv2",
    "linkerd-proxy",
    "tailscale",
    "wireguard",
    "swagger-ui",
    "ollama",
    "autoheal",
];

/// What a ready program opens, and what of it is known.
struct Service {
    /// The last part of its images' names.
    images: &'static [&'static str],
    /// Its name for people.
    name: &'static str,
    /// The variables that say the most, and the property if it takes arguments of that name.
    most: &'static [&'static str],
    /// What it is without them, and why.
    default: u32,
    why: &'static str,
    /// Connections beside the pool.
    aside: u32,
    /// What it keeps: the variables and the number.
    kept: (&'static [&'static str], u32),
    /// A variable that names the kind of database, where PostgreSQL is not the only one.
    kind: &'static [&'static str],
}

const SERVICES: &[Service] = &[
    Service {
        images: &["metabase", "metabase-enterprise"],
        name: "Metabase",
        most: &["MB_APPLICATION_DB_MAX_CONNECTION_POOL_SIZE"],
        default: 15,
        why: "Metabase opens up to 15 connections to its own database: MB_APPLICATION_DB_MAX_CONNECTION_POOL_SIZE is not set \
              (and up to 15 more to each database it shows)",
        aside: 0,
        kept: (&[], 1),
        kind: &["MB_DB_TYPE", "MB_DB_CONNECTION_URI"],
    },
    Service {
        images: &["grafana", "grafana-oss", "grafana-enterprise"],
        name: "Grafana",
        most: &["GF_DATABASE_MAX_OPEN_CONN"],
        default: 10,
        why: "Grafana opens connections WITHOUT A LIMIT; 10 assumed: GF_DATABASE_MAX_OPEN_CONN is not set",
        aside: 0,
        kept: (&["GF_DATABASE_MAX_IDLE_CONN"], 2),
        kind: &["GF_DATABASE_TYPE", "GF_DATABASE_URL"],
    },
    Service {
        images: &["graphql-engine"],
        name: "Hasura",
        most: &["HASURA_GRAPHQL_PG_CONNECTIONS"],
        default: 50,
        why: "Hasura opens up to 50 connections (assumed): HASURA_GRAPHQL_PG_CONNECTIONS is not set",
        aside: 0,
        kept: (&[], 1),
        kind: &[],
    },
    Service {
        images: &["postgrest"],
        name: "PostgREST",
        most: &["PGRST_DB_POOL"],
        default: 10,
        why: "PostgREST opens up to 10 connections: PGRST_DB_POOL is not set",
        aside: 1,
        kept: (&[], 0),
        kind: &[],
    },
    Service {
        images: &["keycloak"],
        name: "Keycloak",
        most: &["KC_DB_POOL_MAX_SIZE"],
        default: 100,
        why: "Keycloak opens up to 100 connections: KC_DB_POOL_MAX_SIZE is not set",
        aside: 0,
        kept: (&["KC_DB_POOL_MIN_SIZE"], 0),
        kind: &["KC_DB", "KC_DB_URL", "KEYCLOAK_DATABASE_VENDOR"],
    },
    Service {
        images: &["n8n"],
        name: "n8n",
        most: &["DB_POSTGRESDB_POOL_SIZE"],
        default: 2,
        why: "n8n opens up to 2 connections: DB_POSTGRESDB_POOL_SIZE is not set",
        aside: 0,
        kept: (&[], 1),
        kind: &["DB_TYPE"],
    },
    Service {
        images: &["postgres-exporter", "postgres_exporter"],
        name: "postgres_exporter",
        most: &[],
        default: 2,
        why: "postgres_exporter opens one connection for its queries and one for its collectors, to \
            each server it watches",
        aside: 0,
        kept: (&[], 1),
        kind: &[],
    },
    Service {
        images: &["pgbouncer-exporter", "pgbouncer_exporter", "pgadmin4", "pgweb", "adminer"],
        name: "a tool for administrators",
        most: &[],
        default: 2,
        why: "2 connections assumed for a tool that people look through: it opens more as they open more",
        aside: 0,
        kept: (&[], 0),
        kind: &[],
    },
];

/// The part of a ready program; `None` if it is none of these.
pub(super) fn look(told: &Told, calls: &[Call]) -> Option<Part> {
    let image = told.image_name();
    if SILENT.contains(&image) {
        return Some(Part::Nothing);
    }
    if image == "airflow" || image.starts_with("airflow-") {
        return Some(airflow(told, calls));
    }
    let service = SERVICES.iter().find(|service| service.images.contains(&image))?;
    if !service.kind.is_empty() && !is_postgres(told, service.kind) {
        return Some(Part::Nothing);
    }
    let arguments = calls.first().map_or(&[][..], |call| &call.words);
    let most = service.most.iter().find_map(|name| property(told, arguments, name));
    let most = most.filter(|most| most.value > 0).unwrap_or_else(|| match service.most {
        [] => Number::assumed(service.default, service.why),
        names => told.variable_or(names, service.default, service.why),
    });
    let kept = told.variable(service.kept.0).unwrap_or_else(|| Number::implied(service.kept.1));
    let target = address::target(told, arguments);
    Some(Part::Opens(vec![Opener {
        what: service.name.into(),
        processes: Number::implied(1),
        pool: Pool { kept: sums::at_most(kept, &most), most },
        aside: Number::implied(service.aside),
        to: target.address,
        application: target.application,
        stage: Stage::Main,
    }]))
}

/// Whether one of these variables names PostgreSQL, or hides what it names.
fn is_postgres(told: &Told, names: &[&str]) -> bool {
    match told.given(names) {
        Some(given) => given.text.to_ascii_lowercase().contains("postgres"),
        None => told.hidden(names).is_some(),
    }
}

/// Airflow: SQLAlchemy's pool in each of its processes.
fn airflow(told: &Told, calls: &[Call]) -> Part {
    let words = calls.iter().flat_map(|call| std::iter::once(call.program.as_str()).chain(call.operands()));
    let known = [
        "webserver",
        "api-server",
        "scheduler",
        "triggerer",
        "dag-processor",
        "worker",
        "standalone",
        "flower",
        "db",
        "version",
    ];
    let command = words.into_iter().find(|word| known.contains(word)).unwrap_or("");
    let target = address::target(told, &[]);
    if matches!(command, "flower" | "version") || matches!(target.proof, Proof::Other) {
        return Part::Nothing;
    }
    if target.proof == Proof::None && told.unseen().is_none() {
        return Part::Nothing;
    }
    let processes = match command {
        "webserver" => told.variable_or(
            &["AIRFLOW__WEBSERVER__WORKERS"],
            4,
            "Airflow's web server runs 4 workers (assumed): AIRFLOW__WEBSERVER__WORKERS is not set",
        ),
        "api-server" => told.variable_or(
            &["AIRFLOW__API__WORKERS"],
            1,
            "Airflow's API server runs one worker (assumed): AIRFLOW__API__WORKERS is not set",
        ),
        "worker" => told.variable_or(
            &["AIRFLOW__CELERY__WORKER_CONCURRENCY"],
            16,
            "an Airflow worker runs 16 tasks (assumed): AIRFLOW__CELERY__WORKER_CONCURRENCY is not set",
        ),
        _ => Number::implied(1),
    };
    let size = told.variable_or(
        &["AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE", "AIRFLOW__CORE__SQL_ALCHEMY_POOL_SIZE"],
        5,
        "Airflow keeps up to 5 connections in each process (assumed): \
            AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE is not set",
    );
    let overflow = told.variable_or(
        &["AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW", "AIRFLOW__CORE__SQL_ALCHEMY_MAX_OVERFLOW"],
        10,
        "Airflow opens up to 10 beyond its pool (assumed): \
            AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW is not set",
    );
    let most = match command {
        "worker" => Number::assumed(1, "a task of Airflow holds one connection (assumed)"),
        "db" => Number::implied(1),
        _ => sums::plus(&size, &overflow),
    };
    Part::Opens(vec![Opener {
        what: format!("Airflow {command}").trim_end().to_owned(),
        processes,
        pool: Pool { kept: sums::at_most(size, &most), most },
        aside: Number::implied(0),
        to: target.address,
        application: target.application,
        stage: Stage::Main,
    }])
}
