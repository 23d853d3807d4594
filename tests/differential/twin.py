"""The Flask app that both sides serve: a view for each kind of answer that a client could tell apart.

Every answer of Flask carries `X-After`, every one of the bare WSGI apps below `/wsgi/` carries `X-Bare`:
an answer with neither was made by a server, and no app was reached.
"""

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS

from tests.differential.views import answers, files, incoming, routing
from tests.differential.views.bare import Bare

MADE_BY_APP = ("x-after", "x-bare")


def create_app() -> Flask:
    """A new twin; its WSGI callable hands `/wsgi/…` to bare WSGI apps."""
    app = Flask(__name__)
    app.secret_key = "the twin's key"
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for views in (routing.views, answers.views, files.views, incoming.views):
        app.register_blueprint(views)
    app.before_request(_stopped)
    app.after_request(_after)
    one, any_ = {"origins": "https://a.example"}, {"origins": "*"}
    CORS(app, resources={r"/cors/*": one, r"/corsstar/*": any_})
    app.wsgi_app = Bare(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _stopped() -> ResponseReturnValue | None:
    return ("stopped", 418) if request.path == "/hookstop" else None


def _after(response: Response) -> Response:
    response.headers["X-After"] = "1"
    return response


app = create_app()
