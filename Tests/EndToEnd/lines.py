"""Lines as they are, over a bare socket: for what a well-behaved client never sends. And scripts of them.

A script is a session as one would type it, with what the service must say below each command::

    NEW $a BTC-USD B LMT 0.5 64000.00 GTC id=grid-17
    + $o NEW leaves=0.50000000 cum=0.00000000 lsn=*
    CXL $a BTC-USD id=grid-18
    - UNKNOWN_ORDER *

Tags are left out. ``*`` as a value stands for any one value, as a last word for whatever follows. ``$name`` is replaced
where known and else takes the value found. Words count in their order, keys in any order, and there must be no key too
many or too few; rows (``=``) in any order.
"""

import re
import socket
import time

TIMEOUT_SECONDS = 10


class Lines:
    """A connection that sends bytes as given. Every wait ends after `TIMEOUT_SECONDS`."""

    def __init__(self, port, greet=True, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self._unread = b""
        try:
            self.socket.connect(("127.0.0.1", port))
            self.greeting = self.read() if greet else None
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("ascii"))

    def read(self, timeout=TIMEOUT_SECONDS):
        """The next line without its end; EOFError at the end of the connection."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._unread:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("connection closed")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode("ascii")

    def answer(self, timeout=TIMEOUT_SECONDS):
        """The lines of the next answer, rows first; pushed lines are passed over."""
        answer = []
        while not answer or answer[-1][0] == "=":
            line = self.read(timeout)
            if line[0] not in "!*":
                answer.append(line)
        return answer

    def ask(self, command, timeout=TIMEOUT_SECONDS):
        """Sends one command (tag included) and gives the last line of its answer."""
        self.send(command + "\n")
        return self.answer(timeout)[-1]

    def wait_for(self, start, timeout=TIMEOUT_SECONDS):
        """The next line that begins so; others are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            line = self.read(max(0.001, deadline - time.monotonic()))
            if line.startswith(start):
                return line

    def rest(self, timeout=TIMEOUT_SECONDS):
        """All lines until the service closes the connection."""
        found = []
        try:
            while True:
                found.append(self.read(timeout))
        except (EOFError, ConnectionResetError):
            return found


def answer_lines(answer):
    """Lines of an answer without tags: ``+1 OK`` is ``+ OK``."""
    return [(line[0] + " " + line[1:].partition(" ")[2]).rstrip() for line in answer]


def fields(line):
    words, keys = [], {}
    for part in line.split(" "):
        key, equals, value = part.partition("=")
        if equals and key:
            keys[key] = value
        else:
            words.append(part)
    return words, keys


def _fits(expected, found, names):
    """The names as they are after `found` was matched, or None."""
    names = dict(names)

    def value_fits(want, have):
        if want == "*":
            return True
        if want.startswith("$"):
            return names.setdefault(want[1:], have) == have
        return want == have

    words, keys = fields(expected)
    found_words, found_keys = fields(found)
    open_end = words[-1] == "*" and len(words) > 1
    if open_end:
        words = words[:-1]
        found_words = found_words[:len(words)]
    if len(words) != len(found_words) or not all(map(value_fits, words, found_words)):
        return None
    if not (keys.keys() <= found_keys.keys() if open_end else keys.keys() == found_keys.keys()):
        return None
    if not all(value_fits(value, found_keys[key]) for key, value in keys.items()):
        return None
    return names


def _substitute(text, names):
    return re.sub(r"\$(\w+)", lambda match: str(names.get(match.group(1), match.group(0))), text)


def play(lines, script, **names):
    """Plays a script; gives the names with what was found for them."""
    steps = [line.strip() for line in script.strip().splitlines() if line.strip()]
    names = {name: str(value) for name, value in names.items()}
    index = 0
    while index < len(steps):
        command = _substitute(steps[index], names)
        assert command[0] not in "+-=", f"an answer without a command: {command}"
        index += 1
        expected = []
        while index < len(steps) and steps[index][0] in "+-=":
            expected.append(_substitute(steps[index], names))
            index += 1
        assert expected, f"no answer given for: {command}"
        lines.send(f"t {command}\n")
        found = answer_lines(lines.answer())
        told = f"\n  command   {command}\n  expected  " + "\n            ".join(expected) + \
               "\n  found     " + "\n            ".join(found)
        assert len(found) == len(expected), "another number of lines" + told
        left = list(found)
        for want in expected:
            for have in left:
                after = _fits(want, have, names)
                if after is not None:
                    names = after
                    left.remove(have)
                    break
            else:
                raise AssertionError(f"not found: {want}" + told)
    return names
