"""A subscriber of everything in the kill storm: after each crash it goes on where it was. What it has heard must be the log, no gap, no repeat."""

import socket
import time

SILENCE_SECONDS_MAX = 60


class Observer:
    def __init__(self, port, pipe):
        self.port, self.pipe = port, pipe
        self.heard = []        # lines without `! `
        self.place = "0"
        self.reconnected = 0

    def listen(self):
        with socket.socket() as link:
            link.settimeout(0.05)
            link.connect(("127.0.0.1", self.port))
            link.sendall(f"1 AUTH - hb=1\n2 SUB from={self.place}\n".encode())
            self.reconnected += 1
            unread = b""
            while True:
                if self.pipe.poll():
                    return
                try:
                    data = link.recv(1 << 18)
                except TimeoutError:
                    continue
                if not data:
                    return
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    if line[:2] == b"! ":
                        event = line[2:].decode()
                        self.heard.append(event)
                        self.place = event.partition(" ")[0]
                    assert line[:1] != b"-", line

    def main(self):
        try:
            while True:
                if self.pipe.poll():
                    what, lsn = self.pipe.recv()
                    if what == "stop":
                        return
                    self.catch_up(lsn)
                    self.pipe.send(("heard", self.heard, self.reconnected))
                    continue
                try:
                    self.listen()
                except OSError:
                    time.sleep(0.003)
        except (KeyboardInterrupt, BrokenPipeError, EOFError):
            pass
        except BaseException as error:
            self.pipe.send(("failed", repr(error)))

    def catch_up(self, lsn):
        """Until a heartbeat says that everything up to `lsn` has been sent."""
        with socket.create_connection(("127.0.0.1", self.port), SILENCE_SECONDS_MAX) as link:
            link.sendall(f"1 AUTH - hb=1\n2 SUB from={self.place}\n".encode())
            for line in link.makefile():
                if line.startswith("! "):
                    event = line[2:-1]
                    self.heard.append(event)
                    self.place = event.partition(" ")[0]
                assert line[0] != "-", line
                if line.startswith("* HB ") and int(line.partition("lsn=")[2].partition(" ")[0]) >= lsn:
                    return


def run(*arguments):
    Observer(*arguments).main()
