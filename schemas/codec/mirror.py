"""Struct <-> Protobuf for messages whose fields carry the same names on both sides.

The conversion of each field follows from its Python type: Decimal travels as text ("" for None), an optional number
as a field with presence, a struct as a message, a tuple of structs as a repeated one. A test walks every pair and
compares the names.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from google.protobuf.message import DecodeError, Message

from schemas.codec.errors import Malformed, decimal_of, decimal_text, optional_decimal

_S = TypeVar("_S", bound=msgspec.Struct)


class _Field:
    """One field: its name, its plain type, whether None is allowed, and the kind of container."""

    __slots__ = ("item", "kind", "name", "optional")

    def __init__(self, name: str, hint: Any) -> None:
        self.name = name
        self.optional = False
        if get_origin(hint) in {Union, UnionType}:  # the former where the type is annotated with its range
            (hint,) = [a for a in get_args(hint) if a is not NoneType]
            self.optional = True
        origin = get_origin(hint)
        if origin is tuple:
            self.kind, self.item = "repeated", get_args(hint)[0]
        elif origin is dict:
            self.kind, self.item = "map", get_args(hint)[1]
        elif hint is Decimal:
            self.kind, self.item = "decimal", hint
        elif isinstance(hint, type) and issubclass(hint, Enum):
            self.kind, self.item = "enum", hint
        elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            self.kind, self.item = "message", hint
        else:
            self.kind, self.item = "plain", hint


class Mirror(Generic[_S]):
    """Converter between one struct type and its Protobuf twin."""

    def __init__(self, struct: type[_S], message: type[Message]) -> None:
        self.struct = struct
        self._message = message
        self._fields = [_Field(name, hint) for name, hint in get_type_hints(struct).items()]
        _ALL[struct] = self

    @property
    def names(self) -> tuple[set[str], set[str]]:
        """Names of the fields here and on the wire."""
        return {f.name for f in self._fields}, {f.name for f in self._message.DESCRIPTOR.fields}

    def encode(self, value: _S) -> bytes:
        """Bytes of `value`."""
        message = self._message()
        self._fill(message, value)
        return message.SerializeToString()

    def decode(self, payload: bytes | memoryview) -> _S:
        """The value in `payload`. Raises Malformed."""
        message = self._message()
        try:
            message.ParseFromString(bytes(payload))
        except DecodeError as error:
            raise Malformed(self.struct.__name__, f"not readable ({error})") from None
        return self._read(message)

    def _fill(self, message: Message, value: _S) -> None:
        for field in self._fields:
            content = getattr(value, field.name)
            if content is None:
                continue
            if field.kind == "decimal":
                setattr(message, field.name, decimal_text(content))
            elif field.kind == "enum":
                setattr(message, field.name, content.value)
            elif field.kind == "message":
                part = getattr(message, field.name)
                part.SetInParent()  # one whose fields are all at their defaults is there, too
                _ALL[field.item]._fill(part, content)
            elif field.kind == "map":
                getattr(message, field.name).update(content)
            elif field.kind == "repeated":
                target = getattr(message, field.name)
                inner = _ALL.get(field.item)
                for item in content:
                    if inner is None:
                        target.append(item)
                    else:
                        inner._fill(target.add(), item)
            else:
                setattr(message, field.name, content)

    def _read(self, message: Message) -> _S:
        values: dict[str, Any] = {}
        for field in self._fields:
            content = getattr(message, field.name)
            label = f"{self.struct.__name__}.{field.name}"
            if field.kind == "decimal":
                content = optional_decimal(content, label) if field.optional else decimal_of(content or "0", label)
            elif field.kind == "enum":
                try:
                    content = field.item(content)
                except ValueError:
                    raise Malformed(label, f"unknown value {content!r}") from None
            elif field.kind == "map":
                content = dict(content)
            elif field.kind == "repeated":
                inner = _ALL.get(field.item)
                content = tuple(content) if inner is None else tuple(inner._read(item) for item in content)
            elif field.optional and not message.HasField(field.name):
                content = None
            elif field.kind == "message":
                content = _ALL[field.item]._read(content)
            values[field.name] = content
        return self.struct(**values)


_ALL: dict[type, Mirror[Any]] = {}
