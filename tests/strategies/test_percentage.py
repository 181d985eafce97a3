import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.percentage import BUCKETS, bucket


@pytest.mark.parametrize(
    ("key", "value_id", "expected"),
    [
        ("fred", "abcde", 212_628),
        ("zappo-food", "172765e02-2-1-1-2-2-1", 931_882),
        ("mary@mary.com", "6c376de1-3cb8-4297-b641-8f27e0d11612", 567_561),
        ("", "abcde", 908_624),
        ("nz$<none>", "5f562e19-aedf-44d5-ab5f-c2994e2b7f57", 978_776),
        ("müller", "abcde", 313_891),
        ("日本語", "abcde", 96_468),
    ],
)
def test_a_key_falls_into_the_bucket_that_upstream_puts_it_into(
    key: str, value_id: str, expected: int
) -> None:
    assert bucket(key, value_id) == expected


def test_an_emoji_hashes_as_the_standard_says_not_as_upstreams_java_does() -> None:
    assert bucket("😀", "abcde") == 732_440


def test_half_a_surrogate_pair_counts_as_a_question_mark() -> None:
    assert bucket("\ud83d", "abcde") == bucket("?", "abcde")


@given(st.text(), st.text())
def test_any_text_has_a_bucket(key: str, value_id: str) -> None:
    assert 0 <= bucket(key, value_id) < BUCKETS


@pytest.mark.parametrize("promised", [10_000, 200_000, 500_000, 990_000])
def test_a_hundred_thousand_keys_keep_the_promise_within_half_a_percent(promised: int) -> None:
    keys = 100_000
    hit = sum(bucket(f"user-{number}", "a-value") <= promised for number in range(keys))
    assert hit / keys == pytest.approx(promised / BUCKETS, abs=0.005)
