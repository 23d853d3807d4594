"""The rows: what may hurt a gateway, each with an id that the names of its tests begin with.

B: input that is wrong and faults. T: traps in the libraries beneath. Of what comes later, only the
ranges stand here (`LATER`): tests may be named after them already.
"""

from typing import Final

BAD_INPUTS: Final = {
    # framing and smuggling
    "B001": "a length and a transfer coding in one request",
    "B002": "two lengths that differ",
    "B003": "one length, said twice",
    "B004": "a length that is no plain decimal number",
    "B005": "transfer codings other than exactly one `chunked`",
    "B006": "chunk sizes and chunk ends that are not spelled as the grammar says",
    "B007": "very long chunk extensions, and a million chunks of one byte",
    "B008": "trailers, also such as would change the request if they were headers",
    "B009": "header lines with a space before the colon, folds, bare line feeds, control characters",
    "B010": "pipelined requests, also behind a body that nobody read",
    "B011": "HTTP/1.0 with and without keep-alive and Host",
    "B012": "what is not HTTP/1.1: HTTP/0.9, HTTP/2, h2c, TLS",
    "B013": "an expectation that is met, ignored or unknown",
    "B014": "a remote stack whose answer is framed wrongly",
    "B015": "many shapes of smuggling: the stack sees as many requests as the gateway counted",
    # target and method
    "B020": "paths spelled with dots, slashes, parameters and backslashes",
    "B021": "percent-encoded slashes, nulls, line ends, and raw bytes",
    "B022": "absolute, authority and asterisk form, CONNECT",
    "B023": "a fragment, a huge query, a huge target",
    "B024": "methods nobody knows, TRACE",
    "B025": "answers that must not have a body",
    "B026": "Host missing, repeated, malformed or huge",
    # headers
    "B030": "header names with an underscore",
    "B031": "forwarding headers of a peer that is not trusted",
    "B032": "headers of the gateway's own, sent by a client",
    "B033": "hop-by-hop headers, also those that Connection names",
    "B034": "too many headers, too large ones",
    "B035": "header values in other encodings, empty and repeated ones, several Cookie lines",
    "B036": "headers of an answer that repeat, or would split it",
    "B037": "compressed bodies",
    "B038": "an app that sets the headers of the hop",
    # bodies and slow clients
    "B040": "chunked bodies of each kind",
    "B041": "an upload that is cut short",
    "B042": "a body above the limit",
    "B043": "a large body that the app never reads",
    "B044": "hundreds of heads and bodies that never arrive whole",
    "B045": "readers that hardly read",
    "B046": "hundreds of clients that leave in the middle of an answer",
    "B047": "more slow views than threads",
    "B048": "bodies that are expensive or ambiguous to parse",
    "B049": "multipart forms that are cut, huge, or lie about their files",
    # apps that misbehave
    "B050": "an app that raises before or in its answer",
    "B051": "an app that hangs: in a thread, on the loop, or holding the loop up",
    "B052": "every corner of PEP 3333",
    "B053": "modern fails on a safe and on an unsafe request",
    "B054": "an app that cannot be imported, started or stopped",
    "B055": "a view that exits, or changes the process it runs in",
    "B056": "an app that logs far too much",
    # remote stacks and the network
    "B060": "a remote stack that cannot be reached",
    "B061": "a remote stack that goes silent",
    "B062": "a kept connection that is closed just when it is used",
    "B063": "a remote stack that is killed again and again",
    "B064": "a bad network",
    "B065": "descriptors, ports or disk run out",
    # plan and store
    "B070": "a plan file that is no YAML",
    "B071": "a plan that is none: unknown fields and routes, wrong numbers",
    "B072": "a plan file that is half written, replaced, deleted, saved all the time",
    "B073": "two writers at once",
    "B074": "a store that cannot be reached, read, written, or is newer",
    "B075": "a store that is deleted or damaged while it is open",
    "B076": "clocks that jump",
    "B077": "a worker that does not hear of a version",
    "B078": "plans at random",
    # control plane
    "B080": "callers without the right token",
    "B081": "pages of other sites, forged Hosts",
    "B082": "paths, bodies, cursors and texts that try something",
    "B084": "a stack that is the control plane, or a cloud's own address",
    "B085": "metrics under ten thousand paths",
    "B086": "secrets on their way into logs, answers and tables",
    # processes
    "B090": "signals under load, twice, and during the start",
    "B091": "any process is killed at any moment",
    "B092": "a rolling restart under load",
    "B093": "forks: preloaded apps, several workers",
    "B094": "a process that is starved or paused",
    "B095": "half an hour of everything at once",
    # defects that well-known servers had
    "B110": "Host and targets that poison the URL an app sees",
    "B111": "ranges and multipart forms of ten thousand parts",
    "B112": "chunk and coding spellings that other parsers once took",
    "B113": "line breaks and terminal escapes on their way into logs and tables",
    "B114": "a chunked upload to a remote stack is cut short",
    "B115": "a stack that answers before it has the body",
    "B116": "habits of HTTP clients that would change a proxied request",
    "B117": "a body whose chunks were taken off, with the coding still named",
    "B118": "a redirect of one stack that is followed to the other",
    "B119": "protocols with a state, under a split",
    "B120": "messages and extensions of ASGI that the gateway does not know",
    "B121": "routes of routers in routers",
    "B122": "import strings and URLs that look like each other",
    "B123": "a plan that tries to name code",
    "B124": "consoles and control sockets that come with the libraries",
    "B125": "clients that are idle, or stop in the middle of a head or a body",
    "B126": "a view that ends, starves or marks its process or thread",
    "B127": "two operators, and what remains after a restart",
    "B128": "patterns of a plan that would be expensive to match",
    "B129": "WebSockets at their edges",
    "B130": "public conformance suites of HTTP/1.1",
}

TRAPS: Final = {
    # a2wsgi and the bridge to WSGI
    "T01": "chunked bodies arrive empty",
    "T02": "a cut upload looks complete",
    "T03": "reading a body by lines reads nothing",
    "T04": "ten threads, and no limit to the wait for one",
    "T05": "stalled uploads hold threads",
    "T06": "a client that has left is not noticed",
    "T07": "a cancelled stream holds its thread for ever",
    "T08": "a server that raises on send holds it too",
    "T09": "a query with a raw byte is an error",
    "T10": "prefixes without a boundary, and one from the environment",
    "T11": "WebSockets are closed as if all were well",
    "T12": "servers that add framing of their own",
    "T13": "X_Auth_User is read as X-Auth-User",
    "T14": "Cookie lines are joined by commas",
    "T15": "errors go to standard output",
    "T16": "a status without a reason is an error",
    "T17": "a file is sent in many small hops",
    "T18": "nobody starts and stops the app",
    "T19": "Starlette's own bridge",
    "T20": "a mount decides what goes where",
    # loops, threads, portals, forks
    "T21": "two loops over one set of services",
    "T22": "waiting for the loop on the loop",
    "T23": "a call into the loop without a deadline",
    "T24": "threads that do not survive a fork",
    "T25": "a loop that keeps its process alive",
    "T26": "a loop for each request",
    "T27": "nobody runs the lifespan of an inner app",
    "T28": "middleware that runs the endpoint in another context",
    "T29": "one blocking call stalls both stacks",
    "T30": "a task that nobody keeps",
    "T31": "clients leave differently under each server",
    # storage
    "T32": "updates that are lost without an error",
    "T33": "transactions that read first and are refused the write",
    "T34": "decimals that become floats in SQLite",
    "T35": "money that is compared as text",
    "T36": "state that each process has for itself",
    "T37": "drivers and extras that changed their names",
    "T38": "poolers that swallow notifications and keep locks",
    "T39": "notifications that are lost",
    "T40": "one's own commits, which SQLite does not tell",
    "T41": "databases in memory and on network file systems",
    # split and guard
    "T58": "clients that fail again and again are counted as many",
    "T74": "a share that rises throws clients back",
    "T75": "each route draws clients of its own",
    "T76": "a share of 0 that is one bucket too many",
    "T77": "a share of 0 that counts as none given",
    "T78": "a test that is looked at again and again finds what is not there",
    "T81": "a request that may have been done is done again",
}

ROWS: Final = BAD_INPUTS | TRAPS

LATER: Final = frozenset(
    [f"B{number:03}" for number in (83, *range(100, 109))]
    + [f"T{number}" for number in range(42, 93)]
) - frozenset(TRAPS)
"""Of pages, the trading system, and what is built on this."""
