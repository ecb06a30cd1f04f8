"""Real file systems of the test's own, for bad days: a small tmpfs, and an ext4 in a file that can be broken and frozen."""

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


class LoopDisk(SmallDisk):
    """An ext4 in a file, through a loop device: a disk with direct writes, whose errors make it read-only, as distributions mount theirs."""

    def __init__(self, path, size):
        self.image = path.parent / f"{path.name}.image"
        with open(self.image, "wb") as file:
            file.truncate(size)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(self.image)], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"mkfs.ext4 does not work here: {made.stderr.strip()}")
        self.path = path
        self.path.mkdir()
        self.mount()

    def mount(self):
        if os.geteuid() != 0:
            pytest.skip("mounting a file system takes root")
        mounted = self._mount("-o", "loop,errors=remount-ro", str(self.image))
        if mounted.returncode:
            pytest.skip(f"loop devices are not permitted here: {mounted.stderr.strip()}")

    @property
    def device(self):
        return os.path.basename(subprocess.run(["findmnt", "-no", "SOURCE", str(self.path)], capture_output=True, text=True).stdout.strip())

    def break_down(self):
        """An error of the file system: from now on it can only be read."""
        with open(f"/sys/fs/ext4/{self.device}/trigger_fs_error", "w") as file:
            file.write("1")

    def repair(self):
        """What an operator does: unmount, check, mount."""
        subprocess.run(["umount", str(self.path)], check=True)
        checked = subprocess.run(["e2fsck", "-f", "-y", str(self.image)], capture_output=True, text=True)
        assert checked.returncode in (0, 1), checked.stdout
        self.mount()

    def freeze(self):
        """Writes hang from now on, as on a disk that has gone away and may come back."""
        subprocess.run(["fsfreeze", "-f", str(self.path)], check=True)

    def thaw(self):
        subprocess.run(["fsfreeze", "-u", str(self.path)], check=True)

    def unmount(self):
        subprocess.run(["fsfreeze", "-u", str(self.path)], capture_output=True)
        super().unmount()


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
