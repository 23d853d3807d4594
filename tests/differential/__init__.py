"""The same Flask app under gunicorn and behind Banyan: raw requests, and their answers compared."""
