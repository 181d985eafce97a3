"""Writes `facts/differences.txt` anew: for when operations came, or were mended.

    python -m tests.mr.contract.write_differences

What it then says has to be read: a line more is something that was as in the contract before, and
needs the reason for which it stays behind `  # `. Reasons that were there are kept.
"""

from tests.mr.contract.test_contract import TYPED, found
from tests.mr.contract.typed import FACTS, REASON, reasons

HEAD = """\
# What differs from the contract, and why: operations first, then schemas and enumerations."""


def lines() -> list[str]:
    differing = found()
    names = [*(name for name in TYPED if name in differing), *sorted(differing.keys() - TYPED)]
    known = reasons()
    bare = [f"{name}: {what}" for name in names for what in sorted(differing[name])]
    return [f"{line}{REASON}{known[line]}" if known.get(line) else line for line in bare]


if __name__ == "__main__":
    text = "\n".join([HEAD, "", *lines()])
    (FACTS / "differences.txt").write_text(text + "\n", encoding="utf-8")
