"""Log files: what is in them, how they turn, how talkative they are, and what is in none."""

import json
import os
import signal
import time

import pytest

from lines import play


def wait_until(condition, what):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(what)


def objects(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def with_logs(fresh, tmp_path, **options):
    logs = tmp_path / "logs" / "deep"
    service = fresh(environment={"LOG_DIR": str(logs), **options.pop("environment", {})}, **options)
    return service, logs


def test_files(fresh, tmp_path):
    service, logs = with_logs(fresh, tmp_path, laboratory=False, environment={"CASHUP_MAX_CONNECTIONS": "100000"})
    app = objects(logs / "app.log")
    assert any(entry["message"].startswith("ready on ") and entry["level"] == "info" for entry in app)
    assert all(entry["time"].endswith("Z") and entry["logger"] for entry in app)
    assert all(entry["level"] in ("warning", "error", "critical") for entry in objects(logs / "error.log"))
    assert (logs / "access.log").read_text() == ""
    assert (logs / "app.log").stat().st_mode & 0o777 == 0o640
    assert service.stop() == 0
    assert objects(logs / "app.log")[-1]["message"].startswith("stopped cleanly")


def test_moved_away_and_opened_anew(fresh, tmp_path):
    service, logs = with_logs(fresh, tmp_path, laboratory=False)
    os.rename(logs / "app.log", logs / "app.log.old")
    service.process.send_signal(signal.SIGHUP)
    wait_until((logs / "app.log").exists, "app.log is not there again")
    wait_until(lambda: "reloaded" in (logs / "app.log").read_text() + (logs / "app.log.old").read_text(), "nothing is said of it")
    with service.lines() as lines:
        assert lines.ask("1 PING") == "+1 OK"


def test_level_at_run_time(fresh, tmp_path):
    service, logs = with_logs(fresh, tmp_path, laboratory=False)
    for number, level in ((signal.SIGUSR1, "debug"), (signal.SIGUSR1, "trace"), (signal.SIGUSR2, "debug"), (signal.SIGUSR2, "info")):
        told = service.said().count(f"log level is now {level}")
        service.process.send_signal(number)
        wait_until(lambda: service.said().count(f"log level is now {level}") == told + 1, f"not {level}:\n{service.said()}")


def test_no_secret_and_no_token_in_any_log(fresh, tmp_path):
    service, logs = with_logs(fresh, tmp_path, auth="jwt", environment={"CASHUP_LOG_LEVEL": "trace"})
    token = service.token(sub="desk")
    with service.lines() as lines:
        assert lines.ask(f"1 AUTH {token}").startswith("+1 OK")
        lines.ask(f"1 AUTH {token[:-2]}")
        lines.ask(f"1 {token}")
        lines.ask(f"1 BAL {token[:30]}")
        lines.ask(f"{token[:18]} AUTH {service.secret}")
    service.stop()
    told = service.said() + "".join(path.read_text() for path in logs.iterdir())
    assert service.secret not in told and "eyJ" not in told


def test_directory_that_cannot_be_written(fresh, tmp_path):
    (tmp_path / "file").write_text("")
    service = fresh(start=False, environment={"LOG_DIR": str(tmp_path / "file" / "logs")})
    service.launch()
    code, service.process = service.process.wait(20), None
    assert code == 64 and "log directory" in service.said(), service.said()
