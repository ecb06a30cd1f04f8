"""TLS on the line port: with a certificate of one's own, by the Python clients and the executable; and everything that must not go through."""

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

from cashup import AsyncClient, Client, SessionClosed, commands
from certificates import authority, openssl, server
from lines import TIMEOUT_SECONDS
from service import cashup


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("root"))


class Secured:
    """A service with a certificate, and the text client's way to it."""

    def __init__(self, service, root):
        self.service, self.root = service, root

    def context(self):
        return ssl.create_default_context(cafile=self.root[0])

    def connect(self, context=None, host="127.0.0.1"):
        raw = socket.create_connection(("127.0.0.1", self.service.port), TIMEOUT_SECONDS)
        return (context or self.context()).wrap_socket(raw, server_hostname=host)


def wait_for_port(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nobody listens")


def start(fresh, files, **options):
    certificate, key = files
    service = fresh(start=False, environment={"CASHUP_TLS_CERTIFICATE": str(certificate), "CASHUP_TLS_KEY": str(key), **options})
    service.launch()
    wait_for_port(service.port)
    return service


@pytest.fixture
def secured(fresh, root, tmp_path):
    return Secured(start(fresh, server(tmp_path, root)), root)


def test_python_clients(secured):
    port, ca = secured.service.port, str(secured.root[0])
    with Client("127.0.0.1", port, tls=ca) as desk:
        desk.deposit(7, "USD", "100.00", ref="tls")
        assert [str(row.total) for row in desk.balances(7)] == ["100.00"]
        # More than one TLS record holds.
        assert len(desk.run_many([commands.balances(7) for _ in range(600)])) == 600
        with desk.subscribe(0) as events:
            assert events.start().next(10).kind
    async def talk():
        async with AsyncClient("127.0.0.1", port, tls=secured.context()) as desk:
            assert [str(row.total) for row in await desk.balances(7)] == ["100.00"]
    asyncio.run(talk())


def test_executable(secured):
    endpoint = f"127.0.0.1:{secured.service.port}"
    done = cashup("client", "--connect", endpoint, "--tls", "--ca", secured.root[0], "--", "PING")
    assert (done.returncode, done.stdout.strip()) == (0, "+1 OK"), done.stderr
    named = cashup("client", "--connect", f"localhost:{secured.service.port}", "--tls", "--ca", secured.root[0], "--", "PING")
    assert named.returncode == 0, named.stderr
    untrusted = cashup("client", "--connect", endpoint, "--tls", "--", "PING")
    assert untrusted.returncode == 2 and "certificate is not issued by one that is trusted" in untrusted.stderr
    plain = cashup("client", "--connect", endpoint, "--", "PING")
    assert plain.returncode == 2 and "takes TLS connections only (--tls)" in plain.stderr
    assert cashup("client", "--ca", secured.root[0], "--", "PING").returncode == 64
    missing = cashup("client", "--connect", endpoint, "--tls", "--ca", "/nowhere.pem", "--", "PING")
    assert missing.returncode == 2 and "/nowhere.pem" in missing.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TLS 1.1 is; that is the point.
def test_versions(secured):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = secured.context()
        context.minimum_version = context.maximum_version = version
        with secured.connect(context) as connection:
            assert connection.version() == name
            assert connection.recv(100).startswith(b"* CASHUP 1 ")
    old = secured.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured.connect(old)


def test_plain_text_to_a_tls_port(secured):
    with socket.create_connection(("127.0.0.1", secured.service.port), TIMEOUT_SECONDS) as plain:
        plain.sendall(b"1 PING\n")
        assert plain.recv(1000) == b"* BYE reason=tls_required\n"
        assert plain.recv(1000) == b""
    # Who waits for the greeting hears of it, too.
    with socket.create_connection(("127.0.0.1", secured.service.port), TIMEOUT_SECONDS) as silent:
        assert silent.recv(1000) == b"* BYE reason=tls_required\n"
    with pytest.raises(SessionClosed, match="tls_required"):
        Client("127.0.0.1", secured.service.port, timeout=8).connect()
    with secured.connect() as connection:
        assert connection.recv(100).startswith(b"* CASHUP 1 ")


def test_tls_to_a_plain_port(shared, root):
    ca = str(root[0])
    with pytest.raises(SessionClosed, match="does not speak TLS"):
        Client("127.0.0.1", shared.port, tls=ca).connect()

    async def talk():
        await AsyncClient("127.0.0.1", shared.port, tls=ca).connect()
    with pytest.raises(SessionClosed, match="does not speak TLS"):
        asyncio.run(talk())
    done = cashup("client", "--connect", f"127.0.0.1:{shared.port}", "--tls", "--ca", ca, "--", "PING")
    assert done.returncode == 2 and "does not speak TLS" in done.stderr, done.stderr
    # Its first bytes may have the end of a line among them.
    with socket.create_connection(("127.0.0.1", shared.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x05\x01\n")
        assert b"* BYE reason=no_tls\n" in b"".join(iter(lambda: connection.recv(1000), b""))


def test_untrusted_certificate_and_other_name(secured, tmp_path, fresh, root):
    with pytest.raises(SessionClosed, match="CERTIFICATE_VERIFY_FAILED"):
        Client("127.0.0.1", secured.service.port, tls=True).connect()
    other = start(fresh, server(tmp_path, root, name="other", hosts="DNS:elsewhere.example"))
    with pytest.raises(SessionClosed, match="CERTIFICATE_VERIFY_FAILED"):
        Client("127.0.0.1", other.port, tls=str(root[0])).connect()
    done = cashup("client", "--connect", f"localhost:{other.port}", "--tls", "--ca", root[0], "--", "PING")
    assert done.returncode == 2 and "certificate" in done.stderr, done.stderr


def serial(connection):
    return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))


def test_renewed_certificate_is_taken_at_sighup(secured, tmp_path):
    with secured.connect() as before:
        first = serial(before)
        server(tmp_path, secured.root)  # over the same files
        secured.service.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with secured.connect() as after:
                if serial(after) != first:
                    break
            time.sleep(0.05)
        else:
            raise AssertionError(f"the old certificate is still in force:\n{secured.service.said()}")
        before.recv(1000)
        before.sendall(b"1 PING\n")
        assert before.recv(1000) == b"+1 OK\n"
    (tmp_path / "server.pem").write_text("no certificate")
    secured.service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while "the certificate in force stays" not in secured.service.said() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "the certificate in force stays" in secured.service.said()
    with secured.connect() as connection:
        assert connection.recv(100).startswith(b"* CASHUP 1 ")


@pytest.mark.parametrize("certificate, key, word", [
    ("", "server-key.pem", "tls_key is given without tls_certificate"), ("server.pem", "", "tls_certificate is given without tls_key"),
    ("nothing.pem", "server-key.pem", "nothing.pem"), ("server-key.pem", "server-key.pem", "no certificate in PEM form"),
    ("server.pem", "server.pem", "no private key in PEM form"), ("server.pem", "foreign-key.pem", "do not belong together")])
def test_wrong_files_stop_the_start(fresh, root, tmp_path, certificate, key, word):
    server(tmp_path, root)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", tmp_path / "foreign-key.pem")
    path = lambda name: str(tmp_path / name) if name else ""
    service = fresh(start=False, environment={"CASHUP_TLS_CERTIFICATE": path(certificate), "CASHUP_TLS_KEY": path(key)})
    service.launch()
    code, service.process = service.process.wait(20), None
    assert code == 64 and word in service.said(), service.said()


def test_drain_over_tls(secured):
    with secured.connect() as connection:
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"* CASHUP")
        connection.sendall(b"1 DEP 7 USD 1.00 ref=drain\n")
        assert stream.readline().startswith(b"+1 OK")
        secured.service.process.send_signal(signal.SIGTERM)
        rest = stream.read()
    assert rest.startswith(b"* DRAINING\n") and rest.endswith(b"* BYE reason=shutdown\n"), rest
    assert secured.service.process.wait(10) == 0
    secured.service.process = None


def test_tokens_in_plain_text_are_warned_of(fresh):
    service = fresh(start=False, auth="jwt")
    service.command = lambda command=service.command: [part.replace("127.0.0.1:", "0.0.0.0:") for part in command()]
    service.launch()
    wait_for_port(service.port)
    assert re.search(r"warning cashup: tokens cross the network in plain text", service.said())


def test_rest(fresh, root, tmp_path):
    """The REST port has the same certificate; a renewed one is taken at SIGHUP there, too."""
    certificate, key = server(tmp_path, root)
    service = fresh(start=False, http=True, environment={"CASHUP_TLS_CERTIFICATE": str(certificate), "CASHUP_TLS_KEY": str(key)})
    service.launch()
    wait_for_port(service.http_port)
    trust = ssl.create_default_context(cafile=root[0])
    with service.rest(account=7, tls=trust) as client:
        client.deposit("USD", "100.00")
        assert client.get("balances/USD")["total_balance"] == "100.00"
        # Answers of more than one TLS record.
        assert len(client.ask("GET", "/openapi.json").raw) > 60_000
        first = client.connection.sock.getpeercert(binary_form=True)
        server(tmp_path, root)
        service.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while True:
            with service.rest(tls=trust) as other:
                other.get("/health")
                if other.connection.sock.getpeercert(binary_form=True) != first:
                    break
            assert time.monotonic() < deadline, "the old certificate is still in force"
            time.sleep(0.05)
        client.get("balances")
    with service.rest(tls=ssl.create_default_context()) as stranger, pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.send("GET", "/health")
    with socket.create_connection(("127.0.0.1", service.http_port), TIMEOUT_SECONDS) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"healthy" not in b"".join(iter(lambda: plain.recv(1000), b""))
    old = ssl.create_default_context(cafile=root[0])
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with service.rest(tls=old) as client, pytest.raises((ssl.SSLError, ConnectionError)):
        client.send("GET", "/health")
