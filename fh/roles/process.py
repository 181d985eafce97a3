"""Running a role: signals, exit status, and what the operator is told."""

import gc
import signal
import time
from collections.abc import AsyncIterator, Mapping

import structlog
import trio

from fh.actors.errors import ActorError
from fh.config import load_settings
from fh.edge.door import PortTaken, listen
from fh.errors import FeatureHubError
from fh.log import configure_logging
from fh.roles.party_server import PartyServer
from fh.roles.settings import PartyServerSettings, check_party_server

log = structlog.get_logger()

_OK = 0
_FAILED = 1


def run_party_server(
    *, environ: Mapping[str, str], file: Mapping[str, str], overrides: Mapping[str, str]
) -> int:
    """Run a party-server until a signal ends it; return the process's exit status.

    Raises:
        ConfigurationFaults: the settings can't be used.
    """
    began = time.perf_counter()
    settings = load_settings(
        PartyServerSettings,
        environ=environ,
        file=file,
        overrides=overrides,
        check=check_party_server,
    )
    configure_logging(settings.log_level, settings.log_format)
    if not settings.drop_after_seconds and not settings.heartbeat_seconds:
        log.warning(
            "dead_clients_unnoticed",
            hint="streams never end and have no heartbeat: set edge.sse.heartbeat-period",
        )
    try:
        listener = listen(settings.host, settings.port, settings.edge())
    except (PortTaken, OSError) as error:
        log.error("start_failed", part="door", reason=str(error))  # noqa: TRY400  the reason says it all
        return _FAILED
    return trio.run(_serve, PartyServer(settings, listener), settings, began)


async def _serve(server: PartyServer, settings: PartyServerSettings, began: float) -> int:
    try:
        # Without a certificate there is nothing to reload: then SIGHUP is what it always was.
        also = () if settings.key_pair() is None else (signal.SIGHUP,)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *also) as signals:
            async with trio.open_nursery() as nursery:
                # It begins once the server waits for the first time, and so can be stopped.
                nursery.start_soon(_obey_signals, server, signals)
                await server.run(task_status=_Announcement(server, settings, began))
                nursery.cancel_scope.cancel()
    except* FeatureHubError as failed:
        reason = _root(failed)
        log.error("party_server_failed", reason=str(reason), kind=type(reason).__name__)  # noqa: TRY400  the reason says it all
        status = _FAILED
    else:
        log.info("party_server_stopped")
        status = _OK
    return status


async def _obey_signals(server: PartyServer, signals: AsyncIterator[int]) -> None:
    async for number in signals:
        if number == signal.SIGHUP:
            server.reload()
            continue
        log.info("party_server_stopping", signal=signal.Signals(number).name)
        server.stop()


class _Announcement:
    """Tells the operator that everything is up; a server that is stopped before never is."""

    def __init__(self, server: PartyServer, settings: PartyServerSettings, began: float) -> None:
        self._server = server
        self._scheme = "http" if settings.key_pair() is None else "https"
        self._host = settings.host or "localhost"
        self._began = began

    def started(self, _: object = None) -> None:
        # What lives until the end need not be looked at by every full collection.
        gc.collect()
        gc.freeze()
        log.info(
            "party_server_started",
            url=f"{self._scheme}://{self._host}:{self._server.port}",
            seconds=round(time.perf_counter() - self._began, 2),
        )


def _root(error: BaseException) -> BaseException:
    """Return what an operator can do something about: the refusal that the runtime passed on."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, ActorError) and error.__cause__ is not None:
            error = error.__cause__
        else:
            return error
