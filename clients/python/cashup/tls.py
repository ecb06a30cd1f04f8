"""TLS: what a client's `tls=` may be."""

from __future__ import annotations

import ssl
from typing import Optional, Union

#: None: plain text. True: TLS, with the authorities the system trusts. A path: those of a PEM file. Or a context of one's own.
TLS = Union[None, bool, str, ssl.SSLContext]


def context(tls: TLS) -> Optional[ssl.SSLContext]:
    """The context to connect with, None for plain text. OSError for a file that is none."""
    if not tls:
        return None
    if isinstance(tls, ssl.SSLContext):
        return tls
    made = ssl.create_default_context(cafile=None if tls is True else tls)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def failure(host: str, port: int, error: ssl.SSLError) -> str:
    """What went wrong, in words. It is no matter of trying again."""
    if "WRONG_VERSION_NUMBER" in str(error):
        return f"{host}:{port} does not speak TLS (or is not the line port)"
    return f"no TLS with {host}:{port}: {error}"
