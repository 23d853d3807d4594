"""The shapes of the answers, a module a family."""

Json = dict[str, object]
