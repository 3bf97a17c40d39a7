"""One small file over https: no redirects, a short patience, a bound on its size."""

import http.client
import ssl
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 64 * 1024


def fetch(address: str) -> bytes:
    """What is at this https address. Raises OSError for anything but a small answer with status 200."""
    parts = urlsplit(address)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
    )
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        answer = connection.getresponse()
        body = answer.read(MAX_BYTES + 1)
        if answer.status != 200 or len(body) > MAX_BYTES:
            raise OSError(f"status {answer.status}, {len(body)} bytes")
        return body
    except http.client.HTTPException as error:
        raise OSError(type(error).__name__) from error
    finally:
        connection.close()
