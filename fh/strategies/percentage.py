"""Which of a million buckets a key falls into.

Source: section 4.5 of the data plane's contract.
"""

from mmh3 import mmh3_32_uintdigest

BUCKETS = 1_000_000


def bucket(key: str, value_id: str) -> int:
    """Return the bucket of `key` for one feature value, 0 to 999,999.

    The server hashes with the id of the feature *value*, SDKs that evaluate for themselves with
    the feature's: the same user may differ between them, and between environments. Kept, since
    a change would move every user. Outside the basic plane upstream's hash has a defect: keys
    with such characters (emoji) fall elsewhere here.
    """
    text = key + value_id
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8; Java writes a question mark for it.
        encoded = text.encode("utf-8", "replace")
    return BUCKETS * mmh3_32_uintdigest(encoded) >> 32
