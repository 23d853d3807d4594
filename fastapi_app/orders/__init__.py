"""/api/orders"""

from fastapi_app.orders.router import router as router
