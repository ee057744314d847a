"""The review page: what it asks and is answered. The work itself is `sessions_app.review`."""
