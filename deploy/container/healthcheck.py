"""Whether the server process in this container is ready; the exit code says so to Docker."""

import os
import urllib.request

# The server answers to the names of ALLOWED_HOSTS only.
host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
request = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
urllib.request.urlopen(request, timeout=4).close()  # noqa: S310 - a fixed address
