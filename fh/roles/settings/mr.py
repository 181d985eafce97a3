"""The admin API."""

import re
from dataclasses import dataclass

from fh.config import Secret, boolean, header_value, secrets, setting, text, whole
from fh.mr.settings import MrSettings, SessionLimits
from fh.roles.settings.integrations import IntegrationsPartSettings
from fh.roles.settings.listening import ListeningSettings
from fh.roles.settings.publishing import PublishingPartSettings

_HEADER_NAME = re.compile("[A-Za-z0-9-]*")
_MINUTES = whole(0, 5_256_000)  # ten years
_FAILURES = whole(1, 1_000_000)


def header_name(value: str) -> str:
    """Read the name of a header; nothing is none."""
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError(f"expected a header such as X-Forwarded-For, not {value!r}")
    return value


def register_url(value: str) -> str:
    """Read an address in which `%s` stands for a token; nothing is none."""
    if value and value.count("%s") != 1:
        raise ValueError(f"expected an address with %s in it once, not {value!r}")
    return value


@dataclass(frozen=True)
class MrPartSettings(IntegrationsPartSettings, PublishingPartSettings, ListeningSettings):
    """What every role with an MR can be told."""

    runs_migrations: bool = setting(
        "db.run-migrations", True, boolean, "bring the database's schema up to date at the start"
    )
    api_cache_control: str = setting(
        "cache-control.api", "no-store, max-age=0", header_value, "Cache-Control of the admin API"
    )
    api_cache_control_enabled: bool = setting(
        "cache-control.api.enabled", True, boolean, "whether it is sent"
    )
    login_disabled: bool = setting(
        "auth.disable-login", False, boolean, "refuse logins with a password"
    )
    login_failures: int = setting(
        "fh.login.failures-per-minute", 10, _FAILURES, "wrong passwords that an account may have"
    )
    login_failures_by_address: int = setting(
        "fh.login.failures-per-minute-and-address",
        100,
        _FAILURES,
        "wrong passwords that may come from one address, or one /64 of IPv6",
    )
    client_address_header: str = setting(
        "fh.login.address-header",
        "",
        header_name,
        "header in which a proxy in front, and nobody else, tells the client's address",
    )
    session_idle_minutes: int = setting(
        "fh.session.idle-minutes",
        4320,
        _MINUTES,
        "a person's login ends after so long without use; 0 for never",
    )
    session_minutes: int = setting(
        "fh.session.lifetime-minutes",
        43_200,
        _MINUTES,
        "and after so long in any case; 0 for never",
    )
    register_url: str = setting(
        "register.url", "", register_url, "where people register, with %s in place of the token"
    )
    admin_group_suffix: str = setting(
        "portfolio.admin.group.suffix", "Administrators", text, "name of admin groups"
    )
    production_name: str = setting(
        "environment.production.name", "production", text, "first environment of an application"
    )
    production_description: str = setting(
        "environment.production.desc", "production", text, "its description"
    )
    feature_group_page: int = setting(
        "feature-group.list.max", 20, whole(1, 100), "feature groups on a page, unless one asks"
    )
    most_features_a_page: int = setting(
        "features.max-per-page", 10_000, whole(1, 100_000), "features on a page of the dashboard"
    )
    most_hidden_environments: int = setting(
        "limit.maxEnvironmentsPerApplication",
        1000,
        whole(1, 100_000),
        "environments that one person can choose in an application",
    )
    tracking_id: str = setting("ga.tracking-id", "", text, "analytics id handed to the admin UI")
    truth_keys: tuple[Secret, ...] = setting(
        "mr.dacha2.api-keys",
        (),
        secrets,
        "keys that caches have to show; without any they are answered on monitor.port alone",
    )

    def mr(self) -> MrSettings:
        """Return MR's share."""
        return MrSettings(
            portfolio_admin_group_suffix=self.admin_group_suffix,
            production_environment_name=self.production_name,
            production_environment_description=self.production_description,
            local_login_enabled=not self.login_disabled,
            sessions=SessionLimits(
                idle_seconds=self.session_idle_minutes * 60 or None,
                lifetime_seconds=self.session_minutes * 60 or None,
            ),
            register_url=self.register_url,
            client_address_header=self.client_address_header,
            login_failures_per_minute=self.login_failures,
            login_failures_per_minute_and_address=self.login_failures_by_address,
            publishes_groups=self.publishes_groups,
            feature_group_page=self.feature_group_page,
            tracking_id=self.tracking_id,
            root=self.root,
            most_features_a_page=self.most_features_a_page,
            most_hidden_environments=self.most_hidden_environments,
            secrets_password=self.secrets_password,
            secrets_can_be_read=self.secrets_can_be_read,
            webhook_networks=self.webhook_networks,
            slack_enabled=self.slack_enabled,
            slack_delivery_url=self.slack_delivery_url,
            slack_delivery_internal=self.slack_delivery_internal,
            system_config_enabled=self.system_config_enabled,
            testing_api_enabled=self.testing_api_enabled,
            cors=self.cors(),
            get_cache_control=(
                self.api_cache_control or None if self.api_cache_control_enabled else None
            ),
        )
