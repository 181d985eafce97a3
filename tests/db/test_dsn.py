from pathlib import Path

import pytest

from fh.db.dsn import Dsn, parse_dsn, socket_dsn
from fh.db.errors import InvalidDatabaseUrl


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db/fh", Dsn("postgresql://db/fh")),
        ("postgres://db:5433/fh", Dsn("postgresql://db:5433/fh")),
        ("postgresql://me:se%40cret@db/fh", Dsn("postgresql://db/fh", "me", "se@cret")),
        (
            "postgresql://a:1,b:2/fh?sslmode=require&user=me",
            Dsn("postgresql://a:1,b:2/fh?sslmode=require", "me"),
        ),
        ("postgresql://[::1]:5433/fh", Dsn("postgresql://[::1]:5433/fh")),
        (
            "jdbc:postgresql://db:5432/featurehub?user=me&password=secret",
            Dsn("postgresql://db:5432/featurehub", "me", "secret"),
        ),
        ("jdbc:postgresql:fh", Dsn("postgresql://localhost/fh")),
        (
            "jdbc:postgresql://db/fh?ssl=true&tcpKeepAlive=true&currentSchema=own",
            Dsn("postgresql://db/fh?search_path=own&sslmode=verify-full"),
        ),
        (
            "jdbc:postgresql://db/fh?ssl=true&sslmode=require",
            Dsn("postgresql://db/fh?sslmode=require"),
        ),
    ],
)
def test_an_address_is_understood(url, expected):
    assert parse_dsn(url) == expected


def test_user_and_password_given_apart_win():
    dsn = parse_dsn("postgresql://me:secret@db/fh", username="you", password="other")
    assert (dsn.user, dsn.password) == ("you", "other")


def test_a_password_is_never_shown():
    dsn = parse_dsn("jdbc:postgresql://db/fh?user=me&password=secret")
    assert "secret" not in f"{dsn} {dsn!r}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("jdbc:mysql://db/fh?password=secret", "jdbc:mysql"),
        ("mysql://me:secret@db/fh", "mysql"),
        ("db/fh", r"must begin with .* or jdbc:postgresql://$"),
        ("postgresql://db:port/fh", "not a port number"),
    ],
)
def test_anything_else_is_refused_without_repeating_a_secret(url, words):
    with pytest.raises(InvalidDatabaseUrl, match=words) as refused:
        parse_dsn(url)
    assert "secret" not in str(refused.value)


def test_another_database_of_the_same_server():
    dsn = parse_dsn("postgresql://me:pw@db:1/fh?sslmode=require").with_database("o/ther")
    assert dsn == Dsn("postgresql://db:1/o%2Fther?sslmode=require", "me", "pw")


def test_a_socket_directory_may_have_any_name():
    dsn = socket_dsn(Path("/tmp/a b&c"), database="postgres", user="fh")
    assert dsn == Dsn("postgresql:///postgres?host=%2Ftmp%2Fa%20b%26c", "fh")
