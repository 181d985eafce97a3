"""Where a database is and how to log in: db.url in its three spellings, as one value."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fh.db.errors import InvalidDatabaseUrl

_JDBC = "jdbc:"
_JDBC_POSTGRESQL = re.compile(r"jdbc:postgresql:(?://(?P<hosts>[^/?]*)/?)?(?P<name>[^?]*)(?P<q>.*)")
# The driver's own names for what libpq calls otherwise; anything else JDBC has is its own business.
_JDBC_PARAMETERS = {
    "ApplicationName": "application_name",
    "currentSchema": "search_path",
    "options": "options",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslmode": "sslmode",
    "sslpassword": "sslpassword",
    "sslrootcert": "sslrootcert",
}


@dataclass(frozen=True, slots=True)
class Dsn:
    """An address and, apart from it, who we are there; safe to log, the password is hidden.

    `url` is `postgresql://hosts/name?parameters` and never holds a user or a password.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.url

    def with_database(self, name: str) -> "Dsn":
        """Return the same server's database `name`."""
        parts = urlsplit(self.url)
        query = f"?{parts.query}" if parts.query else ""
        return Dsn(
            f"postgresql://{parts.netloc}/{quote(name, safe='')}{query}", self.user, self.password
        )


def socket_dsn(directory: Path, *, database: str, user: str) -> Dsn:
    """Return the address of a server that listens on a Unix socket in `directory`."""
    query = urlencode({"host": str(directory)}, quote_via=quote)
    return Dsn(f"postgresql:///{quote(database, safe='')}?{query}", user)


def parse_dsn(url: str, *, username: str | None = None, password: str | None = None) -> Dsn:
    """Understand `postgresql://`, `postgres://` and `jdbc:postgresql:` addresses.

    `username` and `password`, when given, win over those within the address.

    Raises:
        InvalidDatabaseUrl: anything else; the message holds no secret.
    """
    if url.startswith(_JDBC):
        found = _from_jdbc(url)
    elif url.startswith(("postgresql://", "postgres://")):
        found = _from_postgresql(url)
    else:
        found_instead = f", not {url.partition('://')[0]}://" if "://" in url else ""
        raise InvalidDatabaseUrl(
            f"must begin with postgresql://, postgres:// or jdbc:postgresql://{found_instead}"
        )
    return Dsn(found.url, username or found.user, password or found.password)


def _from_postgresql(url: str) -> Dsn:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    query_user, query_password = parameters.pop("user", ""), parameters.pop("password", "")
    return Dsn(
        _url(hosts, parts.path.removeprefix("/"), parameters),
        unquote(user) or query_user or None,
        unquote(password) or query_password or None,
    )


def _from_jdbc(url: str) -> Dsn:
    match = _JDBC_POSTGRESQL.fullmatch(url)
    if match is None:
        other = ":".join(url.split(":", 2)[:2])
        raise InvalidDatabaseUrl(f"names {other}, but only PostgreSQL is supported")
    given = dict(parse_qsl(match["q"].removeprefix("?"), keep_blank_values=True))
    parameters = {
        _JDBC_PARAMETERS[name]: value for name, value in given.items() if name in _JDBC_PARAMETERS
    }
    if given.get("ssl", "false").lower() in {"", "true"}:  # bare `ssl` means true there
        parameters.setdefault("sslmode", "verify-full")
    return Dsn(
        _url(match["hosts"] or "localhost", match["name"], parameters),
        given.get("user") or None,
        given.get("password") or None,
    )


def _url(hosts: str, name: str, parameters: dict[str, str]) -> str:
    _check_ports(hosts)
    query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
    return f"postgresql://{hosts}/{name}{query}"


def _check_ports(hosts: str) -> None:
    """Find what the driver would only find at the first connection."""
    for host in hosts.split(","):
        _, colon, port = host.rpartition("]")[2].rpartition(":")
        if colon and not port.isdecimal():
            # What stands there may be half a password that holds a slash: it is not repeated.
            raise InvalidDatabaseUrl(
                "what follows the host's colon is not a port number; special characters "
                "in a user or password must be percent-encoded"
            )
