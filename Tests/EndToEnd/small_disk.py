"""A real file system that is small: a tmpfs of the test's own, for days on which the disk is full or read-only."""

import os
import subprocess
import time

import pytest


class SmallDisk:
    """A mounted tmpfs; skips the test where mounting is not permitted."""

    def __init__(self, path, size):
        self.path = path
        self.path.mkdir()
        if os.geteuid() != 0:
            pytest.skip("mounting a file system takes root")
        mounted = self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")
        if mounted.returncode:
            pytest.skip(f"mounting a file system is not permitted here: {mounted.stderr.strip()}")

    def _mount(self, *arguments):
        return subprocess.run(["mount", *arguments, str(self.path)], capture_output=True, text=True)

    def remount(self, option):
        """``size=BYTES``, ``ro``, ``rw``"""
        remounted = self._mount("-o", f"remount,{option}")
        assert remounted.returncode == 0, remounted.stderr

    def fill(self, size):
        """Somebody else's file of so many bytes; gives its path."""
        path = self.path / "filler"
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        return path

    @property
    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def unmount(self):
        """Lazily: a service that is being killed may still have files open."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


def wait_for_storage(lines, state, seconds=5):
    """Until `STAT` says ``storage=state``: the service looks several times a second, and every second while it is full."""
    deadline = time.monotonic() + seconds
    while True:
        lines.send("s STAT\n")
        row, *_ = lines.answer()
        if f" storage={state} " in row + " ":
            return
        assert time.monotonic() < deadline, f"not storage={state} within {seconds} s: {row}"
        time.sleep(0.05)


def wait_for_spares(service, count):
    """Until so many segments lie zero-filled ahead, so that what a test does next finds no file half made."""
    deadline = time.monotonic() + 10
    while len(list(service.data.glob("spare-*"))) < count:
        assert time.monotonic() < deadline, sorted(service.data.iterdir())
        time.sleep(0.02)
    time.sleep(0.3)
