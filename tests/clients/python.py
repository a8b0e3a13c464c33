"""How is the document said in Python? Dataclasses in one file, operations as methods in another."""

from __future__ import annotations

import keyword

from model import Field, Model, Operation, Struct, Type, Union, wrapped

SIMPLE = {"string": "str", "decimal": "Decimal", "boolean": "bool", "integer": "int", "json": "Any", "text": "str", "bytes": "bytes", "nothing": "None"}
MADE = "Made from docs/openapi.json by tests/clients/generate: change it there."


def files(model: Model) -> dict[str, str]:
    return {"models.py": models(model), "api.py": api(model)}


def spelled(of: Type) -> str:
    match of.kind:
        case "ref":
            return of.name
        case "list":
            return f"list[{spelled(of.inner)}]"
        case "map":
            return f"dict[str, {spelled(of.inner)}]"
        case "page":
            return f"Page[{spelled(of.inner)}]"
    return SIMPLE[of.kind]


def safe(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def quoted(text: str, indent: str) -> str:
    """A docstring, or none."""
    if not text:
        return ""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = wrapped(text, 116 - len(indent))
    if len(lines) == 1 and not lines[0].endswith('"'):
        return f'{indent}"""{lines[0]}"""\n'
    body = "".join(f"{indent}{line}\n" for line in lines[1:])
    return f'{indent}"""{lines[0]}\n{body}{indent}"""\n'


def models(model: Model) -> str:
    head = f'''"""What is sent and answered? {MADE}"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Union
'''
    structs = [struct(one) for one in model.types.values() if isinstance(one, Struct)]
    # After the classes and unions that they name.
    unions = [union(one) for one in ordered([one for one in model.types.values() if isinstance(one, Union)])]
    return head + "".join(f"\n\n{text}" for text in [*structs, *unions])


def struct(one: Struct) -> str:
    body = quoted(one.doc, "    ")
    if body:
        body += "\n"
    body += "".join(attribute(f) for f in one.fields) or "    pass\n"
    return f"@dataclass(kw_only=True)\nclass {one.name}:\n{body}"


def attribute(one: Field) -> str:
    kind = spelled(one.type)
    renamed = f'metadata={{"name": "{one.name}"}}' if keyword.iskeyword(one.name) else ""
    if one.required:
        value = f" = field({renamed})" if renamed else ""
    else:
        kind = kind if kind == "Any" else f"{kind} | None"
        value = f" = field(default=None, {renamed})" if renamed else " = None"
    return f"    {safe(one.name)}: {kind}{value}\n{quoted(one.doc, '    ')}"


def union(one: Union) -> str:
    return f"{one.name} = Union[{', '.join(spelled(part) for part in one.variants)}]\n{quoted(one.doc, '')}"


def ordered(unions: list[Union]) -> list[Union]:
    placed: list[Union] = []
    while left := [one for one in unions if one not in placed]:
        waiting = {one.name for one in left}
        ready = [one for one in left if not any(names(part) & waiting - {one.name} for part in one.variants)]
        placed += ready or left
    return placed


def names(of: Type) -> set[str]:
    return {of.name} if of.kind == "ref" else names(of.of) if of.of else set()


def api(model: Model) -> str:
    used: set[str] = set()
    for one in model.operations:
        for part in [answer for _, answer in one.answers] + ([one.body[1]] if one.body else []):
            used |= names(part)
    methods = "\n".join(method(one) for one in model.operations)
    imported = "".join(f"    {name},\n" for name in sorted(used))
    return f'''"""What can be asked? {MADE}"""

from __future__ import annotations

from typing import Any, Iterator

from .http import Http, Page
from .models import (
{imported})


class Api(Http):
    """Every operation of the API (version {model.version}), by its name in the document."""

{methods}'''


def arguments(one: Operation) -> str:
    listed = [f"{safe(name)}: str" for name in one.parameters]
    if one.body:
        listed.append(f"body: {spelled(one.body[1])}")
    if one.query:
        listed.append("*")
        asked = sorted(one.query, key=lambda q: not q.required)
        listed += [f"{safe(q.name)}: {spelled(q.type)}" + ("" if q.required else " | None = None") for q in asked]
    return "".join(f", {one}" for one in listed)


def path(one: Operation) -> str:
    return "[" + ", ".join(safe(text) if is_parameter else f'"{text}"' for is_parameter, text in one.segments) + "]"


def method(one: Operation) -> str:
    scopes = " or ".join(f"`{scope}`" for scope in dict.fromkeys(one.scopes))
    opens = f"With a key of {scopes}." if scopes else "Takes any key, or none."
    about = quoted(f"{one.doc} `{one.method} {one.path}`. {opens}", "        ")
    answers = ", ".join(f"{status}: {spelled(answer)}" for status, answer in one.answers)
    returned = " | ".join(dict.fromkeys(spelled(answer) for _, answer in one.answers))
    asked = f'"{one.method}", {path(one)}'
    query = ", query={" + ", ".join(f'"{q.name}": {safe(q.name)}' for q in one.query) + "}" if one.query else ""
    body = f', body=body, content_type="{one.body[0]}"' if one.body else ""
    call = f"self._ask({asked}, {{{answers}}}{query}{body})"
    text = f"    def {one.name}(self{arguments(one)}) -> {returned}:\n{about}"
    text += f"        {call}\n" if returned == "None" else f"        answer: {returned} = {call}\n        return answer\n"
    if one.item:
        every = one.name.replace("list_", "all_", 1)
        kind = spelled(one.item)
        text += f'\n    def {every}(self{arguments(one)}) -> Iterator[{kind}]:\n        """As `{one.name}`, page after page."""\n'
        text += f"        return self._pages({asked}, {kind}{query})\n"
    return text
