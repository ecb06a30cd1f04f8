"""What can go wrong, told apart by what the caller may conclude about the command."""

from __future__ import annotations

from typing import Dict, Optional


class CashUpError(Exception):
    """Base of everything this package raises on its own account."""


class ProtocolError(CashUpError):
    """The peer sent something that is not the protocol; the connection is dropped."""


class Refused(CashUpError):
    """The service refused the command: nothing has changed.

    code     a stable code of the protocol's section "Refusals", e.g. ``INSUFFICIENT_FUNDS``
    facts    what the service said about it, by key; values are text, as sent (numbers are exact decimals)
    text     code and facts as they stood in the line
    command  the command that was refused (None for the AUTH that opens a connection)
    resent   True if the command had been sent before on a connection that was lost. For commands without an id
             (replace, cancel, settings) the first sending may then have taken effect; look at the order.
    """

    def __init__(self, code: str, facts: Dict[str, str], text: str = "", command=None, resent: bool = False):
        super().__init__(text or code)
        self.code = code
        self.facts = facts
        self.text = text or code
        self.command = command
        self.resent = resent


class Unknown(CashUpError):
    """The command was sent and no answer came: it may or may not have taken effect.

    ``command.id`` is the id, ref or exec it carried, if any: sending ``command`` once more tells what happened.
    """

    def __init__(self, command, why: str):
        super().__init__(f"outcome unknown ({why}): {command.line}")
        self.command = command
        self.why = why


class NotSent(CashUpError):
    """The command never left this process: it has certainly not taken effect."""

    def __init__(self, command, why: str):
        super().__init__(f"not sent ({why}): {command.line}")
        self.command = command
        self.why = why


class SessionClosed(CashUpError):
    """The service ended the session for good: another one of its name took over, or the token expired."""

    def __init__(self, reason: Optional[str]):
        super().__init__(f"session closed: {reason}")
        self.reason = reason
