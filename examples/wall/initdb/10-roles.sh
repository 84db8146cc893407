#!/bin/sh
# Runs once, when the cluster is new: the roles that the proxy logs in as. None of them is a superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v wall="$WALL_PASSWORD" -v admin="$WALL_ADMIN_PASSWORD" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE wall LOGIN PASSWORD :'wall';
CREATE ROLE wall_admin LOGIN PASSWORD :'admin' IN ROLE wall, pg_monitor, pg_signal_backend;
ALTER DATABASE wall OWNER TO wall;
GRANT ALL ON SCHEMA public TO wall;
SQL
