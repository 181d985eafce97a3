"""The values of the chart: what is accepted, what is refused, and with which words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.docker.chart import EXAMPLES, HELM, load_renderer, read_values

SCHEMA = json.loads((HELM / "fh" / "values.schema.json").read_text("utf-8"))
DEFAULTS = yaml.safe_load((HELM / "fh" / "values.yaml").read_text("utf-8"))
SPLIT = {"shape": "split", "database": {"existingSecret": "db"}, "nats": {"urls": ["nats://n"]}}

Render = Callable[[dict[str, Any]], str]


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_defaults_are_accepted() -> None:
    jsonschema.validate(DEFAULTS, SCHEMA)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_accepted(example: str) -> None:
    jsonschema.validate(read_values(example), SCHEMA)


def test_every_value_is_known_to_the_schema_and_the_other_way_round() -> None:
    assert set(DEFAULTS) | {"global"} == set(SCHEMA["properties"])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"shape": "ish"}, "'ish' is not one of", id="shape"),
        pytest.param({"shape": "party", "partty": {}}, "'partty' was unexpected", id="name"),
        pytest.param(
            {"shape": "party", "settings": {"server.port": 80}}, "server.port", id="a-port-of-ours"
        ),
        pytest.param(
            {"shape": "party", "settings": {"maxSlots": 1.5}}, "1.5 is not of type", id="fraction"
        ),
        pytest.param(
            {"shape": "party", "nats": {"urls": ["http://nats"]}}, "does not match", id="nats"
        ),
    ],
)
def test_a_mistake_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=words):
        jsonschema.validate(values, SCHEMA)


@pytest.fixture(scope="module")
def helm() -> str:
    found = load_renderer().find_helm()
    if found is None:
        # Not even where nothing may be skipped: what helm would render is checked in, and
        # test_chart.py fails when it is not of the chart as it is now.
        pytest.skip("there is no helm: name it with FH_HELM_BIN")
    return str(found)


@pytest.fixture
def render(helm: str, tmp_path: Path) -> Render:
    def rendered(values: dict[str, Any]) -> str:
        """Return the manifests for `values`, or why there are none."""
        file = tmp_path / "values.json"
        file.write_text(json.dumps(values), encoding="utf-8")
        done = load_renderer().render(helm, "--values", str(file))
        return str(done.stderr if done.returncode else done.stdout)

    return rendered


@pytest.mark.parametrize("example", EXAMPLES)
def test_helm_renders_what_is_checked_in(helm: str, example: str) -> None:
    done = load_renderer().render(helm, "--values", str(HELM / "examples" / f"{example}.yaml"))
    assert done.returncode == 0, done.stderr
    _, _, body = (HELM / "rendered" / f"{example}.yaml").read_text("utf-8").partition("\n")
    assert done.stdout == body


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"shape": "split"}, "split needs a database", id="no-database"),
        pytest.param(SPLIT | {"nats": {}}, "split needs NATS", id="no-nats"),
        pytest.param(
            SPLIT | {"nats": {"urls": ["nats://n"], "existingSecret": "n"}},
            "set one of them",
            id="two-nats",
        ),
        pytest.param(
            {"party": {"replicas": 2}}, "several party-servers need a database", id="party-database"
        ),
        pytest.param(
            {"party": {"replicas": 2}, "database": {"existingSecret": "db"}},
            "several party-servers need NATS",
            id="party-nats",
        ),
        pytest.param(
            {"shutdown": {"drainSeconds": 30}},
            "must be 30 more than preStopSeconds and drainSeconds together",
            id="no-time-to-drain",
        ),
        pytest.param({"settings": {"server.port": 80}}, "server.port", id="schema"),
    ],
)
def test_helm_refuses_what_can_not_work(render: Render, values: dict[str, Any], words: str) -> None:
    assert words in render(values)


def test_a_roles_setting_wins_even_when_it_is_nothing(render: Render) -> None:
    values = {
        "settings": {"edge.sse.drop-after-seconds": 60, "cache-control.api.enabled": True},
        "party": {
            "settings": {"edge.sse.drop-after-seconds": 0, "cache-control.api.enabled": False}
        },
    }
    text = render(values)
    assert 'name: edge.sse.drop-after-seconds\n              value: "0"' in text
    assert 'name: cache-control.api.enabled\n              value: "false"' in text


def test_two_releases_do_not_share_a_name(helm: str) -> None:
    done = load_renderer().render(helm, release="other")
    names = {
        manifest["metadata"]["name"] for manifest in yaml.safe_load_all(done.stdout) if manifest
    }
    assert names == {"other-fh-party", "other-fh-party-monitor"}
