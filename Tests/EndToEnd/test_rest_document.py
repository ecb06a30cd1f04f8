"""docs/REST.md, the service and its sources say the same."""

import json
import re
import time
import urllib.error
import urllib.request

import pytest

from service import REPOSITORY, Service, free_port

DOCUMENT = (REPOSITORY / "docs" / "REST.md").read_text()
GATEWAY = REPOSITORY / "Sources" / "Gateway"
ROLES = {"none", "token", "trader", "connector", "admin"}


def section(number):
    return re.search(rf"^## {number}\. .*?(?=^## |\Z)", DOCUMENT, re.M | re.S).group(0)


def documented_routes():
    """(method, path) to roles, from the table of section 4."""
    rows = re.findall(r"^\| `([A-Z]+) (/\S*)` \| ([^|]+) \|", section(4), re.M)
    assert len(rows) == len({row[:2] for row in rows}), "a route is listed twice"
    return {(method, path): set(roles.strip().split(", ")) for method, path, roles in rows}


class WithRest(Service):
    """A service with the REST API, on a port of its own."""

    def command(self):
        command = super().command()
        self.http = free_port()
        command[command.index("--http") + 1] = f"127.0.0.1:{self.http}"
        return command

    def description(self):
        # The line port, which says ready, may be open a moment before this one.
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/openapi.json", timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.URLError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    service = WithRest(tmp_path_factory.mktemp("rest")).start()
    try:
        yield service.description()
    finally:
        service.close()


def operations(description):
    return {(method.upper(), path): operation for path, item in description["paths"].items() for method, operation in item.items()}


def test_every_route_is_in_the_table_and_vice_versa(description):
    assert set(documented_routes()) == set(operations(description))


def test_roles_of_routes_are_those_of_the_table(description):
    documented = documented_routes()
    for route, operation in operations(description).items():
        note = operation.get("description", "")
        role = re.search(r"Role: ([a-z ]+)\.", note)
        # The page says `token` for what both roles that see accounts may ask.
        expected = {"token"} if "Any valid token" in note or "viewer or trader" in note else set(role.group(1).split(" or ")) if role else {"none"}
        assert expected <= ROLES
        assert documented[route] == expected, route


def refusals():
    """(code, status) of the table of Refusals.swift."""
    table = (GATEWAY / "Lines" / "Refusals.swift").read_text().split("private static let table", 1)[1]
    statuses = {"badRequest": 400, "unauthorized": 401, "forbidden": 403, "notFound": 404, "conflict": 409, "unprocessableContent": 422,
                "tooManyRequests": 429, "serviceUnavailable": 503}
    found = [(code, statuses[status]) for code, status in re.findall(r'"([A-Z_]+)": \(\.(\w+),', table)]
    assert found
    return found


def codes_by_status():
    rows = re.findall(r"^\| (\d{3}) \| ([^|]*) \| (.*) \|$", section(8), re.M)
    return {(code, int(status)) for status, _, cell in rows for code in re.findall(r"`([A-Z_]+)`", cell)}


def test_every_refusal_of_the_service_is_listed_with_its_status():
    assert set(refusals()) - codes_by_status() == set()


def test_every_code_of_the_edge_is_listed_and_nothing_else():
    source = "".join(path.read_text() for path in sorted(GATEWAY.rglob("*.swift")))
    own = set(re.findall(r'(?:code: (?:String = )?|unavailable\(\s*|unauthorized\(\s*)"([A-Z_]+)"', source))
    assert {code for code, _ in codes_by_status()} == own | {code for code, _ in refusals()}
