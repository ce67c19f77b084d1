"""A schema registry in a thread: the documented REST API, as far as Confluent's client uses it, with basic auth."""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlparse

LOGIN = "team:secret"


class RegistryServer:
    """Schemas by number and by subject; `asked` are the paths of all requests, `status` a failure to answer with.

    With `forms_status` it gives schemas as they were registered only, without their type, as Apicurio does.
    """

    def __init__(self) -> None:
        self.schemas: list[dict[str, Any]] = []
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.status = 0
        self.forms_status = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def registered(self, subject: str, schema: dict[str, Any]) -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        number = self.schemas.index(schema) + 1
        if number not in self.subjects.setdefault(subject, []):
            self.subjects[subject].append(number)
        return number

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append(path)
        if self.status:
            return self.status, {"error_code": self.status * 100, "message": "as the test wants it"}
        if found := re.fullmatch(r"/schemas/ids/(\d+)", path):
            number = int(found[1])
            if not 1 <= number <= len(self.schemas):
                return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
            return 200, self.schemas[number - 1]
        if found := re.fullmatch(r"/subjects/([^/]+)/versions/(\d+)", path):
            subject, version = unquote(found[1]), int(found[2])
            number = self.subjects[subject][version - 1]
            return 200, {"subject": subject, "version": version, "id": number, **self.schemas[number - 1]}
        if method == "POST" and (found := re.fullmatch(r"/subjects/([^/]+)(/versions)?", path)):
            subject = unquote(found[1])
            number = self.registered(subject, {name: body[name] for name in body if name != "normalize"})
            version = self.subjects[subject].index(number) + 1
            return 200, {"id": number, "subject": subject, "version": version, **body}
        return 404, {"error_code": 404, "message": f"nothing at {path}"}


def _handler(registry: RegistryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("GET", None)

        def do_POST(self) -> None:
            self._respond("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def _respond(self, method: str, body: Any) -> None:
            asked = urlparse(self.path)
            login = base64.b64encode(LOGIN.encode()).decode()
            if self.headers.get("Authorization") != f"Basic {login}":
                status, said = 401, {"error_code": 401, "message": "Unauthorized"}
            else:
                status, said = registry.answer(method, asked.path, body)
            forms = parse_qs(asked.query).get("format", [])
            if forms and registry.forms_status:
                status, said = registry.forms_status, {}
            elif registry.forms_status:
                said = {name: it for name, it in said.items() if name != "schemaType"}
            elif status == 200 and "serialized" not in forms:
                said = {**said, "schema": _as_text(said)} if "schema" in said else said
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _as_text(said: dict[str, Any]) -> str:
    """A Protobuf schema without `format=serialized` is source, which is of no use without a compiler."""
    schema: str = said["schema"]
    return 'syntax = "proto3"; // source' if said.get("schemaType") == "PROTOBUF" else schema
