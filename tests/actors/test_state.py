"""Orders have strengths."""

from fh.actors.state import Order


def test_a_later_order_in_this_row_overrides_an_earlier_one():
    assert Order.PAUSE < Order.DRAIN < Order.STOP < Order.CANCEL
