//! The pool of one process, by library.

use super::*;

fn sizes(rows: &[(&str, &[&str], &str)]) {
    for (command, environment, found) in rows {
        let shape = shape(&line("", command, environment));
        let pool = shape.split_once(" x ").map_or("none", |(_, pool)| pool);
        assert_eq!(pool, *found, "{command} | {environment:?}");
    }
}

#[test]
fn sqlalchemy_opens_its_pool_and_its_overflow() {
    const URL: &str = "DATABASE_URL=postgresql+asyncpg://app@db/shop";
    sizes(&[
        ("uvicorn a:app", &[URL], "5a..15a"),
        ("uvicorn a:app", &[URL, "DB_POOL_SIZE=8", "DB_MAX_OVERFLOW=2"], "8w..10w"),
        ("uvicorn a:app", &[URL, "DB_POOL_SIZE=8"], "8w..18a"),
        ("uvicorn a:app", &[URL, "SQLALCHEMY_POOL_SIZE=8", "SQLALCHEMY_MAX_OVERFLOW=0"], "8w..8w"),
        (
            "uvicorn a:app",
            &[URL, "SQLALCHEMY_ENGINE_OPTIONS={\"pool_size\": 7, \"max_overflow\": 3}"],
            "7w..10w",
        ),
        ("gunicorn a:app --threads 4", &[URL], "4a..4a"),
        ("gunicorn a:app", &[URL], "1a..1a"),
        ("uvicorn a:app", &[URL, "MAX_OVERFLOW=-1"], "5a..15a"),
        ("uvicorn a:app", &["DATABASE_URL=postgresql://app@db/shop"], "0..10a"),
        ("uvicorn a:app", &["DATABASE_URL=postgresql://app@db/shop", "DB_POOL_SIZE=8"], "0..8w"),
    ]);
    assert_eq!(rules(&line("", "uvicorn a:app", &[URL, "MAX_OVERFLOW=-1"])), ["POOL007"]);
    assert_eq!(
        rules(&line("", "gunicorn a:app --threads 20", &[URL, "POOL_SIZE=5", "MAX_OVERFLOW=5"])),
        ["POOL004"]
    );
}

#[test]
fn pythons_other_pools() {
    sizes(&[
        ("uvicorn a:app", &["DATABASE_URL=asyncpg://app@db/shop"], "1a..5a"),
        ("uvicorn a:app", &["DATABASE_URL=asyncpg://app@db/shop?minsize=2&maxsize=9"], "2w..9w"),
        ("uvicorn a:app", &[PG, "PSYCOPG_POOL_MIN_SIZE=2"], "2w..2w"),
        ("uvicorn a:app", &[PG, "PSYCOPG_POOL_MAX_SIZE=9"], "4a..9w"),
        ("uvicorn a:app", &[PG, "ASYNCPG_MAX_SIZE=20"], "10a..20w"),
        ("uvicorn a:app", &[PG, "ASYNCPG_MAX_SIZE=5"], "5w..5w"),
    ]);
}

#[test]
fn hikari_and_agroal() {
    const URL: &str = "SPRING_DATASOURCE_URL=jdbc:postgresql://db:5432/shop";
    sizes(&[
        ("java -jar a.jar", &[URL], "10a..10a"),
        ("java -jar a.jar", &[URL, "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=20"], "20w..20w"),
        ("java -jar a.jar", &[URL, "SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE=20"], "20w..20w"),
        (
            "java -jar a.jar",
            &[
                URL,
                "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=20",
                "SPRING_DATASOURCE_HIKARI_MINIMUM_IDLE=5",
            ],
            "5w..20w",
        ),
        ("java -Dspring.datasource.hikari.maximum-pool-size=7 -jar a.jar", &[URL], "7w..7w"),
        ("java -jar a.jar --spring.datasource.hikari.maximumPoolSize=8", &[URL], "8w..8w"),
        (
            "java -jar a.jar",
            &[URL, "JAVA_OPTS=-Xmx1g -Dspring.datasource.hikari.maximum-pool-size=9"],
            "9w..9w",
        ),
        ("java -Dspring.datasource.url=jdbc:postgresql://db/s -jar a.jar", &[], "10a..10a"),
        ("java -jar a.jar", &[URL, "DATASOURCES_DEFAULT_MAXIMUM_POOL_SIZE=6"], "6w..6w"),
        ("java -jar quarkus-run.jar", &["QUARKUS_DATASOURCE_JDBC_URL=jdbc:postgresql://db/s"], "0a..20a"),
        (
            "java -jar quarkus-run.jar",
            &["QUARKUS_DATASOURCE_JDBC_URL=jdbc:postgresql://db/s", "QUARKUS_DATASOURCE_JDBC_MAX_SIZE=16"],
            "0a..16w",
        ),
        ("java -jar a.jar", &["SPRING_DATASOURCE_URL=jdbc:mysql://db/s"], "none"),
    ]);
    let upside =
        [URL, "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=5", "SPRING_DATASOURCE_HIKARI_MINIMUM_IDLE=9"];
    assert_eq!(rules(&line("", "java -jar a.jar", &upside)), ["POOL006"]);
}

#[test]
fn springs_files_are_read() {
    let yaml =
        "spring:\n  datasource:\n    hikari:\n      maximum-pool-size: ${DB_POOL:12}\n      minimumIdle: 3\n";
    let java = || line("", "java -jar a.jar", &["SPRING_DATASOURCE_URL=jdbc:postgresql://db/s"]);
    let read = with_file(java(), "/config/application-prod.yaml", yaml);
    assert_eq!(shape(&read), "1 x 3w..12w");
    let Part::Opens(openers) = look(&read).part else { panic!("nothing") };
    assert_eq!(openers[0].pool.most.place().unwrap().line, 4);
    let properties = "spring.datasource.hikari.maximum-pool-size=14\n";
    assert_eq!(shape(&with_file(java(), "/config/application.properties", properties)), "1 x 14w..14w");
    assert_eq!(shape(&with_file(java(), "/config/other.yaml", yaml)), "1 x 10a..10a");
}

#[test]
fn nodes_pools() {
    sizes(&[
        ("node a.js", &[PG], "0..10a"),
        ("node a.js", &[PG, "PG_POOL_MAX=20"], "0..20w"),
        ("node a.js", &[PG, "PGMAX=20"], "0..20w"),
        ("node a.js", &["DATABASE_URL=postgres://db/s?connection_limit=5"], "0..5w"),
        ("node a.js", &["DATABASE_URL=postgres://db/s?schema=public"], "0..5a"),
        ("node a.js", &[PG, "KNEX_POOL_MAX=7"], "2a..7w"),
        ("node a.js", &[PG, "SEQUELIZE_POOL_MIN=1"], "1w..5a"),
        ("node a.js", &[PG, "TYPEORM_POOL_SIZE=9"], "0..9w"),
    ]);
}

#[test]
fn pools_of_go_rust_dotnet_and_elixir() {
    sizes(&[
        (
            "dotnet a.dll",
            &["ConnectionStrings__Main=Host=db;Database=s;Username=u;Maximum Pool Size=30"],
            "0a..30w",
        ),
        (
            "dotnet a.dll",
            &["ConnectionStrings__Main=Host=db;Database=s;Username=u;Max Pool Size=30;Min Pool Size=2"],
            "2w..30w",
        ),
        ("dotnet a.dll", &["ConnectionStrings__Main=Host=db;Database=s;Username=u"], "0a..100a"),
        ("mix phx.server", &[PG, "POOL_SIZE=6"], "6w..6w"),
        ("server", &[PG, "RUST_LOG=info"], "0..10a"),
        ("server", &[PG, "RUST_LOG=info", "DATABASE_MAX_CONNECTIONS=25"], "0..25w"),
        ("server", &["DATABASE_URL=postgres://db/s?max_connections=9", "RUST_LOG=info"], "0..9w"),
        ("server", &["PG__HOST=db", "RUST_LOG=info"], "0..4a"),
        ("server", &["PG__HOST=db", "RUST_LOG=info", "PG__POOL__MAX_SIZE=16"], "0..16w"),
        ("server", &[PG, "GOMAXPROCS=4"], "2a..10a"),
        ("server", &[PG, "GOMAXPROCS=4", "DB_MAX_OPEN_CONNS=25", "DB_MAX_IDLE_CONNS=5"], "5w..25w"),
        ("server", &["DATABASE_URL=postgres://db/s?pool_max_conns=9", "GOMAXPROCS=4"], "0a..9w"),
        ("server", &["DATABASE_URL=postgres://db/s?pool_max_conns=9"], "0..9w"),
        ("server", &["DATABASE_URL=postgres://db/s?pool_min_conns=1", "GOMAXPROCS=4"], "1w..4a"),
    ]);
    assert_eq!(rules(&line("", "server", &[PG, "GOMAXPROCS=4"])), ["POOL007"]);
    assert_eq!(rules(&line("", "server", &[PG, "GOMAXPROCS=4", "DB_MAX_OPEN_CONNS=5"])), [""; 0]);
}

#[test]
fn a_name_that_says_pool_of_a_database_is_the_last_resort() {
    sizes(&[
        ("server", &[PG, "SHOP_DB_POOL_SIZE=12"], "0..12w"),
        ("server", &[PG, "SHOP_DATABASE_MAX_CONNS=12"], "0..12w"),
        ("server", &[PG, "REDIS_POOL_SIZE=12"], "0..10a"),
        ("server", &[PG, "HTTP_MAX_CONNECTIONS=12"], "0..10a"),
        ("server", &[PG, "POSTGRES_MAX_CONNECTIONS=200"], "0..10a"),
        ("server", &[PG, "PGBOUNCER_DEFAULT_POOL_SIZE=20"], "0..10a"),
    ]);
}
