"""What can go wrong, in words a user may read.

A message is an English sentence with ``%(name)s`` places; the web layer translates
it with the error's ``params``. ``N_`` marks such sentences for the translators.
"""

from typing import ClassVar


def N_(message: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark a sentence for translation and return it unchanged."""
    return message


class PortalError(Exception):
    """The base of all expected errors: a kind for programs, a sentence for people."""

    status: ClassVar[int] = 400
    """The HTTP status where no form catches the error."""

    def __init__(self, kind: str, message: str, **params: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class ConfigError(PortalError):
    """The portal cannot start with these settings."""

    status = 500


class InvalidError(PortalError):
    """A value that was entered cannot be accepted; ``field`` is the form field it belongs to."""

    status = 422

    def __init__(self, kind: str, message: str, *, field: str = "", **params: str) -> None:
        super().__init__(kind, message, **params)
        self.field = field


class TooManyError(InvalidError):
    """Something was tried too often; ``retry_after`` is the number of seconds to wait."""

    status = 429

    def __init__(
        self, kind: str, message: str, *, retry_after: int, field: str = "", **params: str
    ) -> None:
        super().__init__(kind, message, field=field, **params)
        self.retry_after = retry_after


class DialError(InvalidError):
    """The engine refuses a number, a template, a value or a handler.

    ``kind`` is one of the error kinds of the engine's specification. ``variable`` names the
    variable concerned, ``suggestion`` the nearest right spelling, ``position`` the place in
    the text (0-based) where it is known.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only, each one fact of the refusal
        self,
        kind: str,
        message: str,
        *,
        field: str = "",
        variable: str = "",
        suggestion: str = "",
        position: int | None = None,
        **params: str,
    ) -> None:
        super().__init__(kind, message, field=field, **params)
        self.variable = variable
        self.suggestion = suggestion
        self.position = position


class TokenError(PortalError):
    """The request carries no token that opens this."""

    status = 401


class ForbiddenError(PortalError):
    """The user may not do this."""

    status = 403


class NotFoundError(PortalError):
    """There is no such thing, or it is not the user's."""

    status = 404


class ConflictError(PortalError):
    """The thing has changed or exists already."""

    status = 409


class UnconfirmedError(PortalError):
    """The user has to say once more that this is really meant; nothing has happened."""

    status = 409


class BusyError(PortalError):
    """There is no room for more work now."""

    status = 503
