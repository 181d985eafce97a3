"""What an operator decides about MR."""

from dataclasses import dataclass

from fh.http.cors import Cors


@dataclass(frozen=True, slots=True)
class MrSettings:
    """MR's settings, with FeatureHub's defaults where it has the same setting.

    Attributes:
        login_failures_per_minute: Failed logins that one account may have.
        login_failures_per_minute_and_address: And one address, behind which many people may sit.
        password_memory_kib: Memory that hashing one password takes.
        password_passes: Passes over that memory.
        root: Segments of the path below which everything is.
        get_cache_control: The header of GET answers; None sends none.
    """

    portfolio_admin_group_suffix: str = "Administrators"
    production_environment_name: str = "production"
    production_environment_description: str = "production"
    local_login_enabled: bool = True
    login_failures_per_minute: int = 10
    login_failures_per_minute_and_address: int = 100
    password_memory_kib: int = 65_536
    password_passes: int = 3
    tracking_id: str = ""
    root: tuple[str, ...] = ()
    cors: Cors = Cors()  # noqa: RUF009 -- frozen, so one instance serves all
    get_cache_control: str | None = "no-store, max-age=0"
