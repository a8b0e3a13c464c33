"""How does JSON become a dataclass, and a dataclass JSON? By the types that the dataclass says; amounts never pass a float."""

from __future__ import annotations

import dataclasses
import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any, Mapping


def encode(value: Any) -> Any:
    """Fields that are None are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = ((_name(field), getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: encode(one) for name, one in named if one is not None}
    if isinstance(value, Mapping):
        return {name: encode(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        raise TypeError("no quantity and no amount is a float")
    return value


def decode(kind: Any, value: Any) -> Any:
    """Unknown fields are passed over: a newer server may say more. A missing one raises KeyError, another type TypeError."""
    if kind is Any:
        return value
    if kind is Decimal:
        return Decimal(_checked(str, value))
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(parts, value)
    if origin is list:
        return [decode(parts[0], one) for one in _checked(list, value)]
    if origin is dict:
        return {name: decode(parts[1], one) for name, one in _checked(dict, value).items()}
    if dataclasses.is_dataclass(origin or kind):
        return _fields(origin or kind, parts, _checked(dict, value))
    return _checked(kind, value)


def _fields(kind: Any, parts: tuple[Any, ...], value: dict[str, Any]) -> Any:
    given = {}
    hints = _hints(kind)
    for field in dataclasses.fields(kind):
        name = _name(field)
        if name in value:
            given[field.name] = decode(_bound(hints[field.name], parts), value[name])
        elif field.default is dataclasses.MISSING:
            raise KeyError(name)
    return kind(**given)


def _one_of(options: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in options:
        return None
    for option in options:
        try:
            return decode(option, value)
        except (KeyError, TypeError):
            continue
    raise TypeError(f"{value!r} is none of {options}")


def _bound(hint: Any, parts: tuple[Any, ...]) -> Any:
    """The one generic dataclass, a page, holds a list of what it is of."""
    return list[parts[0]] if parts and typing.get_origin(hint) is list else hint  # type: ignore[valid-type]


def _checked(kind: Any, value: Any) -> Any:
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _name(field: dataclasses.Field[Any]) -> str:
    return str(field.metadata.get("name", field.name))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
