//! Who is left alone by name.

/// Applications that pool connections for others: their sessions are somebody else's pool. `--include-poolers` releases
/// them.
pub const POOLERS: &[&str] = &["pgbouncer*", "pg_doorman*", "pgdog*", "odyssey*", "pgcat*", "supavisor*"];

/// Applications whose work is not to be interrupted, and ourselves.
pub const PROTECTED: &[&str] = &[
    "connwarden*",
    "pg_dump*",
    "pg_restore*",
    "pg_basebackup*",
    "pg_rewind*",
    "patroni*",
    "repmgr*",
    "barman*",
    "pgbackrest*",
    "wal-g*",
    "*migrat*",
];

/// Roles with which providers of managed servers look after them.
pub const SYSTEM_ROLES: &[&str] = &[
    "rdsadmin",
    "rdsrepladmin",
    "rdstopmgr",
    "rdsproxyadmin",
    "cloudsqladmin",
    "cloudsqlagent",
    "cloudsqlreplica",
    "cloudsqlimportexport",
    "cloudsqlconnpooladmin",
    "alloydbadmin",
    "alloydbagent",
    "alloydbreplica",
    "azuresu",
    "azure_superuser",
    "azure_pg_admin",
    "replication_azuresu*",
    "_aiven*",
    "aiven_*",
    "cloud_admin",
    "supabase_*",
    "_dodb",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Glob;

    #[test]
    fn names_are_known_as_programs_write_them() {
        for name in ["PgBouncer", "odyssey", "pgdog 1"] {
            assert!(Glob::any_of(POOLERS, name), "{name}");
        }
        for name in
            ["Patroni heartbeat", "pgBackRest [backup]", "django-migrate", "Flyway Migration", "pg_dump"]
        {
            assert!(Glob::any_of(PROTECTED, name), "{name}");
        }
        assert!(Glob::any_of(PROTECTED, "connwarden proxy") && !Glob::any_of(PROTECTED, "wall-django-api"));
        assert!(Glob::any_of(SYSTEM_ROLES, "rdsadmin") && !Glob::any_of(SYSTEM_ROLES, "app"));
    }
}
