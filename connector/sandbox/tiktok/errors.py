"""The marketplace's refusals: its code, its words, the HTTP status that carries it.

Source: TikTok Shop, "Common errors" and the error tables of the product, order, fulfilment and after-sale pages. Statuses other
than 401 for 106001 and 105005 and 429 for 36009002 are not documented; `SandboxOptions.http_status` replaces them.
"""

from __future__ import annotations

BAD_REQUEST = 36009004
RATE_LIMITED = 36009002
UNKNOWN_PATH = 36009009
WRONG_METHOD = 36009010
SIGN_INVALID = 106001
TOKEN_EXPIRED = 105002
SCOPE_MISSING = 105005
NOT_THIS_SHOP = 101000
CIPHER_MISSING = 106013

HTTP_STATUS = {
    SIGN_INVALID: 401,
    TOKEN_EXPIRED: 401,
    SCOPE_MISSING: 401,
    NOT_THIS_SHOP: 401,
    CIPHER_MISSING: 400,
    BAD_REQUEST: 400,
    RATE_LIMITED: 429,
    UNKNOWN_PATH: 404,
    WRONG_METHOD: 405,
    36009003: 500,
    36009021: 413,
    36009022: 415,
    36009023: 415,
}


class ApiError(Exception):
    """A call is refused. Business codes travel with HTTP status 200."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


def missing(place: str, name: str) -> ApiError:
    """`place`: `body` or `query`. The wording is what the gateway is known to answer."""
    return ApiError(BAD_REQUEST, f"param {place}.{name} is missing")


def invalid(place: str, name: str, why: str) -> ApiError:
    return ApiError(BAD_REQUEST, f"param {place}.{name} is invalid: {why}")
