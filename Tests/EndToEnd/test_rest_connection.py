"""What a REST connection does with requests that come oddly: pieces, several at once, too much, not HTTP; raw sockets, real service."""

import json
import re
import socket

import pytest

from service import Service

ORDER = "/api/v1/orders"


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("rest"), http=True, history="off").start()
    yield service
    service.close()


def ask(rest, *pieces, half_close=False, seconds=2.0):
    """All that comes back until the end of the connection (then the second value is true) or until nothing comes for a while."""
    with socket.create_connection(("127.0.0.1", rest.http_port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(seconds)
        for piece in pieces:
            client.sendall(piece)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while block := client.recv(1 << 16):
                received += block
        except TimeoutError:
            return received, False
        return received, True


def request(method, path, headers="", body=b"", version="1.1"):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n{length}{headers}\r\n".encode() + body


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def problem(received):
    """The problem object of the last answer."""
    return json.loads(received[received.rindex(b"\r\n\r\n") + 4:])


def test_pipelined_requests_are_answered_in_their_order(rest):
    paths = [f"/nope{n}" if n % 2 else f"{ORDER}/{n}?account_id=7" for n in range(1, 301)]
    ids = [f"n{n}" for n in range(300)]
    sent = b"".join(request("GET", path, f"X-Request-ID: {name}\r\n") for path, name in zip(paths, ids))
    received, ended = ask(rest, sent + request("GET", "/nope", "X-Request-ID: last\r\nConnection: close\r\n"))
    assert ended
    assert re.findall(rb"X-Request-ID: (\w+)", received) == [name.encode() for name in ids] + [b"last"]


def test_a_request_in_single_bytes(rest):
    whole = request("POST", ORDER, "X-Account: 7\r\nConnection: close\r\n", b'{"symbol":1}')
    received, ended = ask(rest, *(whole[n:n + 1] for n in range(len(whole))))
    assert statuses(received) == [422] and ended


def test_a_chunked_body_is_a_body(rest):
    head = b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nX-Account: 7\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    received, _ = ask(rest, head, b"3\r\n{\"x\r\n", b"4\r\n\":1}\r\n0\r\n\r\n")
    assert {"field": "x", "problem": "unknown field"} in problem(received)["details"]


def test_a_client_that_has_closed_its_half_is_answered(rest):
    received, ended = ask(rest, request("GET", f"{ORDER}/5?account_id=7"), half_close=True)
    assert statuses(received) == [404] and ended


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_too_large_is_refused_and_the_answer_arrives(rest, framing):
    size = 3 << 20
    if framing == "length":
        pieces = [f"POST {ORDER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode(), b"x" * size]
    else:
        pieces = [f"POST {ORDER} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode(), b"x" * size, b"\r\n0\r\n\r\n"]
    received, ended = ask(rest, *pieces)
    assert statuses(received) == [413] and ended
    assert problem(received)["code"] == "TOO_LARGE"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(rest):
    head = f"POST {ORDER} HTTP/1.1\r\nHost: localhost\r\nX-Account: 7\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode()
    received, _ = ask(rest, head, seconds=0.5)
    assert received == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("sent", [
    b"hello\r\n\r\n",
    request("GET", "/nope", "X-A: " + "y" * 20_000 + "\r\n"),
    request("GET", "/nope", "".join(f"X-{n}: y\r\n" for n in range(120))),
    b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}a",
    b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
], ids=["no HTTP", "long header", "many headers", "two lengths", "length and chunks"])
def test_what_is_not_http_is_a_problem_like_others_and_the_end(rest, sent):
    received, ended = ask(rest, sent)
    assert statuses(received) == [400] and ended
    assert problem(received)["code"] == "BAD_HTTP"


def test_a_fault_behind_a_good_request_leaves_its_answer_alone(rest):
    received, ended = ask(rest, request("GET", f"{ORDER}/5?account_id=7") + b"hello\r\n\r\n")
    assert statuses(received) == [404, 400] and ended


def test_keep_alive_and_close_of_both_versions(rest):
    assert ask(rest, request("GET", "/nope"), seconds=0.3)[1] is False
    assert ask(rest, request("GET", "/nope", "Connection: close\r\n"))[1] is True
    assert ask(rest, request("GET", "/nope", version="1.0"))[1] is True
    assert ask(rest, request("GET", "/nope", "Connection: keep-alive\r\n", version="1.0"), seconds=0.3)[1] is False


def test_head_has_no_body(rest):
    received, _ = ask(rest, request("HEAD", "/nope", "Connection: close\r\n"))
    assert statuses(received) == [404] and received.endswith(b"\r\n\r\n")


def test_a_client_that_reads_nothing_holds_up_nobody(rest):
    with socket.create_connection(("127.0.0.1", rest.http_port)) as greedy:
        greedy.settimeout(1.0)
        block = request("GET", "/nope") * 1_000
        with pytest.raises(TimeoutError):
            for _ in range(2_000):
                greedy.sendall(block)
        assert statuses(ask(rest, request("GET", "/nope", "Connection: close\r\n"))[0]) == [404]
