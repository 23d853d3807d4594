"""What a PromQL expression asks for, and what there is: docs/metrics.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as promql

from tests.deploy.tools import ROOT

_ROW = re.compile(r"^\| `(gateway_\w+)` \| (counter|gauge|histogram) \|([\w, ]*)\|", re.MULTILINE)
_OF_EVERY_SERIES = frozenset({"instance", "job"})  # Prometheus adds them


@dataclass(frozen=True, slots=True)
class Query:
    """The metrics that an expression selects, and every label that it names."""

    metrics: frozenset[str]
    labels: frozenset[str]


def documented() -> dict[str, frozenset[str]]:
    """Series by name, histograms by their parts, each with its labels."""
    found: dict[str, frozenset[str]] = {}
    for name, kind, labels in _ROW.findall((ROOT / "docs/metrics.md").read_text()):
        own = frozenset(label.strip() for label in labels.split(",") if label.strip())
        if kind == "histogram":
            found |= {f"{name}_bucket": own | {"le"}, f"{name}_sum": own, f"{name}_count": own}
        else:
            found[name] = own
    return found


def asked(expression: str) -> Query:
    """Raises ValueError for what is no PromQL."""
    metrics: set[str] = set()
    labels: set[str] = set()

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            assert node.name is not None, f"{node} names no metric"
            metrics.add(node.name)
        labels.update(_labels(node))
        return True

    promql.walk(promql.parse(expression), visit)
    return Query(frozenset(metrics), frozenset(labels))


def _labels(node: promql.Expr) -> Iterator[str]:
    match node:
        case promql.VectorSelector():
            yield from (matcher.name for matcher in node.matchers.matchers)
        case promql.AggregateExpr() if node.modifier is not None:
            yield from node.modifier.labels
        case promql.BinaryExpr() if node.modifier is not None and node.modifier.matching:
            yield from node.modifier.matching.labels
        case _:
            pass


def unknown(query: Query, known: dict[str, frozenset[str]]) -> list[str]:
    """Metrics that nobody has, and labels that none of the metrics has."""
    metrics = [name for name in sorted(query.metrics) if name not in known]
    have = _OF_EVERY_SERIES.union(*(known.get(name, frozenset()) for name in query.metrics))
    return metrics + sorted(query.labels - have)
