"""The methods that both clients share: one per command, made from its builder, so that each is written once."""

from __future__ import annotations

import functools
from typing import Any, Callable

from . import commands
from .commands import Command


class Desk:
    """For each function of `cashup.commands` a method of the same name and arguments, which builds the command and
    runs it. Every method also takes `timeout` in seconds (the client's unless given)."""

    def run(self, command: Command, timeout: Any = ...) -> Any:
        raise NotImplementedError


def _method(build: Callable[..., Command]) -> Callable[..., Any]:
    @functools.wraps(build)
    def method(self: Desk, *arguments: Any, timeout: Any = ..., **options: Any) -> Any:
        return self.run(build(*arguments, **options), timeout)
    return method


for _build in commands.BUILDERS:
    setattr(Desk, _build.__name__, _method(_build))
