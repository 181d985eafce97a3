from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.config import (
    ConfigurationFaults,
    Fault,
    Secret,
    boolean,
    header_value,
    load_settings,
    names,
    one_of,
    parse_properties,
    path,
    properties_of,
    read_properties,
    secret,
    setting,
    shown,
    text,
    whole,
)

NAME = "edge.sse.heartbeat-period"


@dataclass(frozen=True, slots=True)
class Settings:
    heartbeat_seconds: int = setting(NAME, 7, whole(0, 100), "time between heartbeats")
    verbose: bool = setting("log.verbose", False, boolean, "whether to talk")
    password: Secret = setting("db.password", Secret(), secret, "never shown")


# Where a property is looked for -------------------------------------------------------------------

# From the last place to the first: each hides those before it.
PLACES = [
    ("environ", "EDGE_SSE_HEARTBEAT_PERIOD"),
    ("environ", "EDGE.SSE.HEARTBEAT-PERIOD"),
    ("file", NAME),
    ("environ", NAME),
    ("overrides", NAME),
]


@pytest.mark.parametrize("count", range(len(PLACES) + 1))
def test_the_first_place_that_knows_a_property_wins(count: int) -> None:
    sources: dict[str, dict[str, str]] = {"environ": {}, "file": {}, "overrides": {}}
    for number, (source, name) in enumerate(PLACES[:count], start=50):
        sources[source][name] = str(number)
    expected = 49 + count if count else 7
    assert load_settings(Settings, **sources).heartbeat_seconds == expected


@pytest.mark.parametrize(("source", "name"), PLACES)
def test_each_place_alone_is_enough(source: str, name: str) -> None:
    sources = {"environ": {}, source: {name: "50"}}
    assert load_settings(Settings, **sources).heartbeat_seconds == 50


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("file", "EDGE_SSE_HEARTBEAT_PERIOD"),
        ("environ", "edge_sse_heartbeat_period"),
        ("environ", "EDGE_SSE_HEARTBEAT-PERIOD"),
        ("overrides", "EDGE_SSE_HEARTBEAT_PERIOD"),
    ],
)
def test_other_spellings_are_somebody_else_s(source: str, name: str) -> None:
    sources = {"environ": {}, source: {name: "50"}}
    assert load_settings(Settings, **sources).heartbeat_seconds == 7


def test_an_empty_value_hides_those_behind_it() -> None:
    found = load_settings(
        Settings, environ={"db.password": ""}, file={"db.password": "from the file"}
    )
    assert found.password == Secret()


def test_blanks_around_a_value_do_not_count() -> None:
    assert load_settings(Settings, environ={NAME: " 50\n"}).heartbeat_seconds == 50


def test_settings_do_not_change() -> None:
    found = load_settings(Settings, environ={})
    with pytest.raises(FrozenInstanceError):
        found.heartbeat_seconds = 1


def test_properties_are_listed_with_their_defaults_in_order() -> None:
    found = properties_of(Settings)
    assert [*found] == [NAME, "log.verbose", "db.password"]
    known, default = found[NAME]
    assert (known.summary, default) == ("time between heartbeats", 7)


# What is wrong ------------------------------------------------------------------------------------


def test_all_faults_are_told_together_each_with_its_property() -> None:
    with pytest.raises(ConfigurationFaults) as caught:
        load_settings(
            Settings,
            environ={"EDGE_SSE_HEARTBEAT_PERIOD": "soon", "LOG_VERBOSE": "maybe"},
            check=lambda _: [Fault("db.password", "is missing")],
        )
    assert caught.value.faults == (
        Fault(NAME, "expected a whole number from 0 to 100, not 'soon'"),
        Fault("log.verbose", "expected true or false, not 'maybe'"),
        Fault("db.password", "is missing"),
    )
    assert str(caught.value) == "; ".join(map(str, caught.value.faults))
    assert str(caught.value.faults[2]) == "db.password: is missing"


def test_a_check_sees_the_settings_as_they_are() -> None:
    seen = []

    def check(settings: Settings) -> list[Fault]:
        seen.append(settings.heartbeat_seconds)
        return []

    load_settings(Settings, environ={NAME: "50"}, check=check)
    assert seen == [50]


# Secrets ------------------------------------------------------------------------------------------


def test_a_secret_never_shows() -> None:
    found = load_settings(Settings, environ={"DB_PASSWORD": "hunter2"})
    assert found.password.reveal == "hunter2"
    hidden = found.password
    shown = [repr(hidden), str(hidden), f"{hidden}", f"{hidden!r:>30}", "%s" % hidden]  # noqa: UP031
    shown += [repr(found), str(found), repr([hidden]), repr({"password": hidden})]
    assert "hunter2" not in " ".join(shown)


def test_whether_there_is_a_secret_may_be_seen() -> None:
    assert repr(Secret("x")) == "Secret(…)"
    assert repr(Secret()) == "Secret()"


# Names that depend on other properties ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    cache: str = setting("cache.name", "default", text, "which of them")
    url: str = setting("url.{cache.name}", "", text, "where it is")


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"url.default": "a", "url.eu": "b"}, "a"),
        ({"url.default": "a", "url.eu": "b", "CACHE_NAME": " EU "}, "b"),
        ({"url.default": "a", "URL_EU": "b", "cache.name": "eu"}, "b"),
        ({"url.default": "a", "cache.name": "eu"}, ""),
        ({"url.default": "a", "cache.name": ""}, "a"),
    ],
)
def test_a_property_may_be_called_as_another_says(environ: dict[str, str], url: str) -> None:
    assert load_settings(Named, environ=environ).url == url


def test_it_is_listed_as_it_is_called_without_any_word() -> None:
    assert [*properties_of(Named)] == ["cache.name", "url.default"]


@pytest.mark.parametrize(
    ("default", "written"),
    [(True, "true"), (7, "7"), (("a", "b"), "a,b"), (Secret("x"), ""), (Path("data"), "data")],
)
def test_defaults_are_shown_as_they_would_be_written(default: object, written: str) -> None:
    assert shown(default) == written


# Readers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [("0", 0), ("100", 100), ("007", 7)])
def test_whole_numbers_have_bounds_that_belong_to_them(value: str, expected: int) -> None:
    assert whole(0, 100)(value) == expected


@pytest.mark.parametrize("value", ["", "-1", "101", "1.0", "1e1", "1_0", "+1", "0x1", "9" * 19])
def test_what_is_no_whole_number_within_bounds_is_a_fault(value: str) -> None:
    with pytest.raises(ValueError, match="from 0 to 100"):
        whole(0, 100)(value)


@given(number=st.integers(min_value=-50, max_value=50))
def test_every_whole_number_within_bounds_is_read(number: int) -> None:
    assert whole(-50, 50)(str(number)) == number


def test_booleans_are_true_or_false() -> None:
    assert boolean("true")
    assert boolean("TRUE")
    assert not boolean("False")
    for value in ("", "1", "yes", "on"):
        with pytest.raises(ValueError, match="true or false"):
            boolean(value)


def test_names_are_separated_by_commas() -> None:
    assert names("") == ()
    assert names("a") == ("a",)
    assert names(" a , b,,c,") == ("a", "b", "c")


def test_one_of_few_words() -> None:
    assert one_of("a", "b")("b") == "b"
    with pytest.raises(ValueError, match="one of a, b, not 'c'"):
        one_of("a", "b")("c")


def test_a_header_s_value_starts_no_other_header() -> None:
    assert header_value("no-store, max-age=0") == "no-store, max-age=0"
    for value in ("a\r\nb: c", "a\nb", "a\0", "ä"):
        with pytest.raises(ValueError, match="header"):
            header_value(value)


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert path("~/data") == Path("/home/ann/data")
    assert path("data") == Path("data")
    with pytest.raises(ValueError, match="expected a path"):
        path("")


def test_text_is_taken_as_it_is() -> None:
    assert text("a b") == "a b"


# Properties files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "properties"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("a = b", {"a": "b"}),
        ("a:b", {"a": "b"}),
        ("a : b", {"a": "b"}),
        ("a b", {"a": "b"}),
        ("a\tb c", {"a": "b c"}),
        ("  a=b", {"a": "b"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a= =b", {"a": "=b"}),
        ("a==b", {"a": "=b"}),
        ("a b=c", {"a": "b=c"}),
        ("url=jdbc:postgresql://h:1/d?a=b#c", {"url": "jdbc:postgresql://h:1/d?a=b#c"}),
        ("# a=b\n! c=d\n  # e=f\n\n \ng=h", {"g": "h"}),
        ("# a comment does not go on \\\na=b", {"a": "b"}),
        ("a=b # no comment", {"a": "b # no comment"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=b,\\\n    c", {"a": "b,c"}),
        ("a=b,\\\r\n  c,\\\n d\ne=f", {"a": "b,c,d", "e": "f"}),
        ("a=b\\\n# not a comment", {"a": "b# not a comment"}),
        ("a=b\\\n\nc=d", {"a": "b", "c": "d"}),
        ("a=b\\", {"a": "b"}),
        ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
        ("a=b\\\\\\\nc", {"a": "b\\c"}),
        (r"a\ b\=\:c=d", {"a b=:c": "d"}),
        (r"a=\t\n\r\f\\\"", {"a": '\t\n\r\f\\"'}),
        (r"a=\u00e9\u2764", {"a": "é❤"}),
        (r"a=\ud83d\ude00", {"a": "😀"}),
        (r"a=C:\\data", {"a": "C:\\data"}),
        ("a=é", {"a": "é"}),
        ("a=b\u2028c\x85d\x0be", {"a": "b\u2028c\x85d\x0be"}),
    ],
)
def test_a_properties_file_has_java_s_format(content: str, properties: dict[str, str]) -> None:
    assert parse_properties(content) == properties


def escaped(raw: str) -> str:
    """What Java writes."""
    special = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
    return "".join(
        special.get(each) or (f"\\{each}" if each in "\\=:#! " else each) for each in raw
    )


@given(
    properties=st.dictionaries(st.text(min_size=1), st.text()),
    separator=st.sampled_from(["=", ":", " ", " = ", "\t"]),
)
def test_what_java_writes_is_read_back(properties: dict[str, str], separator: str) -> None:
    lines = [f"{escaped(name)}{separator}{escaped(value)}" for name, value in properties.items()]
    assert parse_properties("\n".join(lines)) == properties


@given(content=st.text(alphabet="ab\\=: #!\n\r\tu0", max_size=40))
def test_no_file_is_an_error(content: str) -> None:
    for name, value in parse_properties(content).items():
        (name + value).encode()


def test_a_file_is_read_as_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "a.properties"
    file.write_bytes("name=Zoë\n".encode())
    assert read_properties(file) == {"name": "Zoë"}


def make_directory(file: Path) -> None:
    file.mkdir()


def make_latin(file: Path) -> None:
    file.write_bytes(b"name=Zo\xeb\n")


@pytest.mark.parametrize("make", [lambda _: None, make_directory, make_latin])
def test_a_file_that_can_not_be_read_is_a_fault_under_its_own_name(make, tmp_path: Path) -> None:
    file = tmp_path / "a.properties"
    make(file)
    with pytest.raises(ConfigurationFaults) as caught:
        read_properties(file)
    (fault,) = caught.value.faults
    assert fault.property == str(file)
    assert fault.reason.startswith("can't be read")
