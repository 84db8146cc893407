ALTER SYSTEM SET max_connections = 400;
SELECT pg_reload_conf();
