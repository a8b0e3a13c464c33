"""What does the OpenAPI document say, in terms that a client in any language is written from?

Read once, into operations and types. What a client can't say exactly stops the generator: a number that is no integer,
an object without a name, two operations of one name.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import Any, Iterator


class Unreadable(Exception):
    """The document holds what no client can be written for."""


@dataclass(frozen=True)
class Type:
    """`kind` is string, decimal, boolean, integer, json, text, bytes, nothing; or list, map, page, ref with what it is of."""

    kind: str
    of: "Type | None" = None
    name: str = ""  # of a ref; of an integer its width, as Rust spells it

    @property
    def inner(self) -> "Type":
        assert self.of, f"{self.kind} is of something"
        return self.of


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    required: bool
    doc: str


@dataclass(frozen=True)
class Struct:
    name: str
    doc: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Union:
    """One of these; the first that fits, and those that ask for more stand first."""

    name: str
    doc: str
    variants: tuple[Type, ...]


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    tag: str
    doc: str
    scopes: tuple[str, ...]
    parameters: tuple[str, ...]
    query: tuple[Field, ...]
    body: tuple[str, Type] | None
    answers: tuple[tuple[int, Type], ...]

    @property
    def segments(self) -> list[tuple[bool, str]]:
        """The path's parts: whether each is a parameter, and its text."""
        parts = self.path.strip("/").split("/")
        return [(True, part[1:-1]) if part.startswith("{") else (False, part) for part in parts]

    @property
    def item(self) -> Type | None:
        """Of what there are pages, where one can ask for the next."""
        one = self.answers[0][1]
        return one.of if one.kind == "page" and any(q.name == "cursor" for q in self.query) else None


@dataclass
class Model:
    version: str
    types: dict[str, Struct | Union] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    """Types that are sent; the others only come."""
    sent: set[str] = field(default_factory=set)


class Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.document = document

    def model(self) -> Model:
        model = Model(self.document["info"]["version"])
        for path, item in sorted(self.document["paths"].items()):
            for method, operation in item.items():
                model.operations.append(self.operation(path, method, operation))
        names = [one.name for one in model.operations]
        if len(names) != len(set(names)):
            raise Unreadable(f"operations share a name: {sorted(n for n in set(names) if names.count(n) > 1)}")
        sent = {name for one in model.operations if one.body for name in self.reachable(one.body[1], model)}
        for one in model.operations:
            for _, answer in one.answers:
                for _ in self.reachable(answer, model):
                    pass
        for _ in self.reachable(Type("ref", name="Problem"), model):
            pass
        model.sent = sent
        model.types = dict(sorted(model.types.items()))
        return model

    def reachable(self, of: Type, model: Model) -> Iterator[str]:
        """The names of all types that one is made of; reads those that were not yet."""
        waiting, seen = [of], set()
        while waiting:
            one = waiting.pop()
            if one.of:
                waiting.append(one.of)
            if one.kind != "ref" or one.name in seen:
                continue
            seen.add(one.name)
            yield one.name
            if one.name not in model.types:
                model.types[one.name] = self.named(one.name)
            found = model.types[one.name]
            waiting += [f.type for f in found.fields] if isinstance(found, Struct) else found.variants

    def named(self, name: str) -> Struct | Union:
        schema = self.schemas[name]
        if "oneOf" in schema:
            variants = [self.type(one, name) for one in schema["oneOf"]]
            variants.sort(key=self.asked, reverse=True)
            return Union(name, doc(schema), tuple(variants))
        fields = {one.name: one for one in self.fields(schema, name)}
        return Struct(name, doc(schema), tuple(fields.values()))

    def asked(self, variant: Type) -> int:
        """How many fields a variant can't be without."""
        if variant.kind != "ref":
            return 0
        return sum(1 for one in self.fields(self.schemas[variant.name], variant.name) if one.required)

    def fields(self, schema: dict[str, Any], where: str) -> Iterator[Field]:
        for part in schema.get("allOf", []):
            yield from self.fields(self.schemas[last(part)] if "$ref" in part else part, where)
        required = schema.get("required", [])
        for name, one in schema.get("properties", {}).items():
            nullable = "null" in as_list(one.get("type")) or {"type": "null"} in one.get("oneOf", [])
            yield Field(name, self.type(one, f"{where}.{name}"), name in required and not nullable, doc(one))

    def type(self, schema: dict[str, Any], where: str) -> Type:
        if "$ref" in schema:
            return self.reference(last(schema))
        options = [one for one in schema.get("oneOf", []) if one != {"type": "null"}]
        if len(options) == 1:
            return self.type(options[0], where)
        kinds = [kind for kind in as_list(schema.get("type")) if kind != "null"]
        match kinds:
            case ["string"]:
                return Type("decimal" if schema.get("format") == "decimal" else "string")
            case ["boolean"]:
                return Type("boolean")
            case ["integer"]:
                return Type("integer", name=width(schema))
            case ["array"]:
                return Type("list", self.type(schema["items"], where))
            case ["object"] if isinstance(schema.get("additionalProperties"), dict):
                return Type("map", self.type(schema["additionalProperties"], where))
            case ["object"] if "properties" not in schema:
                return Type("json")
            case [] if not options and "allOf" not in schema:
                return Type("json")
        raise Unreadable(f"{where} is {schema}")

    def reference(self, name: str) -> Type:
        schema = self.schemas[name]
        if name.startswith("Paged_"):
            return Type("page", self.reference(name.removeprefix("Paged_")))
        if as_list(schema.get("type")) == ["string"]:
            return self.type(schema, name)
        return Type("ref", name=name)

    def operation(self, path: str, method: str, one: dict[str, Any]) -> Operation:
        where = f"{method} {path}"
        query = [p for p in one.get("parameters", []) if p["in"] == "query"]
        body = None
        for content_type, content in one.get("requestBody", {}).get("content", {}).items():
            body = (content_type, self.content(content_type, content, where))
        answers = []
        for status, response in sorted(one["responses"].items()):
            if status == "default":
                continue
            contents = list(response.get("content", {}).items())
            answer = self.content(contents[0][0], contents[0][1], where) if contents else Type("nothing")
            answers.append((int(status), answer))
        return Operation(
            name=one["operationId"],
            method=method.upper(),
            path=path,
            tag=one["tags"][0],
            doc=doc({"description": f"{one.get('summary', '')}\n{one.get('description', '')}"}),
            scopes=tuple(scope for way in one["security"] for scope in way.get("api_key", [])),
            parameters=tuple(re.findall(r"{(\w+)}", path)),
            query=tuple(
                Field(p["name"], self.type(p["schema"], f"{where} {p['name']}"), p.get("required", False), doc(p | p["schema"]))
                for p in query
            ),
            body=body,
            answers=tuple(answers),
        )

    def content(self, content_type: str, content: dict[str, Any], where: str) -> Type:
        if content_type.endswith("json"):
            return self.type(content["schema"], where)
        # A document in bytes is described as an array of integers, one in characters as a string.
        return Type("text" if content["schema"].get("type") == "string" else "bytes")


def width(schema: dict[str, Any]) -> str:
    sign = "u" if schema.get("minimum", -1) >= 0 else "i"
    return sign + {"int32": "32", "int64": "64"}.get(schema.get("format", "int64"), "64")


def last(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def as_list(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else [kinds] if kinds else []


def doc(schema: dict[str, Any]) -> str:
    text = schema.get("description", "")
    for one in schema.get("oneOf", []):
        text = text or one.get("description", "")
    lines: list[str] = []
    for line in text.splitlines():
        if lines and not line.lstrip().startswith("- "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line.strip())
    return "\n".join(" ".join(line.split()) for line in lines)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a comment; what belongs to an item of a list stands under it."""
    lines: list[str] = []
    for part in text.splitlines():
        hanging = "  " if part.startswith("- ") else ""
        lines += textwrap.wrap(part, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    return lines


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
