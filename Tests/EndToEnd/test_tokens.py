"""Tokens of all three algorithms, made by the executable and by hand; settings under the names of the original service."""

import base64
import json
import os
import subprocess
import time

import pytest

from certificates import authority, openssl
from service import cashup
from tokens import base64url, token

CLAIMS = {"sub": "7", "type": "access", "roles": ["trader"], "accounts": [7]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """algorithm -> (private, public)"""
    directory = tmp_path_factory.mktemp("keys")
    found = {}
    for name, options in (("RS256", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), ("ES256", ["EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"])):
        private, public = directory / f"{name}.pem", directory / f"{name}-public.pem"
        openssl("genpkey", "-algorithm", *options, "-out", private)
        openssl("pkey", "-in", private, "-pubout", "-out", public)
        found[name] = (private, public)
    return found


def signed(private, header, claims, directory):
    """A token signed by openssl, not by the library that verifies it."""
    text = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    (directory / "text").write_text(text)
    openssl("dgst", "-sha256", "-sign", private, "-out", directory / "signature", directory / "text")
    signature = (directory / "signature").read_bytes()
    if header["alg"] == "ES256":
        r, s = der_integers(signature)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return text + "." + base64url(signature)


def der_integers(der):
    """The two integers of a DER sequence, which is how openssl writes an ECDSA signature."""
    numbers, at = [], 2
    while at < len(der):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
        at += 2 + length
    return numbers


def auth(service, text):
    with service.lines() as lines:
        return lines.ask(f"1 AUTH {text}")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_public_key_algorithms(fresh, keys, tmp_path, algorithm):
    private, public = keys[algorithm]
    service = fresh(auth="jwt", laboratory=False, environment={
        "JWT_ALGORITHM": algorithm.lower(), "JWT_PUBLIC_KEY_FILE": str(public), "JWT_SECRET_KEY": ""})
    made = cashup("token", "--sub", "7", "--roles", "trader", "--accounts", "7", env=dict(
        os.environ, JWT_ALGORITHM=algorithm, JWT_PRIVATE_KEY_FILE=str(private)))
    assert made.returncode == 0, made.stderr
    assert auth(service, made.stdout.strip()).startswith("+1 OK sub=7 roles=trader accounts=7")
    claims = dict(CLAIMS, exp=int(time.time()) + 60)
    header = {"alg": algorithm, "typ": "JWT"}
    assert auth(service, signed(private, header, claims, tmp_path)).startswith("+1 OK sub=7")
    # What is public verifies and must not sign: neither as an HMAC secret nor as nothing.
    for forged in (token(public.read_text()), token(public.read_text().strip()), token("x" * 32),
                   base64url(b'{"alg":"none"}') + "." + base64url(json.dumps(claims).encode()) + "."):
        assert auth(service, forged) == "-1 BAD_TOKEN reason=algorithm_or_malformed"
    other = "ES256" if algorithm == "RS256" else "RS256"
    assert auth(service, signed(keys[other][0], {"alg": other}, claims, tmp_path)) == "-1 BAD_TOKEN reason=algorithm_or_malformed"
    foreign = tmp_path / "foreign.pem"
    options = ["RSA"] if algorithm == "RS256" else ["EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl("genpkey", "-algorithm", *options, "-out", foreign)
    assert auth(service, signed(foreign, header, claims, tmp_path)) == "-1 BAD_TOKEN reason=signature"


def test_certificate_as_public_key(fresh, tmp_path):
    certificate, key = authority(tmp_path)
    service = fresh(auth="jwt", laboratory=False, environment={"CASHUP_JWT_ALGORITHM": "ES256", "CASHUP_JWT_PUBLIC_KEY_FILE": str(certificate)})
    text = signed(key, {"alg": "ES256"}, dict(CLAIMS, exp=int(time.time()) + 60), tmp_path)
    assert auth(service, text).startswith("+1 OK sub=7")


@pytest.mark.parametrize("environment, word", [
    ({"JWT_ALGORITHM": "HS512"}, "environment variable JWT_ALGORITHM=HS512: expected HS256, RS256 or ES256"),
    ({"JWT_ALGORITHM": "RS256"}, "jwt_algorithm RS256 needs jwt_public_key_file"),
    ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY_FILE": "/nowhere.pem"}, "/nowhere.pem"),
    ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY_FILE": "$RS256/0"}, "holds a private key"),
    ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY_FILE": "$ES256/1"}, "not a public key or certificate for RS256"),
    ({"JWT_ALGORITHM": "ES256", "JWT_PUBLIC_KEY_FILE": "/etc/hostname"}, "not in PEM form"),
    ({"LOG_LEVEL": "loud"}, "environment variable LOG_LEVEL=loud: expected trace"),
    ({"DEBUG": "perhaps"}, "environment variable DEBUG=perhaps: expected on or off"),
])
def test_wrong_settings_stop_the_start(fresh, keys, environment, word):
    for name, value in environment.items():
        if value.startswith("$"):
            environment = dict(environment, **{name: str(keys[value[1:6]][int(value[-1])])})
    service = fresh(start=False, auth="jwt", environment=environment)
    service.launch()
    code, service.process = service.process.wait(20), None
    assert code == 64 and word in service.said(), service.said()


def test_own_names_go_before_the_original_ones(fresh):
    service = fresh(laboratory=False, environment={"LOG_LEVEL": "ERROR", "CASHUP_LOG_LEVEL": "info", "DEBUG": "", "ALLOWED_HOSTS": '["a", "b"]'})
    assert "info cashup: ready on" in service.said()


def test_lifetime_of_a_token(tmp_path):
    def expires(*options, **environment):
        made = cashup("token", "--sub", "7", "--roles", "viewer", "--accounts", "*", *options,
                      env=dict(os.environ, JWT_SECRET_KEY="s" * 32, **environment))
        assert made.returncode == 0, made.stderr
        part = made.stdout.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"] - time.time()
    assert abs(expires() - 3600) < 10
    assert abs(expires(JWT_ACCESS_TOKEN_EXPIRE_MINUTES="5") - 300) < 10
    assert abs(expires("--ttl", "2", JWT_ACCESS_TOKEN_EXPIRE_MINUTES="5") - 120) < 10
    wrong = subprocess.run([os.environ.get("CASHUP_BIN", "cashup"), "token"], capture_output=True)
    assert wrong.returncode == 64


@pytest.mark.parametrize("environment, word", [
    ({"JWT_ALGORITHM": "RS256"}, "JWT_PRIVATE_KEY_FILE is not set"), ({"JWT_ALGORITHM": "XS256"}, "expected HS256, RS256 or ES256"),
    ({"JWT_ALGORITHM": "RS256", "JWT_PRIVATE_KEY_FILE": "/nowhere.pem"}, "/nowhere.pem"),
    ({"JWT_ALGORITHM": "ES256", "JWT_PRIVATE_KEY_FILE": "/etc/hostname"}, "not a private key for ES256"),
    ({"JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "soon"}, "JWT_ACCESS_TOKEN_EXPIRE_MINUTES"),
])
def test_tokens_that_cannot_be_made(environment, word):
    made = cashup("token", "--sub", "7", "--roles", "viewer", "--accounts", "*", env=dict(os.environ, JWT_SECRET_KEY="s" * 32, **environment))
    assert made.returncode != 0 and word in made.stderr, made.stderr
