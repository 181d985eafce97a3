"""Running a role: signals, exit status, and what the operator is told."""

import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import trio

from fh.actors.errors import ActorError
from fh.config import Fault, load_settings
from fh.edge.door import PortTaken, hold, reserve
from fh.edge.garbage import freeze_what_lives
from fh.edge.settings import EdgeSettings
from fh.errors import FeatureHubError
from fh.log import configure_logging
from fh.roles.role import Role
from fh.roles.settings.edge import EdgePartSettings
from fh.roles.settings.given import misspelt, set_in_vain, unknown_faults
from fh.roles.settings.listening import ListeningSettings
from fh.roles.settings.roles import KNOWN
from fh.roles.settings.workers import WorkersPartSettings

log = structlog.get_logger()

_OK = 0
_FAILED = 1
_STDIN = 0


@dataclass(frozen=True, slots=True)
class RoleKind:
    """A role that can be run.

    Attributes:
        name: What it is called on the command line.
        settings: The class of its settings, a `ListeningSettings`.
        check: Returns what is wrong with them taken together.
        build: Makes it of its settings, its listener, and that for operators if there is one.
    """

    name: str
    settings: type[Any]  # each role's own, which `check` and `build` take
    check: Callable[[Any], Sequence[Fault]]
    build: Callable[[Any, socket.socket, socket.socket | None], Role]


def run_role(
    kind: RoleKind,
    *,
    environ: Mapping[str, str],
    file: Mapping[str, str],
    overrides: Mapping[str, str],
) -> int:
    """Run a role until a signal ends it; return the process's exit status.

    Raises:
        ConfigurationFaults: the settings can't be used.
    """
    began = time.perf_counter()
    unknown = unknown_faults(file, KNOWN)
    settings: ListeningSettings = load_settings(
        kind.settings,
        environ=environ,
        file=file,
        overrides=overrides,
        check=lambda loaded: [*kind.check(loaded), *unknown],
    )
    configure_logging(settings.log_level, settings.log_format)
    for name, reason in set_in_vain(kind.name, environ=environ, file=file, overrides=overrides):
        log.warning("property_without_effect", property=name, reason=reason)
    for name, near in misspelt(environ, KNOWN):
        log.warning("environment_not_known", variable=name, hint=f"did you mean {near}?")
    try:
        listener, monitor = _listen(settings)
    except (PortTaken, OSError) as error:
        log.error("start_failed", part="door", reason=str(error))  # noqa: TRY400  the reason says it all
        return _FAILED
    return trio.run(_serve, kind.build(settings, listener, monitor), settings, began)


def _listen(settings: ListeningSettings) -> tuple[socket.socket, socket.socket | None]:
    edge = EdgeSettings()
    if isinstance(settings, EdgePartSettings):
        edge = settings.edge()
        if not settings.drop_after_seconds and not settings.heartbeat_seconds:
            log.warning(
                "dead_clients_unnoticed",
                hint="streams never end and have no heartbeat: set edge.sse.heartbeat-period",
            )
    if isinstance(settings, WorkersPartSettings) and settings.worker_count().count > 1:
        listener = reserve(settings.host, settings.port)
    else:
        listener = hold(settings.host, settings.port, edge)
    if not settings.monitor_port:
        return listener, None
    try:
        return listener, hold(settings.host, settings.monitor_port, edge)
    except BaseException:
        listener.close()
        raise


async def _serve(role: Role, settings: ListeningSettings, began: float) -> int:
    try:
        terminal = _Terminal()
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                # It begins once the role waits for the first time, and so can be stopped.
                nursery.start_soon(_obey_signals, role, signals, terminal)
                await role.run(task_status=_Announcement(role, settings, began))
                nursery.cancel_scope.cancel()
    except* FeatureHubError as failed:
        reason = _root(failed)
        log.error(_event(role, "failed"), reason=str(reason), kind=type(reason).__name__)  # noqa: TRY400  the reason says it all
        status = _FAILED
    else:
        log.info(_event(role, "stopped"))
        status = _OK
    return status


async def _obey_signals(role: Role, signals: AsyncIterator[int], terminal: "_Terminal") -> None:
    async for number in signals:
        if number == signal.SIGHUP and not terminal.is_gone():
            if role.reload is None:
                log.info("nothing_to_reload")
            else:
                role.reload()
            continue
        log.info(_event(role, "stopping"), signal=signal.Signals(number).name)
        role.stop()


class _Terminal:
    """The terminal that this process was started from, if it was."""

    def __init__(self) -> None:
        # Whoever has SIGHUP ignored, as nohup does, wants the process to outlive it.
        is_followed = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        self._was_there = is_followed and os.isatty(_STDIN)

    def is_gone(self) -> bool:
        """Return whether it was closed: the signal then was the system's word for that."""
        return self._was_there and not os.isatty(_STDIN)


class _Announcement:
    """Tells the operator that everything is up; a role that is stopped before never is."""

    def __init__(self, role: Role, settings: ListeningSettings, began: float) -> None:
        self._role = role
        self._scheme = "http" if settings.key_pair() is None else "https"
        self._host = settings.host or "localhost"
        self._path = settings.url_path.rstrip("/")
        self._began = began

    def started(self, _: object = None) -> None:
        freeze_what_lives()
        log.info(
            _event(self._role, "started"),
            url=f"{self._scheme}://{self._host}:{self._role.port}{self._path}",
            seconds=round(time.perf_counter() - self._began, 2),
        )


def _event(role: Role, what: str) -> str:
    return f"{role.name.replace('-', '_')}_{what}"


def _root(error: BaseException) -> BaseException:
    """Return what an operator can do something about: the refusal that the runtime passed on."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, ActorError) and error.__cause__ is not None:
            error = error.__cause__
        else:
            return error
