"""Every role by its name. A role's modules are loaded only for that role: an Edge stays light."""

from fh.roles.process import RoleKind
from fh.roles.settings import roles


def role_kind(name: str) -> RoleKind:
    """Return the role called `name`, one of `SETTINGS`."""
    match name:
        case "party-server":
            from fh.roles.party_server import build_party_server  # noqa: PLC0415  see above

            return RoleKind(
                name, roles.PartyServerSettings, roles.check_party_server, build_party_server
            )
        case "mr":
            from fh.roles.mr import build_mr  # noqa: PLC0415  see above

            return RoleKind(name, roles.MrRoleSettings, roles.check_mr, build_mr)
        case "dacha":
            from fh.roles.dacha import build_dacha  # noqa: PLC0415  see above

            return RoleKind(name, roles.DachaRoleSettings, roles.check_dacha, build_dacha)
        case "edge":
            from fh.roles.edge import build_edge  # noqa: PLC0415  see above

            return RoleKind(name, roles.EdgeRoleSettings, roles.check_edge, build_edge)
        case "edge-rest":
            from fh.roles.edge_rest import build_edge_rest  # noqa: PLC0415  see above

            return RoleKind(name, roles.EdgeRestSettings, roles.check_edge_rest, build_edge_rest)
        case "party-server-ish":
            from fh.roles.edge_rest import build_party_server_ish  # noqa: PLC0415  see above

            return RoleKind(
                name,
                roles.PartyServerIshSettings,
                roles.check_party_server_ish,
                build_party_server_ish,
            )
        case _:
            raise ValueError(name)
