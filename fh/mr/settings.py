"""What an operator decides about MR."""

from dataclasses import dataclass

from fh.http.cors import Cors

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
        feature_group_page: Feature groups on a page whose size nobody asked for.
        get_cache_control: The header of GET answers; None sends none.
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
    feature_group_page: int = 20
    root: tuple[str, ...] = ()
    cors: Cors = Cors()  # noqa: RUF009 -- frozen, so one instance serves all
    get_cache_control: str | None = "no-store, max-age=0"
