"""The proxies that split by percent, each with its own way to say so and its own number of threads.

All of them keep connections on both sides for an hour, pass on who the client is, and write no access
log. nginx, HAProxy and Envoy split by the hash of the client's key as the gateway does, Traefik in turn.
"""

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.install import program
from benchmarks.servers import Program

_NGINX: Final = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    split_clients $http_x_api_key $stack {{ 50% fastapi; * flask; }}
    upstream fastapi {{
        server 127.0.0.1:{fastapi};
        keepalive 64; keepalive_requests 1000000000; keepalive_timeout 3600s;
    }}
    upstream flask {{
        server 127.0.0.1:{flask};
        keepalive 64; keepalive_requests 1000000000; keepalive_timeout 3600s;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://$stack;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""
_HAPROXY: Final = """
defaults
    mode http
    timeout connect 5s
    timeout client 3600s
    timeout server 3600s
    timeout http-keep-alive 3600s
    option forwardfor
    http-reuse always
frontend clients
    bind 127.0.0.1:{port}
    http-request set-var(txn.bucket) req.hdr(x-api-key),xxh32,mod(100)
    use_backend fastapi if {{ var(txn.bucket) -m int lt 50 }}
    default_backend flask
backend fastapi
    server one 127.0.0.1:{fastapi}
backend flask
    server one 127.0.0.1:{flask}
"""
_MANAGER: Final = "envoy.filters.network.http_connection_manager"
_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions.filters"


def nginx(folder: Path, port: int, fastapi: int, flask: int) -> Program:
    file = _written(folder, "nginx.conf", _filled(_NGINX, folder, port, fastapi, flask))
    argv = [_found("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]
    return Program(argv, folder, log=folder / "log")


def haproxy(folder: Path, port: int, fastapi: int, flask: int) -> Program:
    file = _written(folder, "haproxy.cfg", _filled(_HAPROXY, folder, port, fastapi, flask))
    return Program([_found("haproxy"), "-q", "-f", str(file)], folder, log=folder / "log")


def envoy(folder: Path, port: int, fastapi: int, flask: int) -> Program:
    clusters = [_cluster("fastapi", fastapi), _cluster("flask", flask)]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "use_remote_address": True,
        "route_config": {"virtual_hosts": [_envoy_host()]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_EXTENSIONS}.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": _MANAGER, "typed_config": manager}]
    listener = {"address": address, "filter_chains": [{"filters": filters}]}
    config = {"static_resources": {"listeners": [listener], "clusters": clusters}}
    file = _written(folder, "envoy.json", json.dumps(config))
    argv = [_found("envoy"), "-c", str(file), "--log-level", "error", "--disable-hot-restart"]
    return Program(argv, folder, log=folder / "log")


def _envoy_host() -> dict[str, Any]:
    weights = [{"name": "fastapi", "weight": 50}, {"name": "flask", "weight": 50}]
    action = {
        "hash_policy": [{"header": {"header_name": "x-api-key"}}],
        "weighted_clusters": {"clusters": weights, "use_hash_policy": True},
    }
    routes = [{"match": {"prefix": "/"}, "route": action}]
    return {"name": "all", "domains": ["*"], "routes": routes}


def _cluster(name: str, port: int) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def traefik(folder: Path, port: int, fastapi: int, flask: int) -> Program:
    services = {
        "split": {"weighted": {"services": [_weight("fastapi"), _weight("flask")]}},
        "fastapi": _balancer(fastapi),
        "flask": _balancer(flask),
    }
    http = {
        "routers": {"all": {"rule": "PathPrefix(`/`)", "service": "split"}},
        "services": services,
        "serversTransports": {
            "kept": {
                "maxIdleConnsPerHost": 200,
                "forwardingTimeouts": {"idleConnTimeout": "3600s"},
            }
        },
    }
    file = _written(folder, "routes.yml", json.dumps({"http": http}))
    argv = [_found("traefik"), f"--entryPoints.web.address=127.0.0.1:{port}", "--log.level=ERROR"]
    argv += [f"--providers.file.filename={file}", "--providers.file.watch=false"]
    argv += ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    return Program(argv, folder, log=folder / "log")


def _weight(name: str) -> dict[str, Any]:
    return {"name": name, "weight": 50}


def _balancer(port: int) -> dict[str, Any]:
    servers = [{"url": f"http://127.0.0.1:{port}"}]
    return {"loadBalancer": {"servers": servers, "serversTransport": "kept"}}


def _filled(text: str, folder: Path, port: int, fastapi: int, flask: int) -> str:
    return text.format(folder=folder, port=port, fastapi=fastapi, flask=flask)


def _written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def _found(name: str) -> str:
    """Its path; callers have looked whether there is one."""
    return program(name) or name
