"""The gateway beside its peers, in one run: `python -m benchmarks.peers`.

All servers are started once. Each round goes through them in an order drawn by chance, wrk with 32
connections and 10 000 clients' keys for each; every answer is looked at, and a wrong one, a socket's
error or a share that the split does not promise ends the run. CPU time is that of all threads of all
processes that work for the answer: proxies, servers, apps. uvicorn and the gateway run httptools and
uvloop. No peer writes an access log; the gateway runs as shipped, its access log goes to /dev/null.
Every proxy has as many threads as it takes by itself: one for each core.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import page
from benchmarks.install import install, program
from benchmarks.peers.measure import measure
from benchmarks.peers.names import GROUPS, systems_of
from benchmarks.peers.systems import Site, start
from benchmarks.peers.tables import latency, peers
from benchmarks.peers.versions import versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=2, help="of one system in one round")
    parser.add_argument("--steady-rounds", type=int, default=3, help="rounds at a fixed rate")
    parser.add_argument(
        "--groups", nargs="*", choices=[group.id for group in GROUPS], help="some of them"
    )
    parser.add_argument("--keep", action="store_true", help="into docs/performance.md and results/")
    options = parser.parse_args()
    if options.keep and options.groups:
        parser.error("what is kept is all of it: leave --groups out")
    groups = [group for group in GROUPS if not options.groups or group.id in options.groups]
    reasons = install()
    if program("wrk") is None:
        raise SystemExit("without wrk there is no load")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        systems, missing = start(Site(folder, stack), systems_of(groups))
        found = measure(systems, groups, options)
    found.missing = {name: reasons.get(binary, f"no {binary}") for name, binary in missing.items()}
    found.versions = versions()
    if options.keep:
        page.keep("peers", found.raw(), peers(found))
        page.keep("latency", found.raw()["steady"], latency(found))
    else:
        print(f"{peers(found)}\n\n{latency(found)}")


if __name__ == "__main__":
    main()
