"""The review page: what it asks and sends; what is done to a transcript is `sessions_app.review`."""
