"""The admin API."""

from dataclasses import dataclass

from fh.config import Secret, boolean, header_value, secrets, setting, text
from fh.mr.settings import MrSettings
from fh.roles.settings.listening import ListeningSettings


@dataclass(frozen=True)
class MrPartSettings(ListeningSettings):
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
    admin_group_suffix: str = setting(
        "portfolio.admin.group.suffix", "Administrators", text, "name of admin groups"
    )
    production_name: str = setting(
        "environment.production.name", "production", text, "first environment of an application"
    )
    production_description: str = setting(
        "environment.production.desc", "production", text, "its description"
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
            tracking_id=self.tracking_id,
            root=self.root,
            cors=self.cors(),
            get_cache_control=(
                self.api_cache_control or None if self.api_cache_control_enabled else None
            ),
        )
