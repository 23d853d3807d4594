"""What `banyan up` prints when it takes requests: where things are, and what to try next."""

from gateway.endpoints import Inventory
from gateway.inventory import read_inventory
from gateway.settings import Settings

_HELLO = """\

Banyan is up.
  gateway   {gateway}   legacy {legacy}, modern {modern}
{control}\
  plan      {plan}

Try:
  curl -i {gateway}{path}
  set `modern: 25` for `GET {path}` in {plan}, save, and call it again: X-Served-By says who answered
  {banyan} explain GET {path} --header 'X-API-Key: alice'
  {banyan} status

"""


def banner(settings: Settings, gateway: str, control: str | None, banyan: str) -> str:
    """`gateway` and `control` are URLs, `banyan` is how this command is called."""
    inventory = read_inventory(settings.inventory_path) or Inventory()
    return _HELLO.format(
        gateway=gateway,
        control=f"  control   {control}   /metrics /ready /api/v1/routes\n" if control else "",
        legacy=settings.legacy or "none",
        modern=settings.modern or "none",
        plan=settings.plan,
        path=_example(inventory),
        banyan=banyan,
    )


def _example(inventory: Inventory) -> str:
    """A path that a GET without variables answers."""
    served = (*(inventory.modern or ()), *(inventory.legacy or ()))
    legacy = set(inventory.legacy or ())
    paths = [e.template for e in served if e.method == "GET" and "{" not in e.template]
    return next((path for path in paths if ("GET", path) in legacy), paths[0] if paths else "/")
