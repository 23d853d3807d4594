"""`gunicorn legacy_flask.wsgi:app`"""

from legacy_flask.app import create_app
from shared_services.access import settings_or_exit

app = create_app(settings_or_exit())
