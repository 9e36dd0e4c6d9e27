"""The operator's configuration: a JSON object becomes a dataclass of the policy's.

Nothing that is written is ignored: a field that the dataclass does not have, one that stands twice and a value of
another type are refused, by the field's name. Fields are `bool`, `int`, `float`, `str`, `list[…]` and `dict[str, …]`
of these, other such dataclasses, and each of them `| None`. What is not written has its default. A name that Python
keeps for itself has an underscore behind it: `except_` is the field `except`.
"""

import dataclasses
import json
import math
import sys
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

Configured = TypeVar("Configured")

# How a value becomes one of a field; the text is the field's name.
Reader = Callable[[Any, str], Any]


class Refused(Exception):
    """Raised by a policy: the configuration is wrong, or the question cannot be answered. The text says why."""


@dataclasses.dataclass(frozen=True)
class Between:
    """Says which numbers a field takes: `seconds: Annotated[int, Between(0, 86400)] = 120`."""

    least: float
    most: float


# A whole number as the contract has them.
U32 = Annotated[int, Between(0, 0xFFFF_FFFF)]


def config(policy: type[Configured], config_json: str) -> Configured:
    """Reads a configuration into a dataclass."""
    try:
        value = json.loads(config_json, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as why:
        raise Refused(f"the configuration is no JSON: {why}") from None
    if not isinstance(value, dict):
        raise Refused("the configuration is no JSON object")
    read: Configured = _dataclass(policy)(value, "")
    return read


# How each dataclass is read: found out once, when the component is built and not in each evaluation.
_readers: dict[type, Reader] = {}


def prepare(policy: type) -> None:
    """Finds out how a policy's class is read, where it is a dataclass."""
    if dataclasses.is_dataclass(policy):
        _dataclass(policy)


def _dataclass(policy: type) -> Reader:
    if policy not in _readers:
        _readers[policy] = _fields(policy)
    return _readers[policy]


def _fields(policy: Any) -> Reader:
    hints = typing.get_type_hints(policy, include_extras=True)
    own = [field for field in dataclasses.fields(policy) if field.init]
    # By the name that the operator writes: `except` for `except_`, which Python would not have.
    fields = {field.name.rstrip("_"): (field.name, _reader(hints[field.name])) for field in own}
    missing = (dataclasses.MISSING, dataclasses.MISSING)
    needed = [field.name.rstrip("_") for field in own if (field.default, field.default_factory) == missing]

    def read(value: Any, name: str) -> Any:
        if not isinstance(value, dict):
            _unlike("an object", value, name)
        within = f"{name}." if name else ""
        values = {}
        for field, written in value.items():
            if field not in fields:
                there = ", ".join(f"`{field}`" for field in sorted(fields)) or "none"
                raise Refused(f"unknown field `{within}{field}`, there is {there}")
            own_name, reader = fields[field]
            values[own_name] = reader(written, within + field)
        for field in needed:
            if field not in value:
                raise Refused(f"field `{within}{field}` is missing")
        return policy(**values)

    return read


def _reader(hint: Any) -> Reader:
    kind, of = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if kind is Annotated:
        within = [between for between in of[1:] if isinstance(between, Between)]
        return _between(_reader(of[0]), within)
    if kind is list:
        return _list(_reader(of[0]))
    if kind is dict and of[0] is str:
        return _dict(_reader(of[1]))
    if kind in (typing.Union, types.UnionType) and len(of) == 2 and types.NoneType in of:
        return _perhaps(_reader(of[of.index(types.NoneType) - 1]))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint)
    raise TypeError(f"a configuration cannot have a field of type {hint}")


def _bool(value: Any, name: str) -> bool:
    return value if isinstance(value, bool) else _unlike("true or false", value, name)


def _int(value: Any, name: str) -> int:
    return value if type(value) is int else _unlike("a whole number", value, name)


def _float(value: Any, name: str) -> float:
    # What is too large for a float is read as infinite.
    if type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    return value if type(value) is float and math.isfinite(value) else _unlike("a number", value, name)


def _str(value: Any, name: str) -> str:
    # Half a character can be written in JSON, and is no text.
    if isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value):
        return value
    return _unlike("a text", value, name)


_PLAIN: dict[Any, Reader] = {bool: _bool, int: _int, float: _float, str: _str}


def _between(read: Reader, within: list[Between]) -> Reader:
    def checked(value: Any, name: str) -> Any:
        number = read(value, name)
        for between in within:
            if not between.least <= number <= between.most:
                raise Refused(f"`{name}` must be between {between.least} and {between.most}, not {number}")
        return number

    return checked


def _list(read: Reader) -> Reader:
    def each(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            _unlike("a list", value, name)
        return [read(element, f"{name}[{at}]") for at, element in enumerate(value)]

    return each


def _dict(read: Reader) -> Reader:
    def each(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _unlike("an object", value, name)
        return {_str(key, name): read(element, f"{name}.{key}") for key, element in value.items()}

    return each


def _perhaps(read: Reader) -> Reader:
    return lambda value, name: None if value is None else read(value, name)


def _unlike(wanted: str, value: Any, name: str) -> NoReturn:
    raise Refused(f"field `{name}`: {wanted} is wanted, not {json.dumps(value)[:40]}")


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(members)
    if len(names) < len(members):
        seen = [name for name, _ in members]
        twice = next(name for name in seen if seen.count(name) > 1)
        raise ValueError(f"field `{twice}` stands twice")
    return names


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON's")
