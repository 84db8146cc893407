//! Python's launchers and Django.

use super::*;

#[test]
fn web_servers_run_as_many_processes_as_they_are_told() {
    check(&[
        ("", "gunicorn shop.wsgi", &[PG], "1a x 0a..1a"),
        ("", "gunicorn shop.wsgi -w 4", &[PG], "4w x 0a..1a"),
        ("", "gunicorn shop.wsgi -w4", &[PG], "4w x 0a..1a"),
        ("", "gunicorn shop.wsgi --workers=4 --threads 8", &[PG], "4w x 0a..8w"),
        ("", "gunicorn shop.wsgi -k gthread --threads=8", &[PG], "1a x 0a..8w"),
        ("", "gunicorn shop.wsgi", &[PG, "WEB_CONCURRENCY=3"], "3w x 0a..1a"),
        ("", "gunicorn shop.wsgi -w 2", &[PG, "WEB_CONCURRENCY=3"], "2w x 0a..1a"),
        ("", "gunicorn shop.wsgi", &[PG, "GUNICORN_CMD_ARGS=--workers=5 --threads=2"], "5w x 0a..2w"),
        ("", "gunicorn shop.wsgi -w 2", &[PG, "GUNICORN_CMD_ARGS=--workers=5"], "2w x 0a..1a"),
        ("", "gunicorn shop.wsgi --worker-class sync", &[PG], "1a x 0a..1a"),
        ("", "gunicorn shop.wsgi -k gevent --worker-connections=50", &[PG], "1a x 0a..50w"),
        ("", "gunicorn shop.wsgi -k gevent", &[PG], "1a x 0a..1000a"),
        ("", "gunicorn shop.asgi -w 2 -k uvicorn.workers.UvicornWorker", &[PG], "2w x 0a..6a"),
        ("", "gunicorn a:app -w 2 -k uvicorn.workers.UvicornWorker", &[PG], "2w x 0..10a"),
        ("", "uvicorn a:app --workers 3", &[PG], "3w x 0..10a"),
        ("", "uvicorn a:app", &[PG, "WEB_CONCURRENCY=3"], "3w x 0..10a"),
        ("", "uvicorn a:app", &[PG, "UVICORN_WORKERS=3"], "3w x 0..10a"),
        ("", "uvicorn a:app", &[PG], "1a x 0..10a"),
        ("", "fastapi run a.py --workers 2", &[PG], "2w x 0..10a"),
        ("", "hypercorn a:app -w 2", &[PG], "2w x 0..10a"),
        ("", "daphne shop.asgi:application", &[PG], "1 x 0a..6a"),
        ("", "granian --interface wsgi --workers 2 --blocking-threads 4 a:app", &[PG], "2w x 0..4a"),
        ("", "granian --interface asgi a:app", &[PG, "GRANIAN_WORKERS=2"], "2w x 0..10a"),
        ("", "uwsgi --processes 4 --threads 2 --module shop.wsgi:application", &[PG], "4w x 0a..2w"),
        ("", "uwsgi -p 4 --module a:app", &[PG], "4w x 0..1a"),
        ("", "waitress-serve --threads=6 a:app", &[PG], "1 x 0..6a"),
        ("", "flask run", &[PG], "1 x 0..10a"),
        ("tiangolo/uvicorn-gunicorn-fastapi", "", &[PG], "2a x 0..10a"),
    ]);
}

#[test]
fn workers_of_task_queues_run_as_many_processes_as_they_are_told() {
    check(&[
        ("", "celery -A x worker -c 4", &[PG, DJANGO], "4w x 0a..1"),
        ("", "celery -A x worker --concurrency=4", &[PG, DJANGO], "4w x 0a..1"),
        ("", "celery -A x worker", &[PG, DJANGO], "2a x 0a..1"),
        ("", "celery -A x worker", &[PG, DJANGO, "CELERY_WORKER_CONCURRENCY=6"], "6w x 0a..1"),
        ("", "celery -A x worker --autoscale=10,3", &[PG, DJANGO], "10w x 0a..1"),
        ("", "celery -A x worker -P threads -c 4", &[PG, DJANGO], "1 x 0a..4w"),
        ("", "celery -A x worker -P gevent -c 100", &[PG, DJANGO], "1 x 0a..100w"),
        ("", "celery -A x worker -P solo -c 4", &[PG, DJANGO], "1 x 0a..1"),
        ("", "celery -A x worker -B -c 4", &[PG, DJANGO], "4w x 0a..1 + 1 x 0a..1"),
        ("", "celery -A x beat", &[PG, DJANGO], "1 x 0a..1"),
        ("", "celery -A x flower", &[PG, DJANGO], "nothing"),
        ("", "celery -A x worker -c 4", &[PG], "4w x 0..1a"),
        ("", "rq worker high low", &[PG], "1 x 0..1a"),
        ("", "rq worker-pool -n 3", &[PG], "3w x 0..1a"),
        ("", "rq info", &[PG], "nothing"),
        ("", "dramatiq x -p 2 -t 4", &[PG, DJANGO], "2w x 0a..4w"),
        ("", "dramatiq x", &[PG, DJANGO], "2a x 0a..8a"),
        ("", "huey_consumer x.huey -w 4", &[PG, DJANGO], "1 x 0a..4w"),
        ("", "huey_consumer.py x.huey -w 4 -k process", &[PG, DJANGO], "4w x 0a..1"),
        ("", "python manage.py run_huey -w 2", &[PG], "1 x 0a..2w"),
        ("", "python manage.py rundramatiq -p 2 -t 3", &[PG], "2w x 0a..3w"),
        ("", "python manage.py qcluster", &[PG], "2a x 0a..1"),
        ("", "python manage.py materializer", &[PG], "1 x 0a..1"),
        ("", "python manage.py runserver 0.0.0.0:8000", &[PG], "1 x 0a..6a"),
        ("", "python manage.py runserver --nothreading", &[PG], "1 x 0a..1"),
        ("", "alembic upgrade head", &[PG], "1 x 1..1"),
    ]);
    let backend =
        line("", "celery -A x worker -c 4", &[PG, DJANGO, "CELERY_RESULT_BACKEND=db+postgresql://db/r"]);
    assert_eq!(openers(&look(&backend))[0].aside.value, 1);
}

#[test]
fn the_guides_services_come_to_the_guides_sum() {
    let environment =
        ["DB_HOST=postgres", "DB_PORT=5432", "DB_NAME=wall", "DB_MAX_CONNS=25", "CONN_MAX_AGE=600"];
    check(&[
        (
            "wall",
            "gunicorn wall.wsgi:application --bind=0.0.0.0:8000 --workers=4 --threads=25",
            &environment,
            "4w x 25..25w",
        ),
        ("wall", "python manage.py materializer", &environment, "1 x 1..25w"),
    ]);
    let closed = ["DB_HOST=postgres", "DB_MAX_CONNS=25", "CONN_MAX_AGE=0"];
    check(&[("wall", "gunicorn wall.wsgi:application -w 4 --threads=25", &closed, "4w x 0..25w")]);
}

#[test]
fn files_of_gunicorn_and_uwsgi_are_read() {
    let gunicorn = line("", "gunicorn shop.wsgi -c /app/gunicorn.conf.py", &[PG]);
    let text = "import multiprocessing\nworkers = 3\nthreads = 2\n";
    assert_eq!(shape(&with_file(gunicorn, "/app/gunicorn.conf.py", text)), "3w x 0a..2w");
    let cores = line("", "gunicorn shop.wsgi", &[PG]);
    assert_eq!(
        shape(&with_file(cores, "gunicorn.conf.py", "workers = multiprocessing.cpu_count() * 2 + 1")),
        "5a x 0a..1a"
    );
    let over = line("", "gunicorn shop.wsgi -w 7", &[PG]);
    assert_eq!(shape(&with_file(over, "gunicorn.conf.py", "workers = 3")), "7w x 0a..1a");
    let uwsgi = line("", "uwsgi --ini /app/uwsgi.ini", &[PG]);
    let text = "[uwsgi]\nmodule = shop.wsgi:application\nprocesses = 4\nthreads = 2\n";
    assert_eq!(shape(&with_file(uwsgi, "/app/uwsgi.ini", text)), "4w x 0a..2w");
    let cores = with_file(line("", "uwsgi uwsgi.ini", &[PG]), "uwsgi.ini", "[uwsgi]\nworkers = %k\n");
    assert_eq!(shape(&cores), "2a x 0..1a");
}

#[test]
fn django_has_a_pool_only_where_it_is_told_so() {
    check(&[
        ("", "gunicorn shop.wsgi -w 2", &[PG, "DB_POOL_MIN_SIZE=2", "DB_POOL_MAX_SIZE=8"], "2w x 2w..8w"),
        ("", "gunicorn shop.wsgi -w 2", &[PG, "DB_POOL_MIN_SIZE=2"], "2w x 2w..2w"),
        ("", "gunicorn shop.wsgi -w 2", &[PG, "DB_POOL_MAX_SIZE=8"], "2w x 4a..8w"),
        ("", "uvicorn shop.asgi:application", &[PG, "DB_MAX_CONNS=12"], "1a x 0a..12w"),
        ("", "uvicorn shop.asgi:application", &[PG], "1a x 0a..6a"),
    ]);
    let settings = |options: &str| {
        let text = format!(
            "DATABASES = {{\n  \"default\": {{\n    \"ENGINE\": \"django.db.backends.postgresql\",\n{options}\n  }}\n}}\n"
        );
        with_file(line("", "gunicorn shop.wsgi -w 2", &[PG]), "/app/shop/settings.py", &text)
    };
    assert_eq!(shape(&settings("\"OPTIONS\": {\"pool\": True},")), "2w x 4a..4a");
    assert_eq!(
        shape(&settings("\"OPTIONS\": {\"pool\": {\n\"min_size\": 2,\n\"max_size\": 6,\n}},")),
        "2w x 2w..6w"
    );
    assert_eq!(shape(&settings("\"OPTIONS\": {\"pool\": False},")), "2w x 0a..1a");
    assert_eq!(shape(&settings("\"CONN_MAX_AGE\": 60,")), "2w x 1..1a");
    assert_eq!(shape(&settings("\"CONN_MAX_AGE\": None,")), "2w x 1..1a");
    assert_eq!(shape(&settings("\"CONN_MAX_AGE\": 0,")), "2w x 0..1a");
    assert_eq!(rules(&settings("\"OPTIONS\": {\"pool\": True}, \n\"CONN_MAX_AGE\": 60,")), ["POOL003"]);
    assert_eq!(rules(&settings("\"OPTIONS\": {\"pool\": True}, \n\"CONN_MAX_AGE\": 0,")), [""; 0]);
    assert_eq!(rules(&settings("\"MAX_CONNS\": 20,")), ["POOL009"]);
    assert_eq!(rules(&settings("# \"MAX_CONNS\": 20,")), [""; 0]);
}

#[test]
fn what_does_not_fit_in_django_is_said() {
    let found = |command: &str, environment: &[&str]| rules(&line("", command, environment));
    assert_eq!(found("gunicorn shop.wsgi", &[PG, "DB_POOL_MAX_SIZE=8", "CONN_MAX_AGE=60"]), ["POOL003"]);
    assert_eq!(found("gunicorn shop.wsgi", &[PG, "DB_POOL_MAX_SIZE=8", "CONN_MAX_AGE=0"]), [""; 0]);
    assert_eq!(found("gunicorn shop.wsgi", &[PG, "DB_MAX_CONNS=8", "CONN_MAX_AGE=60"]), [""; 0]);
    assert_eq!(found("gunicorn shop.wsgi --threads=4", &[PG, "DB_MAX_CONNS=8"]), ["POOL005"]);
    assert_eq!(found("gunicorn shop.wsgi --threads=8", &[PG, "DB_MAX_CONNS=8"]), [""; 0]);
    assert_eq!(found("gunicorn shop.wsgi --threads=9", &[PG, "DB_MAX_CONNS=8"]), ["POOL004"]);
    assert_eq!(found("gunicorn shop.wsgi", &[PG, "DB_POOL_MIN_SIZE=9", "DB_POOL_MAX_SIZE=8"]), ["POOL006"]);
    assert_eq!(found("daphne shop.asgi:application", &[PG]), ["POOL007"]);
    assert_eq!(found("daphne shop.asgi:application", &[PG, "DB_MAX_CONNS=8"]), [""; 0]);
    assert_eq!(found("gunicorn shop.wsgi -k gevent", &[PG]), ["POOL007"]);
    assert_eq!(found("gunicorn shop.wsgi -k gevent --worker-connections 20", &[PG]), [""; 0]);
}
