"""/api/config"""

from fastapi_app.config.router import router as router
