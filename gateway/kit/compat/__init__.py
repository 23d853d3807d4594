"""Flask-compatible FastAPI: `flask_compatible(app)` and the pieces an app may want by name."""

from gateway.kit.compat.headers import joined_header as joined_header
from gateway.kit.compat.headers import joined_lines as joined_lines
from gateway.kit.compat.install import Behaviour as Behaviour
from gateway.kit.compat.install import flask_compatible as flask_compatible
from gateway.kit.compat.json import FlaskJSONResponse as FlaskJSONResponse
from gateway.kit.compat.json import is_json as is_json
from gateway.kit.compat.query import first_query as first_query
