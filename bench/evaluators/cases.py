"""What is evaluated: strategies as Edge sends them to SDKs, and the contexts of clients.

Where upstream's server and its SDKs contradict each other, the inputs keep to what they agree on:

- One percentage, not several in a row: the Python SDK looks at the first of them only, and
  neither SDK adds them up.
- `userkey`, not `session`: the server does not read what SDKs send as the session.
- Dates without a time, which the Python SDK compares as text, and versions of three numbers.
- Patterns that begin with ^ and end with $: the server matches the whole text, SDKs search.
- Whole numbers, one value for each attribute, no NOT_EQUALS on versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
Strategy: TypeAlias = Mapping[str, Json]
Attributes: TypeAlias = Mapping[str, Sequence[str]]

_VALUE_ID = "7d6bf5a4-53a1-4d0e-9f6c-6f4bb0c3a2d5"
_USERS = 200
_HALF_MILLIONTHS = 500_000
_YES = True
_COUNTRIES = ("us", "de", "nz", "gb", "fr", "in", "br", "se", "au", "za", "jp")


@dataclass(frozen=True, slots=True)
class Input:
    """One evaluation: the place of its strategies in the case, the hashed id and the context."""

    strategies: int
    value_id: str
    context: Attributes


@dataclass(frozen=True, slots=True)
class Case:
    """Inputs that are timed together."""

    name: str
    text: str
    strategies: tuple[tuple[Strategy, ...], ...]
    inputs: tuple[Input, ...]


def cases() -> tuple[Case, ...]:
    """Return the cases, each with inputs that match and, but for the first, some that don't."""
    return (
        _case("no rule", "a feature without strategies", ()),
        _case("percentage", "one strategy of 50 %", (_strategy("half", _HALF_MILLIONTHS),)),
        _case(
            "percentage by attributes",
            "one strategy of 50 %, by company and country",
            (_strategy("half", _HALF_MILLIONTHS, by=("company", "country")),),
        ),
        _case("1 string rule", "country is one of three", (_strategy("near", None, _COUNTRY),)),
        _case("10 rules", "ten strategies of a rule each, of seven types", _TEN),
    )


def _strategy(
    name: str, millionths: int | None, *rules: Mapping[str, Json], by: Sequence[str] = ()
) -> Strategy:
    # As the wire has it: no percentage at all, but empty lists.
    percentage: Mapping[str, Json] = {} if millionths is None else {"percentage": millionths}
    return {
        "id": name,
        **percentage,
        "percentageAttributes": by,
        "attributes": rules,
        "value": f"value of {name}",
    }


def rule(field_name: str, conditional: str, field_type: str, *values: Json) -> Mapping[str, Json]:
    """Return one condition as the wire has it."""
    return {
        "conditional": conditional,
        "fieldName": field_name,
        "type": field_type,
        "values": values,
    }


_COUNTRY = rule("country", "EQUALS", "STRING", "nz", "au", "fj")
_TEN = (
    _strategy("near", None, _COUNTRY),
    _strategy("senior", None, rule("age", "GREATER_EQUALS", "NUMBER", 65)),
    _strategy("old", None, rule("version", "LESS", "SEMANTIC_VERSION", "1.2.10")),
    _strategy("early", None, rule("since", "LESS", "DATE", "2019-07-01")),
    _strategy(
        "inside", None, rule("address", "EQUALS", "IP_ADDRESS", "10.0.0.0/8", "192.168.0.0/16")
    ),
    _strategy("tester", None, rule("beta", "EQUALS", "BOOLEAN", _YES)),
    _strategy("staff", None, rule("email", "REGEX", "STRING", r"^.*@example\.(com|org)$")),
    _strategy("windows", None, rule("platform", "STARTS_WITH", "STRING", "win")),
    _strategy("new", None, rule("version", "GREATER", "SEMANTIC_VERSION", "7.0.0")),
    _strategy("young", None, rule("age", "LESS", "NUMBER", 21)),
)


def _case(name: str, text: str, strategies: tuple[Strategy, ...]) -> Case:
    inputs = tuple(Input(0, _VALUE_ID, _user(number)) for number in range(_USERS))
    return Case(name, text, (strategies,), inputs)


def _user(number: int) -> Attributes:
    """Return the context of a user; each of the ten rules, and none of them, decides for some."""
    return {
        "userkey": [f"user-{number}"],
        "company": [f"company-{number % 40}"],
        "country": [_COUNTRIES[number % 11]],
        "age": [str(18 + number * 7 % 53)],
        "version": [f"{1 + number % 8}.{number % 7}.{number % 17}"],
        "since": [f"20{19 + number % 6}-{1 + number % 12:02}-{1 + number % 28:02}"],
        "address": [f"{(172, 10, 203, 51)[number // 3 % 4]}.{number % 32}.{number % 200}.7"],
        "beta": ["true" if number % 9 == 0 else "false"],
        "email": [f"user{number}@{'example.com' if number % 13 == 0 else 'host.example.net'}"],
        "platform": [("linux", "macos", "ios", "android", "windows")[number % 5]],
    }
