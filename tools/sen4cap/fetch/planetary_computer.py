"""Planetary Computer alone: its files are read with a short-lived signature in the reference.

Its documented token endpoint answers ``GET .../token/ACCOUNT/CONTAINER`` with ``{"token": ..., "msft:expiry": ...}``;
the token is the query string to add. PC_SDK_SAS_URL and PC_SDK_SUBSCRIPTION_KEY are the variables of its own client.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..remote import FinalFailure, read_bytes

HOST = "planetarycomputer.microsoft.com"
STORAGE = ".blob.core.windows.net"
TOKEN_URL = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
EARLY = datetime.timedelta(minutes=5)


def is_planetary_computer(catalog: str) -> bool:
    """Tell whether a catalogue is theirs, by its host."""
    return urlsplit(catalog).hostname == HOST


def token_url() -> str:
    """Token endpoint: theirs, or the one that PC_SDK_SAS_URL names."""
    return os.environ.get("PC_SDK_SAS_URL", TOKEN_URL).rstrip("/")


@dataclass(eq=False)
class Signer:
    """Signs references into their storage; keeps a container's token until shortly before it expires.

    Attributes
    ----------
    endpoint : str
        Token endpoint.
    timeout_s : float
        Time limit of a request, s.
    """

    endpoint: str
    timeout_s: float
    _tokens: dict[str, tuple[str, datetime.datetime]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, href: str) -> str:
        """Signed reference, where it leads into their storage.

        Raises
        ------
        PassingFailure, FinalFailure
            The token endpoint did not give a token.
        """
        parts = urlsplit(href)
        host = parts.hostname or ""
        if not host.endswith(STORAGE) or "sig=" in parts.query:
            return href
        container = f"{host.split('.')[0]}/{parts.path.lstrip('/').split('/')[0]}"
        return f"{href}{'&' if parts.query else '?'}{self._token(container)}"

    def _token(self, container: str) -> str:
        with self._guard:
            token, until = self._tokens.get(container, ("", datetime.datetime.min.replace(tzinfo=datetime.UTC)))
            if datetime.datetime.now(datetime.UTC) + EARLY >= until:
                token, until = self._ask(container)
                self._tokens[container] = token, until
            return token

    def _ask(self, container: str) -> tuple[str, datetime.datetime]:
        key = os.environ.get("PC_SDK_SUBSCRIPTION_KEY")
        headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
        answer = read_bytes(f"{self.endpoint}/{container}", timeout_s=self.timeout_s, headers=headers)
        try:
            found = json.loads(answer)
            return str(found["token"]), datetime.datetime.fromisoformat(found["msft:expiry"])
        except (ValueError, KeyError, TypeError) as error:
            raise FinalFailure(f"{self.endpoint} gave no token for {container}") from error
