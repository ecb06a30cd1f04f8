"""Fixtures: a service per run of the session (with one loop and with four), fresh ones for tests that kill."""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from lines import play
from service import Service, binary
from small_disk import LoopDisk, SmallDisk
from states import SMALL

# Assets, venue and instruments of the tests' own, beside those of the default configuration.
#   EX-USD    spot, lot 1, fully funded         PERP-USD  futures, lot 1, funds=none
#   HALT-USD  for halting                       NOMARK-USD, never marked
LABORATORY = """
AST EX decimals=0
+ OK *
AST FEE decimals=4
+ OK *
VEN lab kind=manual
+ OK *
VEN lab2 kind=manual
+ OK *
INS EX-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1
+ OK *
INS PERP-USD venue=lab wallet=futures base=EX quote=USD tick=0.01 lot=1 funds=none
+ OK *
INS HALT-USD venue=lab2 wallet=spot base=EX quote=USD tick=0.01 lot=1
+ OK *
INS NOMARK-USD venue=lab2 wallet=spot base=EX quote=USD tick=0.01 lot=1
+ OK *
"""

_accounts = itertools.count(1001)


def pytest_configure(config):
    if config.option.collectonly:
        return
    try:
        binary()
    except FileNotFoundError as missing:
        pytest.exit(str(missing), returncode=3)


@pytest.fixture(scope="session", params=[1, 4], ids=["loops1", "loops4"])
def shared(request, tmp_path_factory):
    """A service for all tests that harm nobody; each of them uses accounts of its own."""
    service = Service(tmp_path_factory.mktemp(f"shared{request.param}"), loops=request.param).start()
    with service.lines() as lines:
        play(lines, LABORATORY)
    yield service
    service.close()


@pytest.fixture(scope="session")
def rest_service(tmp_path_factory):
    """A service with a REST port and without tokens, for all tests that harm nobody. Its wallets are hosted by two loops."""
    service = Service(tmp_path_factory.mktemp("rest"), loops=2, http=True).start()
    with service.lines() as lines:
        play(lines, LABORATORY)
    yield service
    service.close()


@pytest.fixture
def fresh(tmp_path):
    """Makes services of the test's own: ``fresh(loops=4, auth="jwt")``, started, with the laboratory set up."""
    made = []

    def make(*, laboratory=True, start=True, **options):
        directory = tmp_path / f"service{len(made)}"
        directory.mkdir()
        service = Service(directory, **options)
        made.append(service)
        if start:
            service.start()
            if laboratory:
                with service.lines() as lines:
                    if service.auth == "jwt":
                        admin = service.token(sub="setup", roles=["admin"], accounts="*")
                        assert lines.ask(f"t AUTH {admin}").startswith("+t OK")
                    play(lines, LABORATORY)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def small(fresh):
    """Makes services with small segments, whose snapshots are only those that are asked for."""
    return lambda more="", **options: fresh(config=SMALL + more, **options)


@pytest.fixture
def small_disk(tmp_path):
    """Makes file systems of the test's own: ``small_disk(size)``. To be named before `fresh`, whose services end first."""
    yield from file_systems(tmp_path, SmallDisk)


@pytest.fixture
def loop_disk(tmp_path):
    """The same with ext4: ``loop_disk(bytes)``."""
    yield from file_systems(tmp_path, LoopDisk)


def file_systems(directory, kind):
    made = []

    def make(size):
        disk = kind(directory / f"disk{len(made)}", size)
        made.append(disk)
        return disk

    yield make
    for disk in made:
        disk.unmount()


@pytest.fixture
def account():
    """A number that no other test uses."""
    return next(_accounts)


@pytest.fixture
def accounts():
    return itertools.islice(_accounts, 100)


@pytest.fixture
def rest(rest_service, account):
    """A client of `rest_service` for an account of its own, with money."""
    with rest_service.rest(account=account) as client:
        client.deposit("USD", "100000.00")
        client.deposit("EX", "1000")
        yield client


@pytest.fixture
def lines(shared):
    with shared.lines() as connection:
        yield connection


@pytest.fixture
def desk(shared):
    with shared.client() as client:
        yield client


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    """Compiles a C file of this folder to a library for LD_PRELOAD: ``preload("slow_disk")``."""
    compiler = shutil.which("clang") or shutil.which("cc")

    def compile(name):
        if compiler is None:
            pytest.fail("no C compiler: Swift's toolchain brings clang")
        library = tmp_path_factory.mktemp(name) / f"{name}.so"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, Path(__file__).parent / f"{name}.c"], check=True)
        return str(library)

    return compile
