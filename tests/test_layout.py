"""The tree keeps its promises: tests mirror sources, files stay small, packages hold no code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 400
PACKAGES = ("fh", "bench")

# Modules without a test file of their own, and the file that tries them instead.
TRIED_IN = {
    # Nothing but what a real server makes of it.
    "fh/db/driver.py": "tests/db/test_pool.py",
    "fh/db/errors.py": "tests/db/test_translate.py",
    "fh/http/web_face.py": "tests/roles/test_party_server.py",
    "fh/http/conversations.py": "tests/http/test_secure_face.py",
    "fh/http/lingering.py": "tests/http/test_secure_face.py",
    "fh/http/secure_metrics.py": "tests/roles/test_secure.py",
    "fh/http/secure_stream.py": "tests/http/test_secure_face.py",
    "fh/http/speakers.py": "tests/http/test_secure_face.py",
    # What surrounds all operations of the admin API.
    "fh/mr/http/contract.py": "tests/mr/contract/test_contract.py",
    "fh/mr/repositories/authors.py": "tests/mr/http/test_creators.py",
    "fh/mr/repositories/idempotency.py": "tests/mr/test_idempotency.py",
    # Parts of one machine around a socket: tried with real clients, not each for itself.
    "fh/edge/connection.py": "tests/edge/test_hostile_clients.py",
    "fh/edge/door.py": "tests/edge/test_streams.py",
    "fh/edge/edge.py": "tests/edge/test_streams.py",
    "fh/edge/encoded.py": "tests/edge/test_streams.py",
    "fh/edge/engine.py": "tests/edge/test_streams.py",
    "fh/edge/handlers.py": "tests/edge/test_write.py",
    "fh/edge/intake.py": "tests/edge/test_bodies.py",
    "fh/edge/key_streams.py": "tests/edge/test_streams.py",
    "fh/edge/life.py": "tests/edge/test_streams.py",
    "fh/edge/listener.py": "tests/edge/test_streams.py",
    "fh/edge/metrics.py": "tests/roles/test_party_server.py",
    "fh/edge/plain.py": "tests/edge/test_asgi.py",
    "fh/edge/poll.py": "tests/edge/test_polls.py",
    "fh/edge/poller.py": "tests/edge/test_hostile_clients.py",
    "fh/edge/request.py": "tests/edge/test_polls.py",
    "fh/edge/response.py": "tests/edge/test_polls.py",
    "fh/edge/subscription.py": "tests/edge/test_streams.py",
    "fh/edge/subscriptions.py": "tests/edge/test_streams.py",
    "fh/edge/writer.py": "tests/edge/test_hostile_clients.py",
    # A broker's client and what surrounds it: tried with real and with scripted servers.
    "fh/bus/message.py": "tests/bus/test_poison.py",
    "fh/bus/nats_client.py": "tests/bus/test_nats_link.py",
    "fh/bus/subscribers.py": "tests/bus/test_memory.py",
    # Values that are only carried.
    "fh/bus/errors.py": "tests/bus/test_nats.py",
    "fh/contracts/event_log.py": "tests/mr/test_event_log.py",
    "fh/contracts/messaging.py": "tests/bus/test_golden_events.py",
    "fh/contracts/usage.py": "tests/bus/test_golden_events.py",
    "fh/bus/notices.py": "tests/bus/test_golden_events.py",
    "fh/contracts/updates.py": "tests/edge/test_write.py",
    # Each deployable, and what it is put together from.
    "fh/dacha/metrics.py": "tests/roles/test_metrics_page.py",
    "fh/mr/metrics.py": "tests/roles/test_metrics_page.py",
    "fh/roles/log_metrics.py": "tests/roles/test_metrics_page.py",
    "fh/edge/pages_port.py": "tests/roles/test_split.py",
    "fh/roles/bus.py": "tests/roles/test_split.py",
    "fh/roles/dacha.py": "tests/roles/test_split.py",
    "fh/roles/edge.py": "tests/roles/test_split.py",
    "fh/roles/edge_rest.py": "tests/roles/test_split.py",
    "fh/roles/edge_parts.py": "tests/roles/test_split.py",
    "fh/roles/mr.py": "tests/roles/test_split.py",
    "fh/roles/role.py": "tests/roles/test_split.py",
    "fh/roles/storage.py": "tests/roles/test_split.py",
    "fh/roles/web.py": "tests/roles/test_split.py",
    "fh/roles/kinds.py": "tests/roles/test_settings.py",
    "fh/roles/settings/bus.py": "tests/roles/test_settings.py",
    "fh/roles/settings/dacha.py": "tests/roles/test_settings.py",
    "fh/roles/settings/database.py": "tests/roles/test_settings.py",
    "fh/roles/settings/edge.py": "tests/roles/test_settings.py",
    "fh/roles/settings/listening.py": "tests/roles/test_settings.py",
    "fh/roles/settings/publishing.py": "tests/roles/test_settings.py",
    "fh/roles/settings/mr.py": "tests/roles/test_settings.py",
    "fh/roles/settings/roles.py": "tests/roles/test_settings.py",
    "fh/roles/settings/upstream.py": "tests/roles/test_settings.py",
    # Schemas, use cases and SQL behind one route: the route's test runs them on a real database.
    "fh/mr/http/schemas/application_strategies.py": "tests/mr/http/test_application_strategies.py",
    "fh/mr/http/schemas/applications.py": "tests/mr/http/test_applications.py",
    "fh/mr/http/schemas/environment_changes.py": "tests/mr/http/test_environment_updates.py",
    "fh/mr/services/environment_changes.py": "tests/mr/http/test_environment_updates.py",
    "fh/mr/http/schemas/dashboard.py": "tests/mr/http/test_dashboard.py",
    "fh/mr/repositories/dashboard.py": "tests/mr/http/test_dashboard.py",
    "fh/mr/services/dashboard.py": "tests/mr/http/test_dashboard.py",
    "fh/mr/http/schemas/feature_history.py": "tests/mr/http/test_feature_history.py",
    "fh/mr/repositories/feature_history.py": "tests/mr/http/test_feature_history.py",
    "fh/mr/services/feature_history.py": "tests/mr/http/test_feature_history.py",
    "fh/mr/repositories/refreshable.py": "tests/mr/http/test_cache_refresh.py",
    "fh/mr/repositories/hidden_environments.py": "tests/mr/http/test_hidden_environments.py",
    "fh/mr/services/rights.py": "tests/mr/test_operation_matrix.py",
    "fh/mr/services/hidden_environments.py": "tests/mr/http/test_hidden_environments.py",
    "fh/mr/http/schemas/webhooks.py": "tests/mr/http/test_webhooks.py",
    "fh/mr/services/webhooks.py": "tests/mr/http/test_webhooks.py",
    "fh/mr/repositories/tracked_events.py": "tests/mr/http/test_webhooks.py",
    "fh/mr/http/schemas/system_config.py": "tests/mr/http/test_system_config.py",
    "fh/mr/repositories/system_config.py": "tests/mr/http/test_system_config.py",
    "fh/mr/services/system_config.py": "tests/mr/http/test_system_config.py",
    "fh/mr/settings.py": "tests/mr/test_system_config.py",
    "fh/roles/settings/integrations.py": "tests/roles/test_settings.py",
    "fh/mr/http/schemas/environments.py": "tests/mr/http/test_environments.py",
    "fh/mr/http/schemas/feature_filters.py": "tests/mr/http/test_feature_filters.py",
    "fh/mr/http/schemas/feature_groups.py": "tests/mr/http/test_feature_groups.py",
    "fh/mr/http/schemas/people.py": "tests/mr/http/test_persons.py",
    "fh/mr/http/schemas/portfolios.py": "tests/mr/http/test_portfolios.py",
    "fh/mr/http/schemas/setup.py": "tests/mr/http/test_setup.py",
    "fh/mr/http/schemas/credentials.py": "tests/mr/http/test_password_changes.py",
    "fh/mr/repositories/person_changes.py": "tests/mr/http/test_password_changes.py",
    "fh/mr/repositories/registrations.py": "tests/mr/http/test_registrations.py",
    "fh/mr/services/password_changes.py": "tests/mr/http/test_password_changes.py",
    "fh/mr/services/registrations.py": "tests/mr/http/test_registrations.py",
    "fh/mr/http/schemas/person_changes.py": "tests/mr/http/test_person_changes.py",
    "fh/mr/http/schemas/person_search.py": "tests/mr/http/test_person_search.py",
    "fh/mr/repositories/memberships.py": "tests/mr/http/test_person_changes.py",
    "fh/mr/repositories/person_search.py": "tests/mr/http/test_person_search.py",
    "fh/mr/services/memberships.py": "tests/mr/http/test_person_changes.py",
    "fh/mr/services/person_changes.py": "tests/mr/http/test_person_changes.py",
    "fh/mr/services/person_search.py": "tests/mr/http/test_person_search.py",
    "fh/mr/http/schemas/groups.py": "tests/mr/http/test_group_changes.py",
    "fh/mr/repositories/acls.py": "tests/mr/http/test_group_changes.py",
    "fh/mr/repositories/portfolio_archiving.py": "tests/mr/http/test_portfolio_changes.py",
    "fh/mr/services/group_changes.py": "tests/mr/http/test_group_changes.py",
    "fh/mr/services/portfolio_changes.py": "tests/mr/http/test_portfolio_changes.py",
    "fh/mr/http/strategy_refusals.py": "tests/mr/http/test_application_strategies.py",
    "fh/mr/repositories/application_strategies.py": "tests/mr/http/test_application_strategies.py",
    "fh/mr/repositories/published_accounts.py": "tests/mr/http/test_service_accounts.py",
    "fh/mr/repositories/published_features.py": "tests/mr/repositories/test_publishing.py",
    "fh/mr/repositories/feature_values.py": "tests/mr/repositories/test_written_values.py",
    "fh/mr/services/value_writes.py": "tests/mr/services/test_feature_values.py",
    "fh/mr/repositories/value_versions.py": "tests/mr/http/test_application_strategies.py",
    "fh/mr/repositories/access.py": "tests/mr/test_access.py",
    "fh/mr/repositories/application_overview.py": "tests/mr/http/test_application_overview.py",
    "fh/mr/services/application_overview.py": "tests/mr/http/test_application_overview.py",
    "fh/mr/repositories/event_log.py": "tests/mr/test_event_log.py",
    "fh/mr/repositories/feature_filters.py": "tests/mr/http/test_feature_filters.py",
    "fh/mr/repositories/feature_groups.py": "tests/mr/http/test_feature_groups.py",
    "fh/mr/repositories/filter_labels.py": "tests/mr/http/test_feature_filters.py",
    "fh/mr/repositories/groups.py": "tests/mr/http/test_groups.py",
    "fh/mr/repositories/organisations.py": "tests/mr/http/test_setup.py",
    "fh/mr/repositories/persons.py": "tests/mr/http/test_persons.py",
    "fh/mr/repositories/portfolios.py": "tests/mr/http/test_portfolios.py",
    "fh/mr/repositories/sessions.py": "tests/mr/http/test_authentication.py",
    "fh/mr/services/authentication.py": "tests/mr/http/test_authentication.py",
    "fh/mr/service_account.py": "tests/mr/http/test_service_accounts.py",
    "fh/mr/services/feature_filters.py": "tests/mr/http/test_feature_filters.py",
    "fh/mr/feature_group.py": "tests/mr/http/test_feature_groups.py",
    "fh/mr/services/groups.py": "tests/mr/http/test_groups.py",
    "fh/mr/services/persons.py": "tests/mr/http/test_persons.py",
    "fh/mr/services/portfolios.py": "tests/mr/http/test_portfolios.py",
    "fh/mr/services/setup.py": "tests/mr/http/test_setup.py",
}


def python_files(*folders: str) -> list[str]:
    """Return the Python files below `folders`, as seen from the root."""
    found = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return sorted(str(file.relative_to(ROOT)) for file in found)


def syntax(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def holds_text_only(body: list[ast.stmt]) -> bool:
    """Whether a body is a docstring, `...` or both."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in body)


def only_declares(module: ast.Module) -> bool:
    """Whether nothing in a module could go wrong: ports, messages, names of errors."""
    functions = (
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return all(holds_text_only(function.body) for function in functions)


MODULES = [file for file in python_files("fh") if not Path(file).name.startswith("__")]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_test_file(module: str) -> None:
    path = Path(module)
    mirrored = Path("tests", *path.parts[1:-1], f"test_{path.name}")
    if (ROOT / mirrored).exists() or only_declares(syntax(module)):
        return
    assert module in TRIED_IN, f"{module} has no {mirrored}"


@pytest.mark.parametrize("module", TRIED_IN)
def test_what_is_tried_elsewhere_is_still_there_and_so_is_the_test(module: str) -> None:
    assert (ROOT / module).exists()
    assert (ROOT / TRIED_IN[module]).exists()


@pytest.mark.parametrize("file", python_files(*PACKAGES, "tests"))
def test_no_file_is_long(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{lines} lines: look for the second subject"


@pytest.mark.parametrize(
    "file", [file for file in python_files(*PACKAGES) if Path(file).name == "__init__.py"]
)
def test_a_package_holds_a_docstring_and_no_code(file: str) -> None:
    module = syntax(file)
    assert ast.get_docstring(module)
    assert len(module.body) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_python_in_it_is_a_package(package: str) -> None:
    folders = {Path(file).parent for file in python_files(package)}
    assert [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_names_say_what_a_module_is_about() -> None:
    vague = {"utils", "helpers", "common", "base", "misc", "manager", "handler", "impl"}
    assert [file for file in python_files(*PACKAGES) if Path(file).stem in vague] == []
