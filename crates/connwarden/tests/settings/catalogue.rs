//! Every setting has a test of what it does. The table names it; here it is looked up, and must speak of the setting.
//!
//! A name without a path is a test function, wherever it stands; one that ends in `.talk` is a conversation of the
//! engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use model::catalog::{self, Section};

const TESTED: &[(Section, &[(&str, &str)])] = &[
    (
        Section::Proxy,
        &[
            ("listen_addr", "every_address_takes_clients_on_the_same_port"),
            ("listen_port", "every_address_takes_clients_on_the_same_port"),
            ("listen_backlog", "no_more_knock_than_the_backlog_holds"),
            ("so_reuseport", "one_port_is_shared_where_it_was_asked_for"),
            ("unix_socket_dir", "a_unix_socket_lies_in_its_directory_with_its_permissions"),
            ("unix_socket_mode", "a_unix_socket_lies_in_its_directory_with_its_permissions"),
            ("unix_socket_group", "a_socket_file_is_given_to_its_group"),
            ("user", "root_becomes_the_user_and_anybody_else_stays_who_he_is"),
            ("pidfile", "the_number_is_in_the_pidfile_while_the_process_lives"),
            ("workers", "there_are_as_many_workers_as_asked_for"),
            ("auth_type", "clients_prove_themselves_the_way_that_is_asked_for"),
            ("auth_file", "a_user_list_is_read_at_the_start_and_at_each_reload"),
            ("scram_iterations", "a_password_in_clear_text_is_hashed_so_many_rounds"),
            ("allow_trust_from_network", "trust_is_refused_where_other_machines_can_reach_it_unless_allowed"),
            ("pool_mode", "a_server_is_shared_as_the_mode_says"),
            ("default_pool_size", "no_more_servers_are_open_than_a_pool_may_have"),
            ("min_pool_size", "a_pool_in_use_keeps_its_minimum_open"),
            ("reserve_pool_size", "the_reserve_opens_for_who_has_been_waiting_long"),
            ("reserve_pool_timeout", "the_reserve_opens_for_who_has_been_waiting_long"),
            ("max_client_conn", "a_departure_makes_room_at_once"),
            ("max_db_connections", "servers_of_a_database_are_counted_over_its_users"),
            ("max_db_client_connections", "limits_of_databases_and_users_are_named_in_the_refusal"),
            ("max_user_connections", "servers_of_a_user_are_counted_over_databases"),
            ("max_user_client_connections", "limits_of_databases_and_users_are_named_in_the_refusal"),
            ("max_waiting_clients", "max_waiting_clients.talk"),
            ("server_round_robin", "server_round_robin.talk"),
            ("max_packet_size", "max_packet_size.talk"),
            ("max_prepared_statements", "eviction.talk"),
            ("statement_bytes_max", "statement_bytes_max.talk"),
            ("buffer_bytes_max", "a_process_that_keeps_too_much_reads_no_more_clients"),
            ("ignore_startup_parameters", "startup_parameters_are_forgotten_where_the_settings_say_so"),
            ("track_extra_parameters", "track_extra_parameters.talk"),
            ("application_name_add_host", "a_server_is_told_where_its_client_is"),
            ("disable_pqexec", "disable_pqexec.talk"),
            ("client_login_timeout", "client_login_timeout.talk"),
            ("client_idle_timeout", "client_idle_timeout.talk"),
            ("client_write_timeout", "client_write_timeout.talk"),
            ("query_timeout", "query_timeout.talk"),
            ("query_wait_timeout", "query_wait_timeout.talk"),
            ("query_wait_notify", "query_wait_notify.talk"),
            ("idle_transaction_timeout", "idle_transaction_timeout.talk"),
            ("transaction_timeout", "transaction_timeout.talk"),
            ("cancel_wait_timeout", "cancel_wait_timeout.talk"),
            ("drain_timeout", "a_drain_ends_when_everybody_has_left_or_its_time_is_over"),
            ("login_max", "login_max.talk"),
            ("wrong_cancel_keys_max", "wrong_cancel_keys_max.talk"),
            ("server_connect_timeout", "server_connect_timeout.talk"),
            ("server_login_retry", "a_server_that_fails_is_tried_again_within_the_longest_pause"),
            ("server_lifetime", "server_lifetime.talk"),
            ("server_lifetime_jitter", "server_lifetime_jitter.talk"),
            ("server_idle_timeout", "server_idle_timeout.talk"),
            ("server_check_delay", "server_check_delay.talk"),
            ("server_check_query", "server_check_query.talk"),
            ("server_reset_query", "server_reset_query.talk"),
            ("server_reset_query_always", "server_reset_query_always.talk"),
            ("server_clean", "server_clean_always.talk"),
            ("dns_max_ttl", "a_name_is_looked_up_again_when_its_answer_is_too_old"),
            ("tcp_socket_buffer", "buffers_have_the_size_asked_for"),
            ("tcp_keepalive", "dead_peers_are_looked_for_as_often_as_the_settings_say"),
            ("tcp_keepcnt", "dead_peers_are_looked_for_as_often_as_the_settings_say"),
            ("tcp_keepidle", "dead_peers_are_looked_for_as_often_as_the_settings_say"),
            ("tcp_keepintvl", "dead_peers_are_looked_for_as_often_as_the_settings_say"),
            ("tcp_user_timeout", "clients_and_servers_have_a_patience_each"),
            ("server_tcp_user_timeout", "clients_and_servers_have_a_patience_each"),
            ("log_connections", "logins_closes_and_errors_are_logged_unless_switched_off"),
            ("log_disconnections", "logins_closes_and_errors_are_logged_unless_switched_off"),
            ("log_pooler_errors", "logins_closes_and_errors_are_logged_unless_switched_off"),
            ("log_stats", "totals_are_logged_each_period_unless_switched_off"),
            ("log_format", "a_line_has_the_form_asked_for"),
            ("stats_period", "totals_are_logged_each_period_unless_switched_off"),
            ("verbose", "more_log_is_to_be_had_without_a_start"),
            ("metrics_listen", "metrics_are_served_where_the_settings_say"),
        ],
    ),
    (
        Section::Server,
        &[
            ("host", "a_server_is_reached_by_address_name_and_socket"),
            ("port", "a_server_is_reached_by_address_name_and_socket"),
            ("dial_rate", "dials_are_metered_per_server"),
            ("dial_burst", "dials_are_metered_per_server"),
            ("dials_max", "so_many_dials_are_under_way_at_a_time"),
        ],
    ),
    (
        Section::Database,
        &[
            ("server", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("dbname", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("user", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("password", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("pool_mode", "session_mode_keeps_the_server.talk"),
            ("pool_size", "the_size_of_a_user_wins_over_the_databases_and_that_over_the_default"),
            ("min_pool_size", "the_minimum_of_a_database_wins_over_the_default"),
            ("reserve_pool_size", "the_reserve_of_a_user_wins_over_the_databases_and_that_over_the_default"),
            ("max_db_connections", "servers_of_a_database_are_counted_over_its_users"),
            ("max_db_client_connections", "clients_are_limited_by_the_narrower_section"),
            ("server_lifetime", "server_lifetime.talk"),
            ("query_wait_timeout", "query_wait_timeout.talk"),
            ("server_clean", "server_clean_always.talk"),
            ("connect_query", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("client_encoding", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("datestyle", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("timezone", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("application_name", "a_database_says_where_its_servers_are_and_what_they_are_asked"),
            ("weight", "a_heavier_database_gets_more_when_both_want_all"),
            ("worker", "new_pools_go_where_the_fewest_are_unless_the_configuration_says_where"),
        ],
    ),
    (
        Section::User,
        &[
            ("password", "clients_prove_themselves_the_way_that_is_asked_for"),
            ("pool_mode", "session_mode_keeps_the_server.talk"),
            ("pool_size", "the_size_of_a_user_wins_over_the_databases_and_that_over_the_default"),
            ("reserve_pool_size", "the_reserve_of_a_user_wins_over_the_databases_and_that_over_the_default"),
            ("max_user_connections", "servers_of_a_user_are_counted_over_databases"),
            ("max_user_client_connections", "clients_are_limited_by_the_narrower_section"),
            ("query_timeout", "query_timeout.talk"),
            ("query_wait_timeout", "query_wait_timeout.talk"),
            ("idle_transaction_timeout", "idle_transaction_timeout.talk"),
            ("transaction_timeout", "transaction_timeout.talk"),
            ("client_idle_timeout", "client_idle_timeout.talk"),
        ],
    ),
    (
        Section::Admin,
        &[
            ("admin_users", "the_console_commands_for_some_and_only_shows_for_others"),
            ("stats_users", "the_console_commands_for_some_and_only_shows_for_others"),
        ],
    ),
    (
        Section::Target,
        &[
            ("dsn", "a_target_stands_for_its_dsn_and_a_flag_wins_over_it"),
            ("protected", "a_protected_target_is_told_to_those_who_change_anything"),
        ],
    ),
    (
        Section::Checks,
        &[
            ("warn", "every_threshold_of_the_file_reaches_its_check"),
            ("crit", "every_threshold_of_the_file_reaches_its_check"),
            ("idle_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("idle_tx_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("idle_tx_crit", "every_threshold_of_the_file_reaches_its_check"),
            ("long_query_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("churn_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("limit_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("limit_crit", "every_threshold_of_the_file_reaches_its_check"),
            ("blocked_warn", "every_threshold_of_the_file_reaches_its_check"),
            ("blocked_crit", "every_threshold_of_the_file_reaches_its_check"),
            ("full_within_warn", "every_threshold_of_the_file_reaches_its_check"),
        ],
    ),
];

/// Files below a directory whose names end so.
fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// Every test of the workspace with its text: functions behind `#[test]` up to their closing brace, and conversations.
fn tests() -> BTreeMap<String, String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tests = BTreeMap::new();
    let mut sources = Vec::new();
    files(crates, ".rs", &mut sources);
    for path in sources {
        let text = fs::read_to_string(path).unwrap();
        for part in text.split("#[test]\n").skip(1) {
            let indent: String = part.chars().take_while(|c| *c == ' ').collect();
            let head = part.lines().find_map(|line| line.trim_start().strip_prefix("fn "));
            let Some((name, _)) = head.and_then(|head| head.split_once('(')) else { continue };
            let end = part.find(&format!("\n{indent}}}")).unwrap_or(part.len());
            tests.insert(name.to_owned(), part[..end].to_owned());
        }
    }
    let mut talks = Vec::new();
    files(&crates.join("engine/tests/it/talk"), ".talk", &mut talks);
    for path in talks {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        tests.insert(name, fs::read_to_string(path).unwrap());
    }
    tests
}

/// What a conversation must set to be one about a setting.
fn in_a_talk(section: Section, key: &str) -> String {
    match section {
        Section::Database => format!("db.{key}="),
        Section::User => format!("user.{key}="),
        Section::Proxy | Section::Server | Section::Admin | Section::Target | Section::Checks => {
            format!(" {key}=")
        }
    }
}

#[test]
fn every_setting_has_a_test_of_what_it_does() {
    let tests = tests();
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for (section, rows) in TESTED {
        for (key, test) in *rows {
            if catalog::find(*section, key).is_none() {
                wrong.push(format!("{} knows no {key}", section.head()));
            }
            if !listed.insert((*section, *key)) {
                wrong.push(format!("{key} of {} is listed twice", section.head()));
            }
            let speaks = |text: &String| match test.strip_suffix(".talk") {
                Some(_) => text.contains(&in_a_talk(*section, key)),
                None => text.contains(key),
            };
            match tests.get(*test) {
                None => wrong.push(format!("{key} of {}: there is no test {test}", section.head())),
                Some(text) if !speaks(text) => wrong.push(format!("{test} says nothing of {key}")),
                Some(_) => {}
            }
        }
    }
    for setting in catalog::all().filter(|setting| !listed.contains(&(setting.section, setting.key))) {
        wrong.push(format!("{} of {} has no test", setting.key, setting.section.head()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
