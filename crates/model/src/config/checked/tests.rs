use super::*;
use crate::catalog;

#[test]
fn every_default_can_be_read_and_prints_as_it_is_written() {
    let config = Config::default();
    let sections = [
        config.proxy.texts(),
        Server::with_defaults("s".into()).texts(),
        Database::with_defaults("d".into()).texts(),
        User::with_defaults("u".into()).texts(),
        Target::with_defaults("t".into()).texts(),
        config.admin.texts(),
        config.checks.texts(),
    ];
    let mut count = 0;
    for (setting, text) in sections.into_iter().flatten() {
        assert_eq!(text, setting.default, "{}", setting.key);
        count += 1;
    }
    assert_eq!(count, catalog::all().count());
}

#[test]
fn the_test_configuration_has_a_pool() {
    let pool = Config::for_tests().pool("wall", "app").unwrap();
    assert_eq!((&*pool.database, &*pool.dbname, &*pool.login.user), ("wall", "wall", "app"));
    assert_eq!(pool.mode, PoolMode::Transaction);
    assert_eq!(pool.pool_size, 20);
    assert_eq!(Config::for_tests().pool("pgbouncer", "app"), Err(NoSuch::Console));
    assert_eq!(Config::for_tests().pool("wall", "nobody"), Err(NoSuch::User));
}

#[test]
fn the_user_wins_over_the_database_and_the_database_over_the_proxy() {
    let mut config = Config::for_tests();
    config.proxy.default_pool_size = 7;
    assert_eq!(config.pool("wall", "app").unwrap().pool_size, 7);
    let mut database = Database::with_defaults("wall".into());
    database.server = "main".into();
    database.pool_size = Own(Some(8));
    database.pool_mode = Own(Some(PoolMode::Session));
    database.dbname = Some("wall_15".into());
    config.add_database(database);
    let pool = config.pool("wall", "app").unwrap();
    assert_eq!((pool.pool_size, pool.mode, &*pool.dbname), (8, PoolMode::Session, "wall_15"));
    let mut user = User::with_defaults("app".into());
    user.pool_size = Own(Some(9));
    user.query_timeout = Own(Some(None));
    config.proxy.query_timeout = Some(std::time::Duration::from_secs(3));
    config.add_user(user);
    let pool = config.pool("wall", "app").unwrap();
    assert_eq!((pool.pool_size, pool.mode, pool.query_timeout), (9, PoolMode::Session, None));
}

#[test]
fn a_password_of_the_file_wins_over_the_user_lists() {
    let mut config = Config::for_tests();
    config.add_userlist([("app".to_owned(), "listed".to_owned()), ("new".to_owned(), "n".to_owned())]);
    assert_eq!(config.users["app"].password.as_ref().unwrap().expose(), "app");
    assert_eq!(config.users["new"].password.as_ref().unwrap().expose(), "n");
}

#[test]
fn a_secret_never_prints() {
    let config = Config::for_tests();
    let printed = format!("{config:?}");
    assert!(printed.contains("***") && !printed.contains("\"app\")"), "{printed}");
}

#[test]
fn a_change_that_needs_a_start_is_named_and_kept_back() {
    let (old, mut new) = (Config::default(), Config::default());
    new.proxy.listen_port = 1;
    new.proxy.default_pool_size = 3;
    assert_eq!(old.boot_changes(&new), ["listen_port"]);
    new.keep_boot_settings(&old);
    assert_eq!((new.proxy.listen_port, new.proxy.default_pool_size), (6432, 3));
}
