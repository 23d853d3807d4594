"""Flask's session, its flashes and Flask-Login's identity, for a FastAPI app beside a Flask app."""

from gateway.kit.session.cookie import CookieAttributes as CookieAttributes
from gateway.kit.session.cookie import SessionCookie as SessionCookie
from gateway.kit.session.data import Session as Session
from gateway.kit.session.data import SessionData as SessionData
from gateway.kit.session.data import session_of as session_of
from gateway.kit.session.flashes import flash as flash
from gateway.kit.session.flashes import flash_context as flash_context
from gateway.kit.session.flashes import get_flashed_messages as get_flashed_messages
from gateway.kit.session.login import FlaskLogin as FlaskLogin
from gateway.kit.session.login import Protection as Protection
from gateway.kit.session.login import load_user as load_user
from gateway.kit.session.login import log_in as log_in
from gateway.kit.session.login import log_out as log_out
from gateway.kit.session.login import login_user_id as login_user_id
from gateway.kit.session.login import session_identifier as session_identifier
from gateway.kit.session.middleware import FlaskSession as FlaskSession
from gateway.kit.session.remember import RememberCookie as RememberCookie
