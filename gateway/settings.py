"""This process's settings, read once from the environment (`BANYAN_*`). docs/settings.md lists them."""

import base64
import secrets
import shlex
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.head import Network

SIGNING: Final = "whsec_"  # before the base64 of a webhook's secret: Standard Webhooks
_MIB = 1 << 20
_SECRET_BYTES = 16
_LOOPBACK = (ip_network("127.0.0.1"), ip_network("::1"))


def _networks(value: object) -> object:
    """`10.0.0.0/8,192.168.1.7` → networks; a list passes unchanged."""
    if isinstance(value, str):
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    return value


def _names(value: object) -> object:
    """`a.example,b.example` → names; a list passes unchanged."""
    if isinstance(value, str):
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())
    return value


def _secret(value: object) -> object:
    """Empty is unset; a short one could be guessed, and with it every override forged."""
    if isinstance(value, str) and 0 < len(value.encode()) < _SECRET_BYTES:
        raise ValueError(f"a secret has at least {_SECRET_BYTES} bytes")
    return value or None


def _webhook(value: object) -> object:
    """Empty is unset; no message says the URL, which may hold a secret."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message holds a part of the URL
        valid = False
    if not valid:
        raise ValueError("a webhook is a URL like https://host/path")
    return value


def _signing(value: object) -> object:
    """Empty is unset."""
    if not isinstance(value, str) or not value:
        return value or None
    if value.startswith(SIGNING):
        try:
            key = base64.b64decode(value.removeprefix(SIGNING), validate=True)
        except ValueError:
            raise ValueError(f"what follows {SIGNING} is base64, as in {SIGNING}bXktc2…") from None
    else:
        key = value.encode()
    if len(key) < _SECRET_BYTES:
        raise ValueError(f"a secret has at least {_SECRET_BYTES} bytes")
    return value


def _command(value: object) -> object:
    """Empty is unset."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        shlex.split(value)
    except ValueError as error:
        raise ValueError(f"no command: {error}; quote as in a shell") from error
    return value


class Settings(BaseSettings):
    """What one process of the gateway is told at its start; it never changes while it runs."""

    model_config = SettingsConfigDict(env_prefix="BANYAN_", frozen=True, extra="ignore")

    legacy: str | None = Field(
        None,
        description="The Flask app: `pkg.module:app`, `process:pkg.module:app`, `http://host:port` "
        "or `unix:/path`.",
    )
    modern: str | None = Field(None, description="The FastAPI app, likewise.")
    legacy_routes: Path | None = Field(
        None,
        description="What legacy serves, as `banyan routes export` wrote it: for an app that runs "
        "elsewhere, or is gone.",
    )
    modern_routes: Path | None = Field(None, description="What modern serves, likewise.")
    plan: Path = Field(Path("traffic.yaml"), description="The traffic plan.")
    first_plan: bool = Field(
        False, description="Write the plan, every route at 0 %, if there is none; `up` does."
    )
    store: str | None = Field(
        None,
        description="Where plan versions and heartbeats are kept: `sqlite:///path` or "
        "`postgresql+psycopg://user@host/database`; default: var/banyan.db.",
    )
    var: Path = Field(Path("var"), description="Folder for what the gateway writes.")
    host: str = Field("127.0.0.1", description="Address of the data plane.")
    port: int = Field(8000, ge=0, le=65535, description="Port of the data plane; 0: any free one.")
    control_host: str = Field("127.0.0.1", description="Address of the control plane.")
    control_port: int = Field(8001, ge=0, le=65535, description="Port of the control plane.")
    control_names: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="Host names the control plane answers to, beside its address; by comma."
    )
    control_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="Proxies in front of the control plane that do TLS: addresses, by comma."
    )
    control_tls_cert: Path | None = Field(None, description="The control plane's certificate.")
    control_tls_key: Path | None = Field(None, description="The key to it.")
    probe_host: str = Field("127.0.0.1", description="Address of the probes of `banyan serve`.")
    probe_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of `/health`, `/ready` and `/metrics` of `banyan serve`; default: none.",
    )
    workers: int = Field(1, ge=1, le=256, description="Processes of the data plane.")
    wsgi_threads: int = Field(40, ge=1, le=1000, description="Threads that run the Flask app.")
    wsgi_wait: float = Field(
        10.0, gt=0, le=600, description="Seconds a request waits for a thread before 503."
    )
    wsgi_bridge: Literal["banyan", "a2wsgi"] = Field(
        "banyan", description="What calls a Flask app in this process: `banyan` or `a2wsgi`."
    )
    wsgi_slow_clients: int = Field(
        500,
        ge=0,
        le=10_000,
        description="Answers that wait for their clients in threads beside the `wsgi_threads`.",
    )
    shadow_threads: int = Field(
        4,
        ge=1,
        le=100,
        description="Requests that one worker shadows at once; a Flask app in this process has as many "
        "threads for them.",
    )
    shadow_queue: int = Field(100, ge=1, le=10_000, description="Shadows that wait for their turn.")
    shadow_memory: int = Field(
        16 * _MIB, ge=0, description="Bytes of answers kept for shadows; others are not shadowed."
    )
    shadow_deadline: float = Field(
        10.0, gt=0, le=600, description="Seconds a shadow waits for its answer."
    )
    switch_interval: float = Field(
        0.0005,
        ge=0.0001,
        le=1,
        description="Seconds one thread of a Flask app in this process may run while the event loop waits "
        "for its turn; Python's own is 0.005. While a plan is compiled, 0.0001 at most.",
    )
    body_limit: int = Field(
        1024 * _MIB, ge=0, description="Largest request body in bytes that a stack gets; 413 above."
    )
    body_memory: int = Field(
        1 * _MIB, ge=0, description="Bytes of a request body kept in memory; the rest goes to disk."
    )
    deadline: float = Field(
        60.0, gt=0, le=3600, description="Seconds until a stack's answer begins, or it is 504."
    )
    idle_timeout: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds without a byte of an answer, from a remote stack or to a client.",
    )
    connect_timeout: float = Field(
        2.0, gt=0, le=60, description="Seconds to connect to a remote stack."
    )
    remote_connections: int = Field(
        128, ge=1, le=10_000, description="Connections of one worker to one remote stack."
    )
    line_limit: int = Field(4094, ge=256, description="Bytes of a request line; 414 above.")
    field_limit: int = Field(8190, ge=256, description="Bytes of one header field; 431 above.")
    fields_limit: int = Field(100, ge=16, description="Header fields of a request; 431 above.")
    head_timeout: float = Field(
        10.0, gt=0, le=600, description="Seconds a client has to send a request's head."
    )
    body_timeout: float = Field(
        30.0, gt=0, le=600, description="Seconds without a byte of a request's body; 408."
    )
    keep_alive: float = Field(
        30.0, gt=0, le=3600, description="Seconds an idle connection of a client is kept."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        _LOOPBACK,
        description="Proxies whose X-Forwarded-* are believed: addresses or networks, by comma.",
    )
    served_by: bool = Field(True, description="Send `X-Served-By` with each answer.")
    access_log: str = Field(
        "-", description="Where access lines go: `-` standard output, a path, or empty for none."
    )
    grace: float = Field(
        30.0, ge=0, le=3600, description="Seconds running requests get to finish on SIGTERM."
    )
    lame_duck: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Seconds after SIGTERM in which idle connections get one more answer.",
    )
    worker_requests: int = Field(
        0, ge=0, description="Requests after which one of several workers is replaced; 0: never."
    )
    webhook: Annotated[SecretStr | None, BeforeValidator(_webhook)] = Field(
        None, description="URL that hears of verdicts, rollbacks, breakers and ramps, by POST."
    )
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(_signing)] = Field(
        None, description="Signs what the webhook gets, as Standard Webhooks has it."
    )
    hook: Annotated[str | None, BeforeValidator(_command)] = Field(
        None, description="Command that gets the same, as JSON on its standard input."
    )
    secret: Annotated[SecretStr | None, BeforeValidator(_secret)] = Field(
        None,
        description="Keys the assignment and signs overrides, 16 bytes or more; "
        "default: made once in var/secret.",
    )

    @field_validator(
        "legacy",
        "modern",
        "legacy_routes",
        "modern_routes",
        "store",
        "control_tls_cert",
        "control_tls_key",
        "probe_port",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @property
    def inventory_path(self) -> Path:
        """What both stacks serve, as last seen: read where an app is not imported."""
        return self.var / "inventory.json"

    @property
    def store_url(self) -> str:
        """The store's URL; it may hold a password."""
        return self.store or f"sqlite:///{self.var / 'banyan.db'}"

    @property
    def last_good_path(self) -> Path:
        """The last plan that ran on this host, and its version."""
        return self.var / "last-good-plan.json"

    @property
    def kill_path(self) -> Path:
        """While this file is there, this host sends everything to legacy, whatever the store says."""
        return self.var / "kill-switch"

    @property
    def file_base_path(self) -> Path:
        """The text of the plan file that was applied last: what the next edit is compared with."""
        return self.var / "plan-file.json"

    def secret_bytes(self) -> bytes:
        """The secret, made and stored with mode 0600 on first use; all workers find the same one.

        Raises OSError if `var` cannot be written.
        """
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        path = self.var / "secret"
        self.var.mkdir(parents=True, exist_ok=True)
        made = self.var / f".secret-{secrets.token_hex(8)}"
        if not path.exists():
            made.touch(mode=0o600)
            made.write_text(secrets.token_hex(32))
            try:
                path.hardlink_to(made)  # atomic: of two workers that start at once, one wins
            except FileExistsError:
                pass
            finally:
                made.unlink()
        secret = path.read_bytes()
        if len(secret) < _SECRET_BYTES:
            raise OSError(f"{path} has {len(secret)} bytes, a secret at least {_SECRET_BYTES}")
        return secret
