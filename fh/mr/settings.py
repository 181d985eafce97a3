"""What an operator decides about MR."""

from dataclasses import dataclass

from fh.config import Secret
from fh.http.cors import Cors
from fh.mr.webhook_targets import Network

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long the token of somebody who logged in is good for; None for ever.

    Admin service accounts are machines: their tokens end when they are reset.

    Attributes:
        idle_seconds: Since it was last used, which is noted once a minute.
        lifetime_seconds: Since the login.
    """

    idle_seconds: int | None = 3 * _DAY_SECONDS  # from Friday evening to Monday morning
    lifetime_seconds: int | None = 30 * _DAY_SECONDS


@dataclass(frozen=True, slots=True)
class MrSettings:
    """MR's settings, with FeatureHub's defaults where it has the same setting.

    Attributes:
        sessions: How long people stay logged in.
        register_url: Where people register, with `%s` in place of the token; empty for no link.
        login_failures_per_minute: Failed logins that one account may have.
        client_address_header: Where a proxy in front tells whom it speaks for; empty where there
            is none, for anybody can send a header.
        login_failures_per_minute_and_address: And one address, behind which many people may sit.
        password_memory_kib: Memory that hashing one password takes.
        password_passes: Passes over that memory.
        root: Segments of the path below which everything is.
        publishes_groups: Whether the strategies of feature groups reach SDKs; groups themselves are
            always there.
        feature_group_page: Feature groups on a page whose size nobody asked for.
        get_cache_control: The header of GET answers; None sends none.
        secrets_password: Secrets in settings are sealed with it; empty keeps them as they are.
        secrets_can_be_read: Whether admins can have them shown.
        most_features_a_page: Of the dashboard.
        most_hidden_environments: Of one person in one application.
        webhook_networks: Where events may go although addresses there are refused.
        slack_delivery_url: Of whoever posts to Slack for us; fixed here, it can't be changed.
        slack_delivery_internal: Whether nobody can post to Slack for us.
    """

    portfolio_admin_group_suffix: str = "Administrators"
    production_environment_name: str = "production"
    production_environment_description: str = "production"
    local_login_enabled: bool = True
    sessions: SessionLimits = SessionLimits()
    register_url: str = ""
    client_address_header: str = ""
    login_failures_per_minute: int = 10
    login_failures_per_minute_and_address: int = 100
    password_memory_kib: int = 65_536
    password_passes: int = 3
    tracking_id: str = ""
    publishes_groups: bool = True
    feature_group_page: int = 20
    root: tuple[str, ...] = ()
    cors: Cors = Cors()  # noqa: RUF009 -- frozen, so one instance serves all
    get_cache_control: str | None = "no-store, max-age=0"
    secrets_password: Secret = Secret()  # noqa: RUF009 -- frozen, too
    secrets_can_be_read: bool = False
    most_features_a_page: int = 10_000
    most_hidden_environments: int = 1000
    webhook_networks: tuple[Network, ...] = ()
    system_config_enabled: bool = True
    slack_enabled: bool = True
    slack_delivery_url: str = ""
    slack_delivery_internal: bool = False
    testing_api_enabled: bool = False

    @property
    def slack_is_active(self) -> bool:
        """Whether there is Slack at all: its token must not be kept unsealed."""
        return self.slack_enabled and bool(self.secrets_password.reveal)
