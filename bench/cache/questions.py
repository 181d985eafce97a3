"""What Edges ask a Dacha: ours for the truth, those of another make for what a key sees."""

from collections.abc import Sequence

from bench.deployment.asking import Question
from bench.deployment.process import RoleProgram
from bench.deployment.shapes import DACHA_KEY
from fh.model.sdk_key import SdkKey


def from_dacha(dacha: RoleProgram, path: str) -> Question:
    """Return a question in the name of an Edge."""
    return Question(dacha.port, path, f"key: {DACHA_KEY}\r\n")


def accounts_of(dacha: RoleProgram, keys: Sequence[SdkKey]) -> list[Question]:
    """Return what an Edge asks about the accounts of `keys`."""
    return [from_dacha(dacha, f"/dacha2/serviceAccount/{key.secret}") for key in keys]


def environments_of(dacha: RoleProgram, keys: Sequence[SdkKey]) -> list[Question]:
    """Return what an Edge asks about the environments of `keys`."""
    return [from_dacha(dacha, f"/dacha2/environment/{key.environment_id}") for key in keys]


def views_of(dacha: RoleProgram, keys: Sequence[SdkKey]) -> list[Question]:
    """Return what an Edge of another make asks about `keys`."""
    return [from_dacha(dacha, f"/v2/environment/{key.environment_id}/{key.secret}") for key in keys]
