"""The front of `banyan up|serve`: HTTP/1.1 as gunicorn reads and answers it.

`head`, `target`, `framing`, `body` and `answer` are pure: bytes in, values out, no loop. `protocol` and
`cycle` connect them to a socket and to ASGI; `hygiene` applies the same rules to the scopes of other servers.
"""
