"""The actor runtime: supervised, hibernating actors on trio. It knows nothing of features.

Reading order: `actor` (what one writes), `ref` (how one reaches it), `mailbox` (what "full"
means), `child` (how it is declared), `supervisor` (who keeps it alive), then `registry`, `table`
and `timers`. The inside: `cell` (one actor's life), `service`, `restart`, `reply`, `monitor`.
What may be relied on stands in docs/runtime-semantics.md.
"""
