"""Logs of the process itself go to standard error: for a person on a terminal, else JSON lines."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure_logs() -> None:
    """structlog for our events; uvicorn's warnings and errors in the same stream."""
    person = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _with_process,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        # In one piece: `print` writes the line's end by itself, and another worker may come in between
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s"
    )


def _with_process(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Which of several workers says it."""
    event["process"] = os.getpid()  # `pid` is of the process that an event is about
    return event
