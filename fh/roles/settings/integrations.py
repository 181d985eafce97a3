"""Webhooks, Slack and the settings of the whole site: what an MR keeps of them."""

from dataclasses import dataclass

from fh.config import Secret, boolean, secret, setting, text
from fh.mr.webhook_targets import Network, parse_networks


@dataclass(frozen=True)
class IntegrationsPartSettings:
    """What every role with an MR can be told about integrations."""

    secrets_password: Secret = setting(
        "webhooks.encryption.password",
        Secret(),
        secret,
        "seals secrets in settings; without it they are kept as they are, and there is no Slack",
    )
    secrets_can_be_read: bool = setting(
        "webhooks.decryption.enabled", False, boolean, "whether admins can have them shown"
    )
    webhook_networks: tuple[Network, ...] = setting(
        "fh.webhooks.allowed-networks",
        (),
        parse_networks,
        "networks that webhooks may reach although they are refused, such as 127.0.0.0/8",
    )
    slack_enabled: bool = setting(
        "integration.slack.enabled", True, boolean, "whether there is Slack"
    )
    slack_delivery_url: str = setting(
        "slack.delivery.url", "", text, "who posts to Slack for us; fixes it for the whole site"
    )
    slack_delivery_internal: bool = setting(
        "slack.delivery.internal", False, boolean, "whether nobody else may post to Slack for us"
    )
    system_config_enabled: bool = setting(
        "system-config.enabled", True, boolean, "whether superusers can change the site's settings"
    )
    testing_api_enabled: bool = setting(
        "testing-api-enabled", False, boolean, "lets anybody redirect Slack: for tests only"
    )
