"""How is the document said in Rust? A module per tag, with its types, its queries, and its operations as methods of `Client`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from model import Field, Model, Operation, Struct, Type, Union, camel, wrapped

KEYWORDS = {"type", "ref", "match", "move", "use", "in", "where", "as", "box", "final"}
SIMPLE = {"string": "String", "decimal": "Decimal", "boolean": "bool", "json": "Value", "text": "String", "bytes": "Vec<u8>"}
STATUS = {200: "Ok", 201: "Created", 202: "Accepted", 204: "Nothing"}
SHARED = "shared"


def files(model: Model, root: Path) -> dict[str, str]:
    homes = at_home(model)
    tags = sorted({one.tag for one in model.operations})
    texts = {f"{tag}.rs": module(model, tag, homes) for tag in [*tags, SHARED]}
    texts["mod.rs"] = index([*tags, SHARED])
    return {name: formatted(text, root) for name, text in texts.items()}


def formatted(text: str, root: Path) -> str:
    command = ["rustfmt", "--edition", "2024", "--config-path", str(root)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def index(modules: list[str]) -> str:
    lines = ["//! What can be asked, and what is answered? Made from docs/openapi.json by tests/clients/generate: change neither by hand.", ""]
    lines += [f"mod {name};" for name in sorted(modules)] + [""]
    lines += [f"pub use {name}::*;" for name in sorted(modules)]
    return "\n".join(lines) + "\n"


def names(of: Type) -> set[str]:
    return {of.name} if of.kind == "ref" else names(of.of) if of.of else set()


def at_home(model: Model) -> dict[str, str]:
    """The tag that each type is written under: its only one, or shared."""
    users: dict[str, set[str]] = {name: set() for name in model.types}
    for one in model.operations:
        waiting = set().union(*(names(answer) for _, answer in one.answers), names(one.body[1]) if one.body else set())
        while waiting:
            name = waiting.pop()
            if one.tag in users[name]:
                continue
            users[name].add(one.tag)
            found = model.types[name]
            parts = [f.type for f in found.fields] if isinstance(found, Struct) else found.variants
            waiting = waiting.union(*(names(part) for part in parts))
    return {name: next(iter(tags)) if len(tags) == 1 else SHARED for name, tags in users.items()}


def module(model: Model, tag: str, homes: dict[str, str]) -> str:
    own = [one for name, one in model.types.items() if homes[name] == tag]
    operations = [one for one in model.operations if one.tag == tag]
    text = "\n".join([*(type_text(model, one) for one in own), *(query_text(one) for one in operations), *(answer_text(one) for one in operations)])
    if operations:
        text += "\nimpl Client {\n" + "\n".join(method(one) for one in operations) + "}\n"
    about = f"What can be asked about `{tag}`, and what is answered?" if operations else "What is answered, and sent, in more than one place?"
    head = f"//! {about} Made from docs/openapi.json.\n\n"
    return head + imports(text, operations, own, homes, tag) + text


def imports(text: str, operations: list[Operation], own: list[Struct | Union], homes: dict[str, str], tag: str) -> str:
    """As people sort them: the standard library's, other crates', ours."""
    theirs, ours = [], []
    if operations:
        theirs.append("use reqwest::Method;")
        ours.append("use crate::{" + ", ".join(sorted([*shared_names(text), "Client", "Error", "request::Request"])) + "};")
    elif shared_names(text):
        ours.append("use crate::{" + ", ".join(shared_names(text)) + "};")
    if "Decimal" in text:
        theirs.append("use rust_decimal::Decimal;")
    if "Serialize" in text:
        theirs.append("use serde::{Deserialize, Serialize};" if "Deserialize" in text else "use serde::Serialize;")
    if re.search(r"\bValue\b", text):
        theirs.append("use serde_json::Value;")
    others = {name for one in operations for part in parts_of(one) for name in names(part)}
    for one in own:
        others |= {name for part in ([f.type for f in one.fields] if isinstance(one, Struct) else one.variants) for name in names(part)}
    foreign = sorted(name for name in others if homes[name] != tag)
    if foreign:
        ours.insert(0, "use super::{" + ", ".join(foreign) + "};")
    std = ["use std::collections::BTreeMap;"] if "BTreeMap<" in text else []
    return "".join("\n".join(group) + "\n\n" for group in (std, theirs, ours) if group)


def shared_names(text: str) -> list[str]:
    return [name for name in ("Page", "Pages", "Paging") if re.search(rf"\b{name}\b", text)]


def parts_of(one: Operation) -> list[Type]:
    return [answer for _, answer in one.answers] + ([one.body[1]] if one.body else []) + [q.type for q in one.query]


def docs(text: str, indent: str = "") -> str:
    lines = wrapped(text, 116 - len(indent) - 4)
    return "".join(f"{indent}/// {line}\n" for line in lines)


def spelled(of: Type) -> str:
    match of.kind:
        case "integer" | "ref":
            return of.name
        case "list":
            return f"Vec<{spelled(of.inner)}>"
        case "map":
            return f"BTreeMap<String, {spelled(of.inner)}>"
        case "page":
            return f"Page<{spelled(of.inner)}>"
        case "nothing":
            return "()"
    return SIMPLE[of.kind]


def field_text(one: Field) -> str:
    attributes = [f'rename = "{one.name}"'] if one.name in KEYWORDS else []
    if one.type.kind == "decimal":
        attributes.append('with = "crate::decimal"' if one.required else 'default, with = "crate::decimal::option"')
    if not one.required:
        attributes.append('skip_serializing_if = "Option::is_none"')
    text = docs(one.doc, "    ")
    if attributes:
        text += f"    #[serde({', '.join(attributes)})]\n"
    kind = spelled(one.type) if one.required else f"Option<{spelled(one.type)}>"
    return text + f"    pub {safe(one.name)}: {kind},\n"


def safe(name: str) -> str:
    return f"{name}_" if name in KEYWORDS else name


def type_text(model: Model, one: Struct | Union) -> str:
    derives = "Clone, PartialEq, Eq, Debug, Serialize, Deserialize"
    if isinstance(one, Union):
        variants = "".join(f"    {label(part)}({boxed(part)}),\n" for part in one.variants)
        return f"{docs(one.doc)}#[derive({derives})]\n#[serde(untagged)]\npub enum {one.name} {{\n{variants}}}\n"
    if one.name in model.sent:
        derives = derives.replace("Debug", "Debug, Default")
    return f"{docs(one.doc)}#[derive({derives})]\npub struct {one.name} {{\n{''.join(map(field_text, one.fields))}}}\n"


def boxed(part: Type) -> str:
    """A variant is as large as the largest."""
    return f"Box<{spelled(part)}>" if part.kind == "ref" else spelled(part)


def label(part: Type) -> str:
    return "Many" if part.kind == "list" else part.name.removesuffix("View").removesuffix("Body")


def is_paging(one: Operation) -> bool:
    return [q.name for q in one.query] == ["limit", "cursor"]


def query_name(one: Operation) -> str:
    return "Paging" if is_paging(one) else f"{camel(one.name)}Query"


def query_text(one: Operation) -> str:
    if not one.query or is_paging(one):
        return ""
    fields = "".join(docs(q.doc, "    ") + f"    pub {safe(q.name)}: {query_type(q)},\n" for q in one.query)
    pairs = "".join(
        f'("{q.name}", self.{safe(q.name)}.as_ref().map(ToString::to_string)),' if not q.required else f'("{q.name}", Some(self.{safe(q.name)}.to_string())),'
        for q in one.query
    )
    return (
        f"/// What [`Client::{one.name}`] is asked for.\n#[derive(Clone, PartialEq, Eq, Debug, Default)]\npub struct {query_name(one)} {{\n{fields}}}\n\n"
        f"impl {query_name(one)} {{\n    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {{\n        vec![{pairs}]\n    }}\n}}\n"
    )


def query_type(one: Field) -> str:
    return spelled(one.type) if one.required else f"Option<{spelled(one.type)}>"


def answer_name(one: Operation) -> str:
    kinds = {spelled(answer) for _, answer in one.answers}
    return kinds.pop() if len(kinds) == 1 else f"{camel(one.name)}Answer"


def answer_text(one: Operation) -> str:
    if answer_name(one) != f"{camel(one.name)}Answer":
        return ""
    variants = "".join(f"    /// {status}\n    {STATUS[status]}(Box<{spelled(answer)}>),\n" for status, answer in one.answers)
    return f"/// What [`Client::{one.name}`] is answered.\n#[derive(Clone, PartialEq, Eq, Debug, Serialize)]\n#[serde(untagged)]\npub enum {answer_name(one)} {{\n{variants}}}\n"


READ = {"text": "text", "bytes": "bytes", "nothing": "nothing"}


def method(one: Operation) -> str:
    arguments = "".join(f", {safe(name)}: &str" for name in one.parameters)
    if one.query:
        arguments += f", query: &{query_name(one)}"
    request = f'Request::new(Method::{one.method}, &[{", ".join(safe(text) if is_parameter else f"{chr(34)}{text}{chr(34)}" for is_parameter, text in one.segments)}])'
    if one.query:
        request += ".query(query.pairs())"
    if one.body:
        content_type, of = one.body
        arguments += ", body: &str" if of.kind == "text" else f", body: &{spelled(of).replace('Vec<Value>', '[Value]')}"
        request += f'.text("{content_type}", body)' if of.kind == "text" else f'.json("{content_type}", body)?'
    scopes = ", ".join(f"`{scope}`" for scope in dict.fromkeys(one.scopes))
    opens = f"With a key of one of {scopes}." if "," in scopes else f"With a key of {scopes}." if scopes else "Takes any key, or none."
    about = docs(one.doc, "    ") + "    ///\n" + docs(f"`{one.method} {one.path}`. {opens}", "    ")
    kinds = {spelled(answer) for _, answer in one.answers}
    if len(kinds) == 1:
        read = READ.get(one.answers[0][1].kind, "json")
        body = f"        self.send({request}).await?.{read}()\n"
    else:
        arms = "".join(f"            {status} => Ok({answer_name(one)}::{STATUS[status]}(Box::new(answer.json()?))),\n" for status, _ in one.answers)
        body = f"        let answer = self.send({request}).await?;\n        match answer.status {{\n{arms}            other => Err(Error::Unexpected {{ status: other }}),\n        }}\n"
    text = f"{about}    pub async fn {one.name}(&self{arguments}) -> Result<{answer_name(one)}, Error> {{\n{body}    }}\n"
    if one.item:
        every = one.name.replace("list_", "all_", 1)
        text += f"\n    /// As [`Client::{one.name}`], page after page.\n    pub fn {every}(&self{arguments}) -> Pages<'_, {spelled(one.item)}> {{\n        Pages::new(self, {request})\n    }}\n"
    return text
