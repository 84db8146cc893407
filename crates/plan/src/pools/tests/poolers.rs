//! What poolers open.

use super::*;

/// `processes x kept..most of clients`.
fn pooler(container: &Container) -> String {
    match look(container).part {
        Part::Pooler(p) => {
            format!("{} {}..{} of {}", p.what, mark(&p.kept), mark(&p.most), mark(&p.clients_max))
        }
        other => format!("{other:?}"),
    }
}

fn bouncer(ini: &str, users: &str) -> Container {
    let container = line("edoburu/pgbouncer", "pgbouncer /etc/pgbouncer/pgbouncer.ini", &[]);
    let container = with_file(container, "/etc/pgbouncer/pgbouncer.ini", ini);
    if users.is_empty() { container } else { with_file(container, "/etc/pgbouncer/userlist.txt", users) }
}

#[test]
fn pgbouncer_opens_a_pool_for_each_user_of_each_database() {
    for (databases, settings, users, found) in [
        ("shop = host=db", "", "", "PgBouncer 0..20a of 100a"),
        ("shop = host=db", "default_pool_size = 30\nmax_client_conn = 500", "", "PgBouncer 0..30a of 500w"),
        ("shop = host=db user=app", "default_pool_size = 30", "", "PgBouncer 0..30w of 100a"),
        ("shop = host=db user=app", "", "", "PgBouncer 0..20a of 100a"),
        (
            "shop = host=db",
            "default_pool_size = 30",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..60w of 100a",
        ),
        (
            "shop = host=db\nlog = host=db",
            "default_pool_size = 30",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..120w of 100a",
        ),
        (
            "shop = host=db pool_size=5\nlog = host=db",
            "default_pool_size = 30",
            "\"a\" \"x\"\n",
            "PgBouncer 0..35w of 100a",
        ),
        (
            "shop = host=db",
            "default_pool_size = 30\nreserve_pool_size = 5",
            "\"a\" \"x\"\n",
            "PgBouncer 0..35w of 100a",
        ),
        (
            "shop = host=db",
            "default_pool_size = 30\nmin_pool_size = 4",
            "\"a\" \"x\"\n",
            "PgBouncer 4..30w of 100a",
        ),
        (
            "shop = host=db",
            "default_pool_size = 30\nmax_db_connections = 40",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..40w of 100a",
        ),
        (
            "shop = host=db max_db_connections=25",
            "default_pool_size = 30\nmax_db_connections = 40",
            "\"a\" \"x\"\n",
            "PgBouncer 0..25w of 100a",
        ),
        (
            "shop = host=db\nlog = host=db",
            "default_pool_size = 30\nmax_user_connections = 10",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..20w of 100a",
        ),
        (
            "shop = host=db",
            "default_pool_size = 30\n[users]\na = pool_size=3",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..33w of 100a",
        ),
        (
            "shop = host=db",
            "default_pool_size = 30\nstats_users = b",
            "\"a\" \"x\"\n\"b\" \"y\"\n",
            "PgBouncer 0..30w of 100a",
        ),
        ("shop = host=db", "default_pool_size = viele", "\"a\" \"x\"\n", "PgBouncer 0..20a of 100a"),
    ] {
        let ini = format!("[databases]\n{databases}\n[pgbouncer]\n{settings}\n");
        assert_eq!(pooler(&bouncer(&ini, users)), found, "{databases} | {settings}");
    }
    let ini = "[databases]\nshop = host=db port=5433 dbname=wall\n[pgbouncer]\ndefault_pool_size = 30\n";
    let Part::Pooler(pooler) = look(&bouncer(ini, "\"a\" \"x\"")).part else { panic!("no pooler") };
    let to = pooler.to.unwrap();
    assert_eq!((to.host.as_str(), to.port, to.database.as_deref()), ("db", Some(5433), Some("wall")));
    assert_eq!(
        pooler.most.place().map(ToString::to_string).as_deref(),
        Some("/etc/pgbouncer/pgbouncer.ini:4")
    );
}

#[test]
fn images_make_pgbouncers_settings_of_variables() {
    for (image, environment, found) in [
        (
            "edoburu/pgbouncer",
            &["DATABASE_URL=postgres://app:x@db/s", "DEFAULT_POOL_SIZE=15", "MAX_CLIENT_CONN=300"][..],
            "PgBouncer 0..15a of 300w",
        ),
        (
            "bitnami/pgbouncer:1",
            &["POSTGRESQL_HOST=db", "PGBOUNCER_DEFAULT_POOL_SIZE=25", "PGBOUNCER_MAX_CLIENT_CONN=300"],
            "PgBouncer 0..25a of 300w",
        ),
        (
            "bitnami/pgbouncer:1",
            &["PGBOUNCER_DEFAULT_POOL_SIZE=25", "PGBOUNCER_MAX_DB_CONNECTIONS=10"],
            "PgBouncer 0..10w of 100a",
        ),
        (
            "edoburu/pgbouncer",
            &["DATABASE_URLS=postgres://a:x@db/s,postgres://a:x@db/t", "DEFAULT_POOL_SIZE=15"],
            "PgBouncer 0..30a of 100a",
        ),
        ("edoburu/pgbouncer", &[], "PgBouncer 0..20a of 100a"),
    ] {
        assert_eq!(pooler(&line(image, "", environment)), found, "{image} {environment:?}");
    }
    assert_eq!(shape(&line("prometheuscommunity/pgbouncer-exporter", "", &[PG])), "1 x 0..2a");
}

#[test]
fn connwardens_own_file_is_read_by_its_own_reader() {
    let text = include_str!("../../../../../examples/wall/connwarden.toml");
    let proxy = with_file(line("connwarden:0.1.0", "", &[]), "/etc/connwarden/connwarden.toml", text);
    // wall: 40 + 10 and 5; wall_admin: 3 and the database's reserve of 10, and 3.
    assert_eq!(pooler(&proxy), "connwarden 0..71w of 2000w");
    let limited = text.replace("reserve_pool_size = 10", "reserve_pool_size = 10\nmax_db_connections = 45");
    let proxy = with_file(line("", "connwarden proxy", &[]), "/etc/connwarden/connwarden.toml", &limited);
    assert_eq!(pooler(&proxy), "connwarden 0..53w of 2000w");
    let Part::Pooler(part) = look(&proxy).part else { panic!("no pooler") };
    assert_eq!(part.to.map(|to| (to.host, to.port)), Some(("postgres".into(), Some(5432))));
}

#[test]
fn connwarden_without_a_file_serves_one_user_of_one_database() {
    let server = "connwarden proxy --server postgres://app:geheim@db/shop";
    assert_eq!(pooler(&line("", server, &[])), "connwarden 0..20a of 10000a");
    let variable = line("", "connwarden proxy --server $DATABASE_URL", &[PG]);
    assert_eq!(pooler(&variable), "connwarden 0..20a of 10000a");
    assert!(!format!("{:?}", look(&line("", server, &[]))).contains("geheim"));
    assert_eq!(pooler(&line("", "connwarden proxy", &[])), "connwarden 0..20a of 10000a");
}

#[test]
fn a_file_that_connwarden_refuses_is_an_error_at_its_line() {
    let text = "[proxy]\nlisten_port = 6432\npool_sise = 3\n";
    let proxy = with_file(line("", "connwarden proxy", &[]), "/etc/connwarden.toml", text);
    let proxy = with_file(proxy, "/etc/connwarden/connwarden.toml", text);
    let look = look(&proxy);
    let finding = look.findings.iter().find(|f| f.message.contains("pool_sise")).expect("a finding");
    assert_eq!((finding.rule.id, finding.place.as_ref().unwrap().line), ("POOL008", 3));
}

#[test]
fn pgbouncers_face_of_connwarden_reads_the_ini() {
    let ini = "[databases]\nshop = host=db user=app\n[pgbouncer]\ndefault_pool_size = 12\n";
    let face = with_file(line("", "connwarden pgbouncer /etc/p.ini", &[]), "/etc/p.ini", ini);
    assert_eq!(pooler(&face), "connwarden 0..12w of 100a");
}

#[test]
fn other_poolers_are_read_where_they_are_plain() {
    let pgcat = "[general]\n[pools.a.users.0]\nusername = \"x\"\npool_size = 9\n[pools.a.users.1]\nusername = \"y\"\n";
    assert_eq!(
        pooler(&with_file(line("ghcr.io/postgresml/pgcat", "", &[]), "pgcat.toml", pgcat)),
        "PgCat 0..24a of 1000a"
    );
    assert_eq!(pooler(&line("", "pgcat", &[])), "PgCat 0..15a of 1000a");
    let pgdog = with_file(
        line("", "pgdog", &[]),
        "pgdog.toml",
        "[general]\ndefault_pool_size = 8\n[[databases]]\nname = \"s\"\nhost = \"db\"\n[[databases]]\nname = \"t\"\nhost = \"db\"\n",
    );
    assert_eq!(pooler(&pgdog), "PgDog 0..16a of 1000a");
    let users = "[[users]]\nname = \"a\"\ndatabase = \"s\"\n[[users]]\nname = \"b\"\ndatabase = \"s\"\npool_size = 3\n";
    assert_eq!(pooler(&with_file(pgdog, "users.toml", users)), "PgDog 0..11w of 1000a");
    assert_eq!(pooler(&line("bitnami/pgpool", "", &[])), "Pgpool-II 0..128a of 32a");
    let pgpool = ["PGPOOL_NUM_INIT_CHILDREN=10", "PGPOOL_MAX_POOL=2"];
    assert_eq!(pooler(&line("bitnami/pgpool", "", &pgpool)), "Pgpool-II 0..20w of 10w");
    let odyssey = "database \"s\" {\n  user \"a\" {\n    pool_size 30\n  }\n}\n";
    assert_eq!(
        pooler(&with_file(line("", "odyssey", &[]), "odyssey.conf", odyssey)),
        "Odyssey 0..30w of 1000a"
    );
    let torn = with_file(line("", "pgcat", &[]), "pgcat.toml", "[general\n");
    assert_eq!(rules(&torn), ["POOL008"]);
}
