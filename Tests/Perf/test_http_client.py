"""The bench's HTTP client against a server that answers as this test says. The executable is CASHUP_BENCH's."""

import json
import os
import socket
import subprocess
import threading
import time

import pytest

BENCH = os.environ.get("CASHUP_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="CASHUP_BENCH names no cashup-bench executable")


class Server:
    """Takes connections and answers each request with the chunks that `answer` gives for it, sent one by one; None ends the connection."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve_until_it_ends, args=(connection,), daemon=True).start()

    def serve_until_it_ends(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass  # the client gave up: that is what some tests want

    def serve(self, connection):
        received = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in received:
                    more = connection.recv(65536)
                    if not more:
                        return
                    received += more
                head, _, received = received.partition(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:])
                length = int(headers["content-length"])
                while len(received) < length:
                    received += connection.recv(65536)
                body, received = received[:length], received[length:]
                self.requests.append((lines[0], headers, json.loads(body)))
                for chunk in self.answer(len(self.requests)):
                    if chunk is None:
                        return
                    connection.sendall(chunk)
                    time.sleep(0.001)


@pytest.fixture
def load():
    servers = []

    def load(answer, connections=2):
        server = Server(answer)
        servers.append(server)
        done = subprocess.run([BENCH, "load", "--rest-port", str(server.port), "--connections", str(connections), "--seconds", "0.3"],
                              capture_output=True, text=True, timeout=60)
        return server, done

    yield load
    for server in servers:
        server.listener.close()


def created(body=b'{"id":1}', name=b"Content-Length"):
    return b"HTTP/1.1 201 Created\r\nServer: test\r\n%s: %d\r\nX-Content-Length: 3\r\n\r\n%s" % (name, len(body), body)


def test_answers_counted_and_requests_as_the_api_wants_them(load):
    server, done = load(lambda _: [created()])
    assert done.returncode == 0, done.stderr
    assert f"{len(server.requests)} in all" in done.stdout
    line, headers, order = server.requests[0]
    assert line == "POST /api/v1/orders HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert 1 <= int(headers["x-account"]) <= 1000
    assert set(order) == {"symbol", "order_type", "side", "quantity", "price", "time_in_force", "client_order_id"}
    assert all(isinstance(value, str) for value in order.values())
    ids = [order["client_order_id"] for _, _, order in server.requests]
    assert len(set(ids)) == len(ids)


def test_one_request_in_flight_a_connection(load):
    # The answer is never whole; a client that counted it would send the next request.
    server, done = load(lambda _: [created()[:-1], None], connections=1)
    assert done.returncode != 0 and "1 requests unanswered" in done.stderr
    assert len(server.requests) == 1


@pytest.mark.parametrize("split", [1, 9, 12, 20, 44, 62, 64, 80])
def test_an_answer_in_two_pieces_is_one(load, split):
    server, done = load(lambda _: [created()[:split], created()[split:]])
    assert done.returncode == 0, done.stderr
    assert f"{len(server.requests)} in all" in done.stdout


def test_byte_by_byte_with_an_interim_answer_and_other_spelling(load):
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" + created(name=b"content-length")
    server, done = load(lambda _: [answer[place:place + 1] for place in range(len(answer))], connections=1)
    assert done.returncode == 0, done.stderr
    assert len(server.requests) > 1 and f"{len(server.requests)} in all" in done.stdout


def test_any_other_status_fails_with_its_body(load):
    refusal = b'{"code":"STORAGE_FULL"}'
    answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\n\r\n%s" % (len(refusal), refusal)
    _, done = load(lambda number: [answer if number == 3 else created()])
    assert done.returncode != 0
    assert "503" in done.stderr and "STORAGE_FULL" in done.stderr


def test_200_is_not_201(load):
    _, done = load(lambda _: [created().replace(b"201 Created", b"200 OK")])
    assert done.returncode != 0 and "refused: 200" in done.stderr


def test_an_answer_whose_end_is_not_known_fails(load):
    _, done = load(lambda _: [b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"id\":1}\r\n0\r\n\r\n"])
    assert done.returncode != 0 and "not understood" in done.stderr
