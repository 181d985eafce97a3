"""Results for the tests of what is made of them."""

from datetime import UTC, datetime
from typing import Any

from bench.load.process import Machine
from bench.result import Better, Column, Result

MACHINE = Machine(2, "abacus", 2**30, "6.0", "CPython 3.11.7", 0.5)


def a_result(**parts: Any) -> Result:
    defaults: dict[str, Any] = {
        "bench": "fanout",
        "question": "what does a delivery cost?",
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "machine": MACHINE,
        "versions": {"fh": "0.1.0"},
        "options": {"streams": 10},
        "columns": (
            Column("bytes", "user memory of a stream", "bytes", Better.LOWER, 1),
            Column("missing", "deliveries that never arrived", better=Better.LOWER),
        ),
        "rows": (),
    }
    return Result(**{**defaults, **parts})
