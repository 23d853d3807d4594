"""Nothing that opens anything is shown, whoever's message it stands in."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final
from urllib.parse import quote, quote_plus, unquote

import sqlalchemy as sa

from gateway.doctor.model import Finding
from gateway.settings import Settings

_SECRET_NAMES: Final = re.compile(r"SECRET|TOKEN|PASSW|PWD\b|PASSPHRASE|CREDENTIAL|_KEY\b|_DSN\b")
_USERINFO: Final = re.compile(r"//[^/?#\s]*@|//.*@")  # greedy: a password may hold an @
_OPEN: Final = frozenset({"passfile", "sslkey", "sslcert", "sslrootcert"})  # names of files
_PLAIN: Final = frozenset(  # BANYAN_CONTROL_TLS_KEY is the name of a file
    f"{Settings.model_config['env_prefix']}{name.upper()}"
    for name in Settings.model_fields
    if name not in {"secret", "store"}
)
_SHORTEST: Final = 4  # characters; shorter ones would blot out words
_WORDS: Final = frozenset({"true", "false", "none", "null"})
_BLOT: Final = "***"


def hidden(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The finding with every secret blotted out."""
    return replace(finding, found=_blot(finding.found, secrets), do=_blot(finding.do, secrets))


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Every text that must not be shown, the longest first."""
    found = {
        form
        for secret in _secrets(settings, environ)
        for form in (secret, unquote(secret), quote(secret, safe=""), quote_plus(secret))
        if len(form) >= _SHORTEST and form.lower() not in _WORDS
    }
    return sorted(found, key=len, reverse=True)


def _blot(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _BLOT)
    return text


def _secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    if settings.secret is not None:
        yield settings.secret.get_secret_value()
    with suppress(OSError, ValueError):
        yield (settings.var / "secret").read_text()
    yield from _of_store(settings.store_url)
    for value in (settings.legacy, settings.modern, *environ.values()):
        for userinfo in _USERINFO.findall(value or ""):
            yield userinfo[2:-1].partition(":")[2]
    for name, value in environ.items():
        path = value.startswith(("/", "./", "~"))  # of a file that holds it
        if _SECRET_NAMES.search(name.upper()) and name.upper() not in _PLAIN and not path:
            yield value


def _of_store(url: str) -> Iterator[str]:
    """The password, and what libpq takes from the query."""
    try:
        parts = sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError):
        yield url
        return
    if parts.password and parts.password not in {parts.username, parts.database}:
        yield str(parts.password)  # one that equals the user's name would blot that out everywhere
    for name, value in parts.query.items():
        if re.search(r"pass|secret|token|key", name) and name not in _OPEN:
            yield from (value,) if isinstance(value, str) else value
