"""The REST edge over a bare socket and over http.client. Every answer is held against the service's own OpenAPI document: its status must be
documented for the route, its body and content type as the document has them."""

import http.client
import json
import re
import socket
import time
from decimal import Decimal
from urllib.parse import urlencode

from lines import TIMEOUT_SECONDS

PREFIX = "/api/v1/"
PROBLEM = {"error", "code", "message", "details", "request_id"}
# What every HTTP server may say to what is no request of the document's: not HTTP, no such path, no such method.
UNDOCUMENTED_CODES = {"BAD_HTTP", "BAD_HOST", "NOT_FOUND", "METHOD_NOT_ALLOWED"}


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.type = headers.get("content-type", "")
        self.body = json.loads(raw) if self.type == "application/json" and raw else None

    @property
    def code(self):
        return self.body["code"] if isinstance(self.body, dict) and PROBLEM <= set(self.body) else None

    @property
    def fields(self):
        """The fields that a 422 names."""
        details = self.body["details"]
        return [each["field"] for each in details] if isinstance(details, list) else [details["field"]]

    def expect(self, status):
        assert self.status == status, self
        return self

    def __getitem__(self, name):
        return self.body[name]

    def __repr__(self):
        return f"{self.status} {self.raw.decode(errors='replace')[:2000]}"


class Spec:
    """An OpenAPI document, as far as this service's uses the language."""

    def __init__(self, document):
        self.document = document
        self.operations = {}
        for path, methods in document["paths"].items():
            pattern = re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")) + "/?$")
            for method, operation in methods.items():
                self.operations[method.upper(), path] = (pattern, operation)

    def find(self, method, target):
        """The name of the operation, the one with the fewest parameters first."""
        path = target.partition("?")[0]
        found = [key for key, (pattern, _) in self.operations.items() if key[0] == method and pattern.match(path)]
        return min(found, key=lambda key: key[1].count("{")) if found else None

    def check(self, method, target, answer):
        problem = set(answer.body) if answer.status >= 400 and isinstance(answer.body, dict) and "checks" not in answer.body else None
        if problem is not None:
            assert problem == PROBLEM, f"{method} {target}: not a problem: {answer}"
            assert answer.body["request_id"] == answer.headers["x-request-id"]
        assert answer.status < 500 or answer.status == 503, f"{method} {target}: {answer}"
        key = self.find(method, target)
        if key is None or answer.code in UNDOCUMENTED_CODES:
            return
        responses = self.operations[key][1]["responses"]
        assert str(answer.status) in responses, f"{method} {target}: status {answer.status} is not documented: {answer}"
        content = responses[str(answer.status)]["content"]
        assert answer.type in content, f"{method} {target}: {answer.type!r} is not documented"
        if answer.body is not None:
            self.valid(answer.body, content[answer.type]["schema"], f"{method} {target}")

    def valid(self, value, schema, at):
        if "$ref" in schema:
            return self.valid(value, self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], at)
        if "anyOf" in schema:
            wrong = []
            for each in schema["anyOf"]:
                try:
                    return self.valid(value, each, at)
                except AssertionError as error:
                    wrong.append(str(error))
            raise AssertionError("; ".join(wrong))
        kind = schema.get("type")
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
        if kind:
            assert isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool)), f"{at}: {value!r} is no {kind}"
        if "enum" in schema:
            assert value in schema["enum"], f"{at}: {value!r} is none of {schema['enum']}"
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), f"{at}: {value!r} is not like {schema['pattern']}"
        if schema.get("format") == "date-time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", value), f"{at}: {value!r}"
        if "minimum" in schema:
            assert schema["minimum"] <= value <= schema["maximum"], f"{at}: {value} is out of bounds"
        if kind == "array":
            for index, each in enumerate(value):
                self.valid(each, schema["items"], f"{at}[{index}]")
        if kind == "object":
            properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
            assert set(schema.get("required", ())) <= set(value), f"{at}: {set(schema['required']) - set(value)} missing"
            if properties:
                assert set(value) <= set(properties), f"{at}: {set(value) - set(properties)} are not documented"
            for name, each in value.items():
                self.valid(each, properties.get(name, more), f"{at}.{name}")


class Rest:
    """A client with one connection, kept alive. Paths without a leading slash are below the prefix."""

    specs = {}

    def __init__(self, port, *, token=None, account=None, tls=None, timeout=TIMEOUT_SECONDS):
        self.port, self.token, self.account = port, token, account
        self.connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls) if tls
                           else http.client.HTTPConnection("127.0.0.1", port, timeout=timeout))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    @property
    def spec(self):
        if self.port not in self.specs:
            self.specs[self.port] = Spec(json.loads(self.send("GET", "/openapi.json").raw))
        return self.specs[self.port]

    def send(self, method, path, body=None, **headers):
        """One request as given; `headers` with _ for -. `body`: an object for JSON, or text or bytes as they are."""
        if not path.startswith("/"):
            path = PREFIX + path
        given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        names = {name.lower() for name in given}
        if self.token is not None and "authorization" not in names:
            given["Authorization"] = f"Bearer {self.token}"
        if self.account is not None and "x-account" not in names:
            given["X-Account"] = str(self.account)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            given.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body.encode() if isinstance(body, str) else body, given)
        response = self.connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def ask(self, method, path, body=None, *, query=None, **headers):
        if query:
            path += "?" + urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()})
        answer = self.send(method, path, body, **headers)
        self.spec.check(method, path if path.startswith("/") else PREFIX + path, answer)
        return answer

    def get(self, path, **query):
        return self.ask("GET", path, query=query).expect(200)

    def expect(self, status, method, path, body=None, **options):
        return self.ask(method, path, body, **options).expect(status)

    def refuse(self, status, code, method, path, body=None, **options):
        answer = self.ask(method, path, body, **options)
        assert (answer.status, answer.code) == (status, code), f"{method} {path} {body}: {answer}"
        return answer

    # -- What many tests need ------------------------------------------------------------------------------------------

    def post(self, path, body=None, status=None, **headers):
        answer = self.ask("POST", path, body, **headers)
        assert answer.status == (status or answer.status) and answer.status < 300, f"POST {path} {body}: {answer}"
        return answer

    def deposit(self, asset, amount, wallet="spot", **more):
        return self.post("balances/add", {"asset": asset, "amount": amount, "balance_type": wallet, **more})

    def order(self, **changes):
        """A new limit order; gives it."""
        body = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00", **changes}
        return self.post("orders", {name: value for name, value in body.items() if value is not None}, 201).body

    def available(self, asset, wallet="spot"):
        answer = self.ask("GET", f"balances/{asset}", query={"balance_type": wallet})
        return Decimal(0) if answer.code == "UNKNOWN_BALANCE" else Decimal(answer.expect(200)["available_balance"])

    def all(self, path, name, size=100, **query):
        """All rows of a list, page by page."""
        rows, page = [], 1
        while True:
            answer = self.get(path, page=page, size=size, **query)
            rows += answer[name]
            if page >= answer["pages"]:
                return rows
            page += 1


class Raw:
    """Bytes to the REST port, and what comes back."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self, head=False):
        """The next response."""
        line = self.stream.readline()
        if not line:
            raise EOFError("connection closed")
        headers = {}
        while (header := self.stream.readline().rstrip()) != b"":
            name, _, value = header.decode().partition(": ")
            headers[name.lower()] = value
        return Answer(int(line.split()[1]), headers, b"" if head else self.stream.read(int(headers.get("content-length", 0))))

    def ended(self):
        """Whether the service has closed the connection, with nothing more sent."""
        return self.stream.read() == b""


def wait_until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return value
