"""Where notices go and how they are signed: what is no such thing is refused at the start, not at the first notice."""

from pathlib import Path

import pytest

from tests.stacks import settings


@pytest.mark.parametrize("name", ["webhook", "webhook_secret", "hook"])
def test_empty_is_unset(tmp_path: Path, name: str) -> None:
    assert getattr(settings(tmp_path, **{name: ""}), name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook", "https://hooks.example/banyan?key=abc"),
        ("webhook", "http://[::1]:9000/x"),
        ("webhook_secret", "x" * 16),
        ("webhook_secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="),
    ],
)
def test_what_may_hold_a_secret_is_kept_and_not_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    chosen = settings(tmp_path, **{name: value})
    assert getattr(chosen, name).get_secret_value() == value
    assert value not in repr(chosen)


def test_a_command_may_be_quoted(tmp_path: Path) -> None:
    assert settings(tmp_path, hook="notify 'a b'").hook == "notify 'a b'"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("webhook", "hooks.example/banyan", "a webhook is a URL like https://host/path"),
        ("webhook", "ftp://hooks.example", "a webhook is a URL like https://host/path"),
        ("webhook", "https:///path", "a webhook is a URL like https://host/path"),
        ("webhook", "https://host:99999/x", "a webhook is a URL like https://host/path"),
        ("webhook", "http://[::1/x", "a webhook is a URL like https://host/path"),
        ("webhook_secret", "short", "a secret has at least 16 bytes"),
        ("webhook_secret", "whsec_AAAA", "a secret has at least 16 bytes"),
        ("webhook_secret", "whsec_not base64!", "what follows whsec_ is base64"),
        ("hook", "notify 'a", "no command: No closing quotation; quote as in a shell"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(tmp_path, **{name: value})
