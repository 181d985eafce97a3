import pytest
import trio

from fh.db.errors import DatabaseTooNew, MigrationChanged, MigrationsMalformed, UniqueViolation
from fh.db.migrate import (
    Behind,
    MigrationReport,
    find_behind,
    find_pending,
    load_migrations,
    migrate,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
async def database(open_database, empty_postgres_dsn):
    with trio.fail_after(30):
        async with open_database(empty_postgres_dsn) as database:
            yield database


@pytest.fixture
def source(tmp_path):
    (tmp_path / "0001_first.sql").write_text(
        "CREATE TABLE thing (id int PRIMARY KEY);\nINSERT INTO thing VALUES (1);\n"
    )
    (tmp_path / "0002_second.sql").write_text("INSERT INTO thing VALUES (2);\n")
    (tmp_path / "README.md").write_text("not a migration")
    return tmp_path


async def things(database):
    rows = await database.transaction(lambda tx: tx.fetch("SELECT id FROM thing ORDER BY id"))
    return [row["id"] for row in rows]


async def test_a_fresh_database_gets_everything_in_order(database, source):
    report = await migrate(database, source)

    assert report == MigrationReport(("0001_first.sql", "0002_second.sql"), 2)
    assert await things(database) == [1, 2]


async def test_a_second_run_does_nothing(database, source):
    await migrate(database, source)
    assert await migrate(database, source) == MigrationReport((), 2)


async def test_only_what_is_new_is_applied(database, source):
    await migrate(database, source)
    (source / "0003_third.sql").write_text("INSERT INTO thing VALUES (3)")

    assert await migrate(database, source) == MigrationReport(("0003_third.sql",), 3)
    assert await things(database) == [1, 2, 3]


async def test_two_starters_at_once_are_safe(open_database, empty_postgres_dsn, source):
    reports = []

    async def start():
        async with open_database(empty_postgres_dsn) as database:
            reports.append(await migrate(database, source))

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start)
            nursery.start_soon(start)

    assert sorted(len(report.applied) for report in reports) == [0, 2]


async def test_a_migration_that_fails_leaves_nothing_behind(database, source):
    (source / "0003_bad.sql").write_text("INSERT INTO thing VALUES (3), (3)")

    with pytest.raises(UniqueViolation):
        await migrate(database, source)

    tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('thing', 'schema_migration')"
    assert await database.transaction(lambda tx: tx.fetchval(tables)) == 0


async def test_a_changed_file_is_named(database, source):
    await migrate(database, source)
    (source / "0001_first.sql").write_text("CREATE TABLE other ()")

    with pytest.raises(MigrationChanged, match=r"0001_first\.sql"):
        await migrate(database, source)


async def test_line_ends_are_not_a_change(database, source):
    await migrate(database, source)
    file = source / "0001_first.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert await migrate(database, source) == MigrationReport((), 2)


async def test_a_removed_file_is_named(database, source):
    await migrate(database, source)
    (source / "0001_first.sql").unlink()

    with pytest.raises(MigrationChanged, match=r"0001_first\.sql"):
        await migrate(database, source)


async def test_a_database_of_a_newer_version_is_refused(database, source):
    await migrate(database, source)
    (source / "0002_second.sql").unlink()

    with pytest.raises(DatabaseTooNew, match="migration 2, this version knows migrations up to 1"):
        await migrate(database, source)


async def test_what_a_database_lacks_is_found_without_changing_it(database, source):
    assert await find_behind(database, source) == Behind(0, 2)
    assert await find_behind(database, source) == Behind(0, 2)
    await migrate(database, source)
    assert await find_behind(database, source) is None
    (source / "0003_third.sql").write_text("")
    assert await find_behind(database, source) == Behind(2, 3)


async def test_a_database_with_more_than_is_known_is_refused_here_too(database, source):
    await migrate(database, source)
    (source / "0002_second.sql").unlink()
    with pytest.raises(DatabaseTooNew):
        await find_behind(database, source)


@pytest.mark.parametrize("name", ["1_short.sql", "0002_Upper.sql", "0002_again.sql"])
def test_a_file_name_that_can_not_be_ordered_is_refused(source, name):
    (source / name).write_text("")
    with pytest.raises(MigrationsMalformed, match=name):
        load_migrations(source)


def test_without_files_there_is_nothing_to_do(tmp_path):
    assert find_pending(load_migrations(tmp_path / "absent"), {}) == []


async def test_the_migrations_of_this_package_apply(database):
    report = await migrate(database)
    assert report.applied[-1].startswith(f"{report.number:04}_")
