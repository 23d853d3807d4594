"""What `banyan up` prints when it takes requests: where things are, and what to try next."""

from typing import Final

from gateway.endpoints import Inventory
from gateway.inventory import read_inventory
from gateway.settings import Settings
from gateway.store.database import Database

_HELLO = """\

Banyan is up.
  gateway   {gateway}   legacy {legacy}, modern {modern}
{control}\
  plan      {plan}

Try:
  curl -i {gateway}{path}
  {banyan} shift 'GET {path}' 25 --reason 'a first look', and call it again: X-Served-By says who answered
  {banyan} explain GET {path} --header 'X-API-Key: alice'
  {banyan} status

"""

_CONTROL: Final = """\

Banyan's control plane is up.
  control   {url}   /metrics /ready /openapi.json /api/v1
  store     {store}

Try:
  {banyan} status
  {banyan} token create alice --role operator

"""
_FIRST: Final = """\

The first token of the control plane, role admin, shown this once:

  {token}

Programs send it as `Authorization: Bearer …`; commands elsewhere take it from BANYAN_TOKEN. On this
machine commands need none. `{banyan} token create` makes more, `token revoke` ends one.
"""


def first_token(token: str, banyan: str) -> str:
    """Printed as soon as it is made: a start that fails later would lose it."""
    return _FIRST.format(token=token, banyan=banyan)


def control_banner(settings: Settings, url: str, banyan: str) -> str:
    """For a control plane that stands alone."""
    store = Database(settings.store_url).shown
    return _CONTROL.format(url=url, store=store, banyan=banyan)


def banner(settings: Settings, gateway: str, aside: str | None, banyan: str) -> str:
    """`gateway` and `aside`, what serves beside it, are URLs; `banyan` is how this command is called."""
    inventory = read_inventory(settings.inventory_path) or Inventory()
    return _HELLO.format(
        gateway=gateway,
        control=_beside(settings, aside) if aside else "",
        legacy=settings.legacy or "none",
        modern=settings.modern or "none",
        plan=settings.plan,
        path=_example(inventory),
        banyan=banyan,
    )


def _beside(settings: Settings, url: str) -> str:
    if settings.probe_port is None:
        return f"  control   {url}   /metrics /ready /openapi.json /api/v1\n"
    return f"  probes    {url}   /health /ready /metrics\n"


def _example(inventory: Inventory) -> str:
    """A path that a GET without variables answers, by both stacks if there is one."""
    legacy, modern = (
        [e.template for e in served or () if e.method == "GET" and "{" not in e.template]
        for served in (inventory.legacy, inventory.modern)
    )
    both = [path for path in modern if path in legacy]
    return next(iter([*both, *legacy, *modern]), "/")
