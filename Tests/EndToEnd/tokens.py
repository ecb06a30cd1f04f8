"""HS256 tokens made by hand, so that any part of one can be wrong."""

import base64
import hashlib
import hmac
import json
import time


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(secret, header, claims):
    signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    return signed + "." + base64url(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def token(secret, *, sub="7", roles=("trader",), accounts=(7,), venues=(), ttl=600, header=None, **changes):
    """A good token unless told otherwise. `changes` replace claims; None takes one out."""
    claims = {"sub": sub, "exp": int(time.time() + ttl), "type": "access", "roles": list(roles),
              "accounts": accounts if accounts == "*" else list(accounts),
              "venues": venues if venues == "*" else list(venues)}
    claims.update(changes)
    claims = {key: value for key, value in claims.items() if value is not None}
    return sign(secret, header or {"alg": "HS256", "typ": "JWT"}, claims)
