import pytest

from fh.roles.settings.given import misspelt, set_in_vain, unknown_faults
from fh.roles.settings.roles import KNOWN as ALL_KNOWN

KNOWN = ("fh.last-known.file", "fh.workers", "server.port")


def in_vain(role: str, *, environ: dict[str, str] | None = None, **file: str) -> dict[str, str]:
    """Return what is set in vain; in names of `file` two underscores stand for a dot."""
    written = {name.replace("__", ".").replace("_", "-"): text for name, text in file.items()}
    return dict(set_in_vain(role, environ=environ or {}, file=written, overrides={}))


def test_a_name_of_ours_that_nobody_knows_is_a_fault_with_a_guess() -> None:
    file = {"fh.last-know.file": "x", "fh.worker": "2", "fh.workers": "2", "fh.x": "", "fhx": ""}
    assert [str(fault) for fault in unknown_faults(file, KNOWN)] == [
        "fh.last-know.file: is not known: did you mean fh.last-known.file?",
        "fh.worker: is not known: did you mean fh.workers?",
        "fh.x: is not known: `fh settings ROLE` lists those there are",
    ]


@pytest.mark.parametrize("name", ["FH_LAST_KOWN_FILE", "fh.last-kown.file", "FH.LAST-KOWN.FILE"])
def test_a_variable_that_is_misspelt_is_told_with_what_was_meant(name: str) -> None:
    assert [*misspelt([name], ALL_KNOWN)] == [(name, "fh.last-known.file")]


def test_variables_that_are_right_or_nobody_s_of_these_are_left_alone() -> None:
    right = ["FH_WORKERS", "fh.workers", "FH_LAST_KNOWN_FILE"]
    others = [
        *("FH_TEST_DB_URL", "FH_TEST_CACHE", "FH_TEST_PROCESSES", "FH_E2E_SECONDS", "FH_VENV"),
        *(
            "FH_PG_BIN",
            "FH_NATS_BIN",
            "FH_HELM_BIN",
            "FH_IMAGE",
            "FH_PORT",
            "FH_BROWSER",
            "FH_PAGE",
        ),
        *(
            "FH_FAULTS",
            "FH_FUZZ_SECONDS",
            "FH_STATEFUL_SECONDS",
            "FH_API_FUZZ_SECONDS",
            "FH_NOFILE",
        ),
        *("FH_FUZZ_FIRST", "FH_READY_MARK", "WORKERS", "PATH"),
    ]
    assert [*misspelt([*right, *others], ALL_KNOWN)] == []


def test_names_of_others_are_others_business() -> None:
    assert unknown_faults({"sever.port": "1", "my.app": "x"}, KNOWN) == []


def test_what_does_nothing_is_told_with_the_reason() -> None:
    assert in_vain("edge", listen__pool_size="20", server__port="1") == {
        "listen.pool-size": "there is no pool of threads to size"
    }
    assert in_vain("edge", edge__stats="true")["edge.stats"].startswith("not there yet: ")


@pytest.mark.parametrize("name", ["update.pool-size", "UPDATE.POOL-SIZE", "UPDATE_POOL_SIZE"])
def test_however_it_is_set(name: str) -> None:
    assert [*in_vain("edge", environ={name: "5"})] == ["update.pool-size"]


@pytest.mark.parametrize(
    ("role", "name", "text", "is_told"),
    [
        ("edge", "dacha1.enabled", "false", False),
        ("edge", "dacha1.enabled", " False ", False),
        ("edge", "dacha1.enabled", "true", True),
        ("dacha", "dacha2.enabled", "true", False),
        ("mr", "dacha2.enabled", "false", True),
        ("dacha", "cache.name", "default", False),
        ("dacha", "cache.name", "eu", True),
        ("dacha", "nats.healthcheck.disabled", "true", False),
        ("dacha", "nats.healthcheck.disabled", "false", False),
        # It is honoured there, or not that role's.
        ("edge", "cache.name", "eu", False),
        ("mr", "listen.pool-size", "5", False),
    ],
)
def test_what_is_done_anyway_is_not_worth_a_word(
    role: str, name: str, text: str, is_told: bool
) -> None:
    assert bool(in_vain(role, environ={name: text})) is is_told


def test_of_a_whole_family_each_member_is_told() -> None:
    names = ["cloudevents.kafka.bootstrap.servers", "cloudevents.kafka.sasl.mechanism"]
    assert [*in_vain("mr", environ=dict.fromkeys(names, "x"))] == names
    assert [*in_vain("mr", environ={"CLOUDEVENTS_KAFKA_ENABLED": "true"})] == [
        "CLOUDEVENTS_KAFKA_ENABLED"
    ]
    assert in_vain("mr", environ={"CLOUDEVENTS_KAFKAESQUE": "true"}) == {}
