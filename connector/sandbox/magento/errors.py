"""The error envelope of Magento's REST API.

Messages keep their placeholders (`%1`, `%fieldName`); the values travel in `parameters`, a list for numbered placeholders, an
object for named ones. Putting the two together is the client's work.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

Parameters = Mapping[str, Any] | Sequence[Any]


class MagentoError(Exception):
    """An answer that is not 200. `errors` is the list of an aggregated input error."""

    def __init__(
        self,
        status: int,
        message: str,
        parameters: Parameters | None = None,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        code: int | None = None,
    ) -> None:
        self.status, self.message, self.parameters, self.errors, self.code = status, message, parameters, errors, code
        super().__init__(message)

    def envelope(self) -> dict[str, Any]:
        """The JSON body, without keys that Magento leaves out."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors:
            body["errors"] = list(self.errors)
        if self.code:
            body["code"] = self.code
        if self.parameters:
            body["parameters"] = self.parameters if isinstance(self.parameters, Mapping) else list(self.parameters)
        return body


class InternalError(MagentoError):
    """Any exception that Magento does not expect, such as an SQL error: 500 with the cause masked."""

    def __init__(self, report_id: str = "") -> None:
        message = "Internal Error. Details are available in Magento log file. Report ID: webapi-"
        super().__init__(500, message + (report_id or secrets.token_hex(7)[:13]))


def no_such_entity(field: str, value: object) -> MagentoError:
    return MagentoError(404, "No such entity with %fieldName = %fieldValue", {"fieldName": field, "fieldValue": value})


def required(field: str) -> MagentoError:
    """A parameter of the service method is missing."""
    return MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": field})


def not_supported(field: str) -> MagentoError:
    """A key that the typed object does not have; Magento names it in CamelCase."""
    camel = "".join(part[:1].upper() + part[1:] for part in field.split("_"))
    return MagentoError(
        400, '"%fieldName" is not supported. Correct the field name and try again.', {"fieldName": camel}
    )


def wrong_type(field: str, value: object, expected: str) -> MagentoError:
    """`expected` is PHP's name of the scalar type: int, float, string, boolean."""
    return MagentoError(
        400,
        f'Error occurred during "{field}" processing. The "{value}" value\'s type is invalid. The "{expected}" type was '
        "expected. Verify and try again.",
    )


def not_authorized(resource: str) -> MagentoError:
    return MagentoError(401, "The consumer isn't authorized to access %resources.", {"resources": resource})
