"""`fh bench`: one command a question. Each is imported only when it is called."""

from importlib import import_module
from typing import Final

import click

from bench.command import end_with_what_was_started

COMMANDS: Final = {
    "connections": "What does a stream cost to open and to hold?",
    "fanout": "What does a delivery cost, and when does the last stream have it?",
    "propagation": "How long from an admin's change to an SDK?",
    "poll": "How many polls, and at what cost?",
    "meanwhile": "How long does a poll wait during a broadcast?",
    "herd": "What happens when everybody comes back at once?",
    "churn": "Does anything get lost while clients come and go?",
    "soak": "Does anything grow over half an hour?",
    "convergence": "Does every stream hold what MR holds?",
    "plan": "How many machines do so many connections need?",
    "million": "Do a million streams fit on this machine?",
    "dacha": "What does the cache need for many environments?",
    "mr": "How long do people wait for the admin API?",
    "split": "What does it cost to run the parts apart?",
    "actors": "What does an actor cost?",
    "evaluate": "What does an evaluation of strategies cost, beside the SDKs' own?",
    "start": "How long from an empty directory to the first flag?",
    "compare": "What changed between two results?",
    "report": "Make a page of one or more results.",
}
"""Each is `command` in the module of its name; the text is its line in the list."""


class _Questions(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"bench.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        # From the table, for the list not to import every bench.
        with formatter.section("Questions"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Questions, context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Measure an Edge, a Dacha or a whole deployment: this one, or any that runs at a URL.

    \b
    Examples:
      fh bench fanout --streams 2000
      fh bench poll --url http://localhost:8085 --key ENVIRONMENT/SECRET
      fh bench compare before.json after.json

    Load goes to this machine only, unless told otherwise, and is bounded in count and time.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    end_with_what_was_started()
