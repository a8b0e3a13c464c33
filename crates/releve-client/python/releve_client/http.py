"""How is the API asked? Requests with a key, waiting where told to, answers as dataclasses, refusals as one exception."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, Iterator, Mapping, Sequence, TypeVar

from .codec import decode, encode
from .models import Problem

T = TypeVar("T")

TIMEOUT_SECONDS = 60
"""How long one request may take."""
WAIT_SECONDS_MAX = 60
"""How long is waited in all, where the API asks for patience."""
ANSWER_BYTES_MAX = 256 * 1024 * 1024
"""The longest answer that is read."""


@dataclass
class Page(Generic[T]):
    """A page of a list; `next` is the next one's `cursor`."""

    items: list[T]
    next: str | None = None


class Refused(Exception):
    """The API said no: `problem.code` says which no, `problem.field` where to look."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem = problem

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def field(self) -> str | None:
        return self.problem.field


class Unexpected(Exception):
    """What answered is not this API, or another version of it."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The API never redirects, and a key is for nobody else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Http:
    def __init__(self, base: str, key: str | None = None, *, wait_seconds_max: float = WAIT_SECONDS_MAX) -> None:
        """`base` is where the API listens, as `https://billing.example.com`; `key` an API key or a session's."""
        self._base = base.rstrip("/")
        self._key = key
        self._wait_seconds_max = wait_seconds_max
        self._idempotency_key: str | None = None
        self._opener = urllib.request.build_opener(_NoRedirects)

    def idempotent(self: "HttpT", key: str) -> "HttpT":
        """The same client, whose next POST is done once however often it is sent with this key."""
        again = copy(self)
        again._idempotency_key = key
        return again

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base!r})"

    def _ask(
        self,
        method: str,
        path: Sequence[str],
        answers: Mapping[int, Any],
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str | None = None,
    ) -> Any:
        status, said = self._send(self._request(method, path, query, body, content_type))
        if status not in answers:
            raise Unexpected(f"{method} /{'/'.join(path)} was answered with {status}")
        kind = answers[status]
        if kind is None:
            return None
        if kind is bytes:
            return said
        if kind is str:
            return said.decode()
        return decode(kind, json.loads(said))

    def _pages(self, method: str, path: Sequence[str], kind: Any, *, query: Mapping[str, Any]) -> Iterator[Any]:
        cursor = query.get("cursor")
        while True:
            page = self._ask(method, path, {200: Page[kind]}, query={**query, "cursor": cursor})
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def _request(
        self, method: str, path: Sequence[str], query: Mapping[str, Any] | None, body: Any, content_type: str | None
    ) -> urllib.request.Request:
        if any(part in ("", ".", "..") for part in path):
            raise ValueError(f"{list(path)!r} holds a part that is no name and no id")
        url = self._base + "".join("/" + urllib.parse.quote(part, safe="") for part in path)
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        if asked:
            url += "?" + urllib.parse.urlencode(asked)
        headers = {"accept": "*/*"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key}"
        if self._idempotency_key is not None and method == "POST":
            headers["idempotency-key"] = self._idempotency_key
        data = None
        if content_type is not None:
            headers["content-type"] = content_type
            data = (body if isinstance(body, str) else json.dumps(encode(body))).encode()
        elif method in ("POST", "PUT", "PATCH"):
            data = b""
        return urllib.request.Request(url, data=data, headers=headers, method=method)

    def _send(self, request: urllib.request.Request) -> tuple[int, bytes]:
        waited = 0.0
        again = request.get_method() in ("GET", "DELETE") or request.has_header("Idempotency-key")
        while True:
            try:
                with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                    return answer.status, _read(answer)
            except urllib.error.HTTPError as error:
                status, said, wait = error.code, _read(error), _wait(error.headers.get("retry-after"))
            # What was refused for its rate was not begun; what found no database may have been.
            patient = status == 429 or (status == 503 and again)
            if not patient or wait is None or waited + wait > self._wait_seconds_max:
                raise _refused(status, said)
            time.sleep(wait)
            waited += wait


HttpT = TypeVar("HttpT", bound=Http)


def _read(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> bytes:
    said: bytes = answer.read(ANSWER_BYTES_MAX + 1)
    if len(said) > ANSWER_BYTES_MAX:
        raise Unexpected(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    return said


def _wait(retry_after: str | None) -> float | None:
    """In seconds, at least one; a date is not understood, as the API sends none."""
    return max(1.0, float(retry_after)) if retry_after and retry_after.isascii() and retry_after.isdigit() else None


def _refused(status: int, said: bytes) -> Exception:
    try:
        return Refused(decode(Problem, json.loads(said)))
    except (ValueError, TypeError, KeyError):
        return Unexpected(f"{status} without a problem document")
