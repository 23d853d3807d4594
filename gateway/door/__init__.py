"""The front door: legacy's routing rules decide what a request reaches, whichever stack answers."""
