//! Launchers of Ruby, Node, Java, PHP and the rest.

use super::*;

#[test]
fn rubys_servers_and_workers() {
    check(&[
        ("", "bundle exec puma -w 2 -t 5:5", &[PG], "2w x 1..5a"),
        ("", "puma -t 1:3", &[PG], "1a x 1..3a"),
        ("", "puma", &[PG, "WEB_CONCURRENCY=3", "RAILS_MAX_THREADS=4"], "3w x 1..4w"),
        ("", "puma", &[PG, "WEB_CONCURRENCY=auto"], "2a x 1..5a"),
        ("", "puma -w 0", &[PG], "1w x 1..5a"),
        ("", "puma -w 2 -t 8:8", &[PG, "DB_POOL=10"], "2w x 1..8w"),
        ("", "puma", &["DATABASE_URL=postgres://db/s?pool=7"], "1a x 1..7w"),
        ("", "bin/rails server -b 0.0.0.0 -p 3000", &[PG], "1a x 1..5a"),
        ("", "rails s", &[PG, "RAILS_MAX_THREADS=3"], "1a x 1..3w"),
        ("", "bin/rails db:migrate", &[PG], "1 x 1..1"),
        ("", "rails assets:precompile", &[PG], "nothing"),
        ("", "unicorn -c config/unicorn.rb", &[PG, "WEB_CONCURRENCY=3"], "3w x 1..1a"),
        ("", "bundle exec sidekiq", &[PG], "1 x 1..5a"),
        ("", "sidekiq -c 10", &[PG], "1 x 1..10a"),
        ("", "sidekiq", &[PG, "RAILS_MAX_THREADS=8"], "1 x 1..8w"),
        ("", "sidekiq -c 10", &[PG, "DB_POOL=10"], "1 x 1..10w"),
        ("", "good_job start --max-threads=4", &[PG], "1 x 1..6a"),
        ("", "bin/jobs", &[PG], "1a x 1..5a + 3 x 1..1a"),
        ("", "bin/jobs", &[PG, "JOB_CONCURRENCY=2"], "2w x 1..5a + 3 x 1..1a"),
        ("", "passenger start", &[PG], "6a x 1..1a"),
        ("", "passenger start --max-pool-size=4", &[PG], "4w x 1..1a"),
    ]);
    let found = |command: &str, environment: &[&str]| rules(&line("", command, environment));
    assert_eq!(found("sidekiq -c 25", &[PG, "DB_POOL=10"]), ["POOL004"]);
    assert_eq!(found("sidekiq -c 10", &[PG, "DB_POOL=10"]), [""; 0]);
    assert_eq!(found("sidekiq -c 5", &[PG, "DB_POOL=10"]), ["POOL005"]);
}

#[test]
fn files_of_puma_sidekiq_and_rails_are_read() {
    let text = "workers ENV.fetch(\"WEB_CONCURRENCY\") { 2 }\nthreads 1, 6\npreload_app!\n";
    let puma = with_file(line("", "puma -C config/puma.rb", &[PG]), "/app/config/puma.rb", text);
    assert_eq!(shape(&puma), "2w x 1..6a");
    let puma = with_file(line("", "puma", &[PG, "WEB_CONCURRENCY=4"]), "/app/config/puma.rb", text);
    assert_eq!(shape(&puma), "4w x 1..6a");
    let database =
        "production:\n  adapter: postgresql\n  pool: <%= ENV.fetch(\"RAILS_MAX_THREADS\") { 9 } %>\n";
    let rails = with_file(line("", "puma -t 9:9", &[PG]), "config/database.yml", database);
    assert_eq!(shape(&rails), "1a x 1..9w");
    let sidekiq = with_file(
        line("", "sidekiq", &[PG]),
        "config/sidekiq.yml",
        ":queues:\n  - default\n:concurrency: 12\n",
    );
    assert_eq!(shape(&sidekiq), "1 x 1..12a");
    let unicorn = with_file(
        line("", "unicorn -c config/unicorn.rb", &[PG]),
        "config/unicorn.rb",
        "worker_processes 3\n",
    );
    assert_eq!(shape(&unicorn), "3w x 1..1a");
}

#[test]
fn nodes_processes() {
    check(&[
        ("node:22", "node server.js", &[PG], "1a x 0..10a"),
        ("node:22", "npm start", &[PG], "1a x 0..10a"),
        ("node:22", "", &[PG], "1a x 0..10a"),
        ("", "next start", &[PG], "1a x 0..10a"),
        ("", "pm2-runtime start app.js -i 4", &[PG], "4w x 0..10a"),
        ("", "pm2-runtime start app.js -i max", &[PG], "2a x 0..10a"),
        ("", "pm2-runtime start app.js -i -1", &[PG], "1a x 0..10a"),
        ("", "pm2-runtime start app.js", &[PG], "1a x 0..10a"),
        ("", "npx prisma migrate deploy", &[PG], "1 x 1..1"),
        ("", "npm run db:migrate", &[PG], "1 x 1..1"),
        ("", "npm ci", &[PG], "nothing"),
    ]);
    let file = "module.exports = { apps: [{ script: 'a.js', instances: 3, exec_mode: 'cluster' }] }";
    let pm2 =
        with_file(line("", "pm2-runtime start ecosystem.config.js", &[PG]), "ecosystem.config.js", file);
    assert_eq!(shape(&pm2), "1a x 0..10a");
    let file = "module.exports = {\n  apps: [{\n    instances: 3,\n  }],\n}\n";
    let pm2 =
        with_file(line("", "pm2-runtime start ecosystem.config.js", &[PG]), "ecosystem.config.js", file);
    assert_eq!(shape(&pm2), "3w x 0..10a");
}

#[test]
fn phps_children_hold_one_connection_each() {
    check(&[
        ("php:8.3-fpm", "", &[PG], "5a x 0..1"),
        ("php:8.3-apache", "", &[PG], "150a x 0..1"),
        ("", "php-fpm -F", &[PG, "PHP_FPM_PM_MAX_CHILDREN=20"], "20w x 0..1"),
        ("", "php artisan queue:work", &[PG], "1 x 0..1"),
        ("", "php artisan migrate --force", &[PG], "1 x 1..1"),
        ("", "php artisan config:cache", &[PG], "nothing"),
        ("", "php artisan octane:start --workers=4", &[PG], "4w x 0..1"),
    ]);
    let fpm = with_file(
        line("php:8.3-fpm", "php-fpm", &[PG]),
        "/usr/local/etc/php-fpm.d/zz.conf",
        "[www]\npm.max_children = 40\n",
    );
    assert_eq!(shape(&fpm), "40w x 0..1");
}

#[test]
fn the_rest_is_one_process() {
    check(&[
        ("eclipse-temurin:21", "java -jar app.jar", &[PG], "1 x 10a..10a"),
        ("", "dotnet Shop.dll", &[PG], "1 x 0a..100a"),
        ("", "mix phx.server", &[PG], "1 x 10a..10a"),
        ("golang:1.24", "/app/server", &[PG], "1a x 2a..10a"),
        ("", "/app/server", &[PG], "1a x 0..10a"),
        ("team/server", "", &[PG], "1a x 0..10a"),
        ("", "psql -c x", &[], "1 x 1..1"),
        ("postgres:16", "pg_dump -j 4 shop", &[], "1 x 0..5a"),
        ("", "flyway migrate", &[PG], "1 x 1..1"),
        ("", "pg_isready", &[PG], "nothing"),
        ("", "connwarden monitor", &[PG], "1 x 1..1"),
        ("", "connwarden plan check", &[PG], "nothing"),
    ]);
}
