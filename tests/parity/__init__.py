"""Flask under gunicorn, and its FastAPI port: naive, with the kit, and with the kit behind Banyan."""
