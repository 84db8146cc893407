"""psycopg 3, synchronous."""

import concurrent.futures
import threading
import time

import psycopg
import pytest

from conftest import POOL_SIZE


def test_rows_come_back_with_their_types(bed):
    with psycopg.connect(bed.dsn) as connection:
        row = connection.execute("select %s::int, %s::text, %s::jsonb, %s::numeric", (1, "zwei", '{"a": 3}', "4.5")).fetchone()
        assert row[0] == 1 and row[1] == "zwei" and row[2] == {"a": 3} and str(row[3]) == "4.5"


def test_binary_rows_come_back(bed):
    with psycopg.connect(bed.dsn) as connection:
        cursor = connection.cursor(binary=True)
        data = bytes(range(256)) * 100
        assert cursor.execute("select %b::bytea, %b::int8", (data, 1 << 40)).fetchone() == (data, 1 << 40)


def test_a_transaction_commits_or_not(bed):
    with psycopg.connect(bed.dsn) as connection:
        with connection.transaction():
            connection.execute("insert into items values (1, 'one')")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("insert into items values (2, 'two')")
            raise ZeroDivisionError
        with connection.transaction():
            with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
                connection.execute("insert into items values (1, 'again')")
            connection.execute("insert into items values (3, 'three')")
        assert connection.execute("select id from items order by id").fetchall() == [(1,), (3,)]


def test_an_error_leaves_the_session_usable(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as connection:
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("select 1 / %s::int", (0,))
            assert connection.execute("select 1").fetchone() == (1,)


def test_prepared_statements_serve_many_clients(bed):
    def client(number):
        with psycopg.connect(bed.dsn, prepare_threshold=0, autocommit=True) as connection:
            for i in range(60):
                # The same names for different texts in every client.
                sql = f"select %s::int + {number} * 1000 /* {i % 7} */"
                assert connection.execute(sql, (i,)).fetchone() == (number * 1000 + i,)

    with concurrent.futures.ThreadPoolExecutor(4 * POOL_SIZE) as pool:
        list(pool.map(client, range(20)))
    assert bed.direct or bed.sessions() <= POOL_SIZE


def test_a_full_cache_of_statements_turns_over(bed):
    """psycopg then closes or deallocates statements by itself."""
    with psycopg.connect(bed.dsn, prepare_threshold=0, autocommit=True) as connection:
        connection.prepared_max = 10
        for turn in range(3):
            for i in range(40):
                assert connection.execute(f"select {i}, %s::int", (turn,)).fetchone() == (i, turn)


def test_a_full_cache_turns_over_within_transactions(bed):
    with psycopg.connect(bed.dsn, prepare_threshold=0) as connection:
        connection.prepared_max = 5
        for i in range(60):
            assert connection.execute(f"select {i % 12}, %s::int", (i,)).fetchone() == (i % 12, i)
            if i % 9 == 0:
                connection.commit()
        connection.rollback()


def test_a_table_may_change_under_prepared_statements(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as admin:
        admin.execute("drop table if exists changing")
        admin.execute("create table changing (a int)")
        admin.execute("insert into changing values (1)")
        with psycopg.connect(bed.dsn, autocommit=True, prepare_threshold=0) as connection:
            assert connection.execute("select * from changing").fetchone() == (1,)
            admin.execute("alter table changing add column b int default 2")
            for _ in range(3):
                try:
                    row = connection.execute("select * from changing").fetchone()
                    break
                except psycopg.errors.FeatureNotSupported:
                    # "cached plan must not change result type": said once, as PostgreSQL says it.
                    connection.execute("deallocate all")
                    connection._prepared.clear()
            assert row == (1, 2)


def test_a_pipeline_answers_in_order(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as connection, connection.pipeline():
        cursors = [connection.execute("select %s::int", (i,)) for i in range(200)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))


def test_a_pipeline_with_an_error_goes_on_after_its_sync(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as connection:
        with connection.pipeline() as pipeline:
            good = connection.execute("select 'good'")
            pipeline.sync()
            bad, skipped = connection.cursor(), connection.cursor()
            steps = [
                lambda: bad.execute("select 1 / 0"),
                lambda: skipped.execute("select 'skipped'"),
                pipeline.sync,
                bad.fetchone,
                skipped.fetchone,
                pipeline.sync,
            ]
            seen = []
            for step in steps:
                # Which step reads the error off the socket is a matter of time.
                try:
                    step()
                except psycopg.Error as error:
                    seen.append(type(error))
            assert psycopg.errors.DivisionByZero in seen
            assert good.fetchone() == ("good",)
            later = connection.execute("select 'later'")
            pipeline.sync()
            assert later.fetchone() == ("later",)


def test_a_pipeline_holds_a_transaction(bed):
    with psycopg.connect(bed.dsn) as connection:
        with connection.pipeline(), connection.transaction():
            for i in range(100):
                connection.execute("insert into items values (%s, %s)", (i, f"item {i}"))
        assert connection.execute("select count(*) from items").fetchone() == (100,)


def test_executemany_is_a_pipeline(bed):
    with psycopg.connect(bed.dsn) as connection:
        cursor = connection.cursor()
        cursor.executemany("insert into items values (%s, %s) returning id", [(i, "x") for i in range(500)], returning=True)
        seen = [cursor.fetchone()[0]]
        while cursor.nextset():
            seen.append(cursor.fetchone()[0])
        assert seen == list(range(500))


def test_copy_goes_both_ways(bed):
    with psycopg.connect(bed.dsn) as connection:
        cursor = connection.cursor()
        with cursor.copy("copy items from stdin") as copy:
            for i in range(20_000):
                copy.write_row((i, f"name {i}"))
        with cursor.copy("copy (select * from items order by id) to stdout") as copy:
            rows = list(copy.rows())
        assert len(rows) == 20_000 and rows[-1] == ("19999", "name 19999")


def test_binary_copy_goes_both_ways(bed):
    with psycopg.connect(bed.dsn) as connection:
        cursor = connection.cursor()
        with cursor.copy("copy items from stdin (format binary)") as copy:
            copy.set_types(["int4", "text"])
            for i in range(1000):
                copy.write_row((i, "b" * i))
        with cursor.copy("copy (select id, name from items order by id) to stdout (format binary)") as copy:
            copy.set_types(["int4", "text"])
            assert sum(len(row[1]) for row in copy.rows()) == 999 * 500


def test_a_copy_given_up_leaves_nothing(bed):
    with psycopg.connect(bed.dsn) as connection:
        with pytest.raises(ZeroDivisionError), connection.cursor().copy("copy items from stdin") as copy:
            copy.write_row((1, "one"))
            raise ZeroDivisionError
        connection.rollback()
        assert connection.execute("select count(*) from items").fetchone() == (0,)


def test_a_copy_with_bad_data_is_an_error(bed):
    with psycopg.connect(bed.dsn) as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            with connection.cursor().copy("copy items from stdin") as copy:
                for i in range(50_000):
                    copy.write("no number\tx\n")
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_running_query_is_cancelled(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as connection:
        for _ in range(3):
            timer = threading.Timer(0.2, connection.cancel)
            timer.start()
            started = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("select pg_sleep(20)")
            timer.join()
            assert time.monotonic() - started < 10
            assert connection.execute("select 'after'").fetchone() == ("after",)


def test_a_cancel_without_a_query_harms_nobody(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as one, psycopg.connect(bed.dsn, autocommit=True) as other:
        for i in range(30):
            one.execute("select 1")
            one.cancel()
            assert other.execute("select %s::int", (i,)).fetchone() == (i,)


def test_a_server_side_cursor_reads_in_steps(bed):
    with psycopg.connect(bed.dsn) as connection:
        with connection.cursor("reader") as cursor:
            cursor.itersize = 100
            cursor.execute("select i from generate_series(1, 1000) as i")
            assert sum(row[0] for row in cursor) == 500_500


def test_streamed_rows_come_one_by_one(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as connection:
        rows = connection.cursor().stream("select i from generate_series(1, 1000) as i")
        assert sum(row[0] for row in rows) == 500_500


def test_notices_reach_their_client(bed):
    heard = []
    with psycopg.connect(bed.dsn, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        connection.execute("do $$ begin raise notice 'hello'; end $$")
    assert heard == ["hello"]


def test_startup_settings_hold_for_their_client(bed):
    with (
        psycopg.connect(bed.dsn, options="-c search_path=one", application_name="first", autocommit=True) as one,
        psycopg.connect(bed.dsn, options="-c search_path=two", application_name="second", autocommit=True) as two,
    ):
        for _ in range(5):
            assert one.execute("select current_setting('search_path'), current_setting('application_name')").fetchone() == ("one", "first")
            assert two.execute("select current_setting('search_path'), current_setting('application_name')").fetchone() == ("two", "second")


def test_a_reported_setting_follows_its_client(bed):
    with psycopg.connect(bed.dsn, autocommit=True) as one, psycopg.connect(bed.dsn, autocommit=True) as two:
        one.execute("set timezone = 'Asia/Tokyo'")
        for _ in range(5):
            assert two.execute("show timezone").fetchone() == ("UTC",)
            assert one.execute("show timezone").fetchone() == ("Asia/Tokyo",)
        assert one.info.timezone.key == "Asia/Tokyo"


def test_more_clients_than_servers_all_get_in(transaction_bed):
    if transaction_bed.direct:
        connections = [psycopg.connect(transaction_bed.dsn, autocommit=True) for _ in range(20)]
    else:
        connections = [psycopg.connect(transaction_bed.dsn, autocommit=True) for _ in range(100)]
    try:
        for number, connection in enumerate(connections):
            assert connection.execute("select %s::int", (number,)).fetchone() == (number,)
        assert transaction_bed.direct or transaction_bed.sessions() <= POOL_SIZE
    finally:
        for connection in connections:
            connection.close()


def test_notifications_arrive_in_session_mode(session_bed):
    with (
        psycopg.connect(session_bed.dsn, autocommit=True) as listener,
        psycopg.connect(session_bed.dsn, autocommit=True) as teller,
    ):
        listener.execute("listen news")
        for i in range(5):
            teller.execute("select pg_notify('news', %s)", (str(i),))
        heard = [notify.payload for notify in listener.notifies(timeout=10, stop_after=5)]
        assert heard == ["0", "1", "2", "3", "4"]


def test_session_state_stays_in_session_mode(session_bed):
    with psycopg.connect(session_bed.dsn, autocommit=True) as connection:
        connection.execute("set search_path = mine")
        connection.execute("create temporary table scratch (i int)")
        connection.execute("insert into scratch values (7)")
        assert connection.execute("show search_path").fetchone() == ("mine",)
        assert connection.execute("select i from pg_temp.scratch").fetchone() == (7,)
    with psycopg.connect(session_bed.dsn, autocommit=True) as connection:
        assert connection.execute("select to_regclass('pg_temp.scratch')").fetchone() == (None,)
        assert connection.execute("show search_path").fetchone() != ("mine",)


def test_a_role_does_not_reach_the_next_client(transaction_bed):
    with psycopg.connect(transaction_bed.server, autocommit=True) as admin:
        admin.execute("drop role if exists tenant")
        admin.execute("create role tenant")
        admin.execute("grant tenant to app")
    with psycopg.connect(transaction_bed.dsn, autocommit=True) as one:
        one.execute("set role tenant")
        for _ in range(10):
            with psycopg.connect(transaction_bed.dsn, autocommit=True) as other:
                assert other.execute("select current_user").fetchone() == ("app",)
