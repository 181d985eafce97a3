"""Those whom the admin API has to withstand: they have a token, and know what they may not know."""

from pathlib import Path
from typing import Any

from bench.deployment.contents import within_database
from fh.mr.services.tokens import hash_token, new_token

CALLERS = ("superuser", "member", "machine")


def tokens(data_directory: Path, superuser: str) -> dict[str, str]:
    """Return the tokens of the superuser, of a member of a group, and of a machine without any."""
    found = {"superuser": superuser, "member": new_token(), "machine": new_token()}

    async def add(tx: Any) -> None:
        for name, kind in (("member", "person"), ("machine", "serviceAccount")):
            person = await tx.fetchval(
                "INSERT INTO person (email, name, person_type) VALUES ($1, $1, $2) RETURNING id",
                f"{name}@i.com",
                kind,
            )
            await tx.execute(
                "INSERT INTO login_session (token_hash, person_id) VALUES ($1, $2)",
                hash_token(found[name]),
                person,
            )
            if name == "member":
                group = await tx.fetchval(
                    "INSERT INTO person_group (organisation_id, portfolio_id, name) "
                    "SELECT organisation_id, id, 'members' FROM portfolio LIMIT 1 RETURNING id"
                )
                await tx.execute("INSERT INTO group_member VALUES ($1, $2)", group, person)

    within_database(data_directory, add)
    return found
