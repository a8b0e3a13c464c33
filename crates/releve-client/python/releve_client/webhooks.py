"""Is a webhook from whom it says? As Standard Webhooks signs: HMAC-SHA-256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import Mapping

TOLERANCE_SECONDS = 300
"""How far a message's time may be from ours: what is older was recorded by somebody, and is played again."""


class NotSigned(Exception):
    """Not from who knows the secret, or too old. Answer 401 and do nothing."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> str:
    """The message's id, once it is known to be genuine. The same id is the same message, however often it comes."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message, at, signatures = (named[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        sent = int(at)
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (KeyError, ValueError, binascii.Error) as error:
        raise NotSigned("a header is missing or malformed") from error
    if abs((time.time() if now is None else now) - sent) > TOLERANCE_SECONDS:
        raise NotSigned("its time is not about now")
    signed = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    # While a secret is changed, a message has a signature of each.
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split(" ")):
        raise NotSigned("no signature fits")
    return message
