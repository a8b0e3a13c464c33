"""Does the client ask, wait, page and refuse as it says? Against a server that answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import unittest
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from releve_client import Client, Refused, Unexpected, webhooks
from releve_client.codec import decode, encode
from releve_client.models import FateView, ItemView, KeyRuleView, MoneyView, NewKeyRule, NewTenant, RefusedView

Told = tuple[int, dict[str, str], Any]

PROBLEM = {"type": "/v1/errors/rate_limited", "title": "Wait", "status": 429, "code": "rate_limited", "detail": "wait"}
TENANT = {"id": "ten_1", "account": "acc_1", "name": "lab", "created_at": "2026-03-01T00:00:00Z", "new_field": 1}


class Server(HTTPServer):
    """Gives the answers it was told to give, and remembers what it was asked."""

    def __init__(self, answers: list[Told]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        body = json.loads(self.rfile.read(length) or "null")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        status, given, said = self.server.answers.pop(0)
        text = json.dumps(said).encode() if said is not None else b""
        self.send_response(status)
        for name, value in {**given, "content-length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_: Any) -> None:
        pass


class Asking(unittest.TestCase):
    def serve(self, *answers: Told) -> tuple[Client, Server]:
        server = Server(list(answers))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for ended in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(ended)  # the last first
        return Client(f"http://127.0.0.1:{server.server_port}/", "rlv_k"), server

    def test_a_request_is_what_the_document_says(self) -> None:
        client, server = self.serve((201, {}, TENANT))
        made = client.idempotent("k1").create_tenant(NewTenant(name="lab"))
        self.assertEqual((made.id, made.name), ("ten_1", "lab"))
        method, path, headers, body = server.asked[0]
        self.assertEqual((method, path, body), ("POST", "/v1/tenants", {"name": "lab"}))
        self.assertEqual((headers["authorization"], headers["idempotency-key"]), ("Bearer rlv_k", "k1"))

    def test_names_stay_in_their_part_of_the_path(self) -> None:
        client, server = self.serve((200, {}, TENANT))
        client.get_tenant("a/b ?")
        self.assertEqual(server.asked[0][1], "/v1/tenants/a%2Fb%20%3F")
        for none in ("", ".", ".."):
            with self.assertRaises(ValueError):
                client.get_tenant(none)

    def test_it_waits_as_long_as_it_is_told(self) -> None:
        client, server = self.serve((429, {"retry-after": "1"}, PROBLEM), (200, {}, TENANT))
        self.assertEqual(client.get_tenant("lab").name, "lab")
        self.assertEqual(len(server.asked), 2)

    def test_patience_ends(self) -> None:
        client, server = self.serve((429, {"retry-after": "61"}, PROBLEM))
        with self.assertRaises(Refused) as refused:
            client.get_tenant("lab")
        self.assertEqual((refused.exception.code, refused.exception.field, len(server.asked)), ("rate_limited", None, 1))

    def test_what_may_have_been_done_is_not_sent_twice(self) -> None:
        away = {**PROBLEM, "status": 503, "code": "unavailable"}
        client, server = self.serve((503, {"retry-after": "1"}, away), (503, {"retry-after": "1"}, away), (201, {}, TENANT))
        with self.assertRaises(Refused):
            client.create_tenant(NewTenant(name="lab"))
        client.idempotent("k").create_tenant(NewTenant(name="lab"))
        self.assertEqual(len(server.asked), 3)

    def test_a_list_is_read_to_its_end(self) -> None:
        client, server = self.serve((200, {}, {"items": [TENANT], "next": "c&1"}), (200, {}, {"items": [TENANT, TENANT]}))
        self.assertEqual(len(list(client.all_tenants(account="acme"))), 3)
        self.assertEqual(server.asked[1][1], "/v1/tenants?account=acme&cursor=c%261")

    def test_neither_redirects_nor_strangers_are_trusted(self) -> None:
        client, server = self.serve((302, {"location": "http://127.0.0.1:9/"}, None), (200, {}, TENANT), (500, {}, "no"))
        with self.assertRaises(Unexpected):
            client.get_tenant("lab")
        with self.assertRaises(Unexpected):
            client.delete_session()
        with self.assertRaises(Unexpected):
            client.get_tenant("lab")
        self.assertEqual(len(server.asked), 3)


class Reading(unittest.TestCase):
    def test_amounts_are_exact(self) -> None:
        money = decode(MoneyView, {"amount": "0.10", "currency": "EUR"})
        self.assertEqual((money.amount, str(money.amount)), (Decimal("0.1"), "0.10"))
        self.assertEqual(encode(money), {"amount": "0.10", "currency": "EUR"})
        with self.assertRaises(TypeError):
            decode(MoneyView, {"amount": 0.1, "currency": "EUR"})
        with self.assertRaises(TypeError):
            encode({"amount": 0.1})

    def test_words_of_python_are_names_in_json(self) -> None:
        self.assertEqual(encode(NewKeyRule(key="static:lab", from_="2026-03-01T00:00:00Z")), {"key": "static:lab", "from": "2026-03-01T00:00:00Z"})
        read = decode(KeyRuleView, {"id": "r", "key": "k", "from": "f", "created_at": "c", "created_by": "b", "tenant": None})
        self.assertEqual((read.from_, read.tenant), ("f", None))

    def test_one_of_several_is_told_by_what_it_holds(self) -> None:
        self.assertIsInstance(decode(ItemView, {"fate": "counted"}), FateView)
        self.assertIsInstance(decode(ItemView, {"fate": "refused", "problem": PROBLEM}), RefusedView)


class Hearing(unittest.TestCase):
    def test_a_signature_holds_for_its_bytes_and_its_time(self) -> None:
        key, at, body = b"0" * 32, 1_780_358_400, b'{"type":"ping"}'
        signed = base64.b64encode(hmac.new(key, f"evt_1.{at}.".encode() + body, hashlib.sha256).digest()).decode()
        headers = {"Webhook-Id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA v1,{signed}"}
        secret = "whsec_" + base64.b64encode(key).decode()
        self.assertEqual(webhooks.verify(secret, headers, body, now=at + 299), "evt_1")
        other = "whsec_" + base64.b64encode(b"1" * 32).decode()
        for wrong in (
            (secret, headers, body + b" ", at),
            (other, headers, body, at),
            (secret, headers, body, at + 301),
            (secret, headers, body, at - 301),
            (secret, {**headers, "Webhook-Id": "evt_2"}, body, at),
            (secret, {**headers, "webhook-timestamp": "soon"}, body, at),
            (secret, {"webhook-timestamp": str(at)}, body, at),
        ):
            with self.assertRaises(webhooks.NotSigned):
                webhooks.verify(wrong[0], wrong[1], wrong[2], now=wrong[3])


if __name__ == "__main__":
    unittest.main()
