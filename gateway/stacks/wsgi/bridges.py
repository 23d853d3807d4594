"""The two ways to call a WSGI app in this process."""

from typing import Any

from anyio.from_thread import BlockingPortal

from gateway.settings import Settings
from gateway.stacks.wsgi.bridge import WSGIApp, WSGIStack
from gateway.stacks.wsgi.reference import ReferenceStack


def wsgi_stack(
    app: WSGIApp, settings: Settings, portal: BlockingPortal, state: dict[str, Any]
) -> WSGIStack | ReferenceStack:
    """The bridge that `BANYAN_WSGI_BRIDGE` names."""
    kind = ReferenceStack if settings.wsgi_bridge == "a2wsgi" else WSGIStack
    return kind(app, settings, portal, state)
