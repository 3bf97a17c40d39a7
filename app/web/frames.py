"""HTML that people wrote, for a frame in which it may look as it likes and do nothing."""

from werkzeug.wrappers import Response

_LOOKS = "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src https: data:"


def framed(html: str) -> Response:
    """The page of a frame. Its links open in a new window, if the frame that shows it lets them."""
    policy = f"sandbox allow-popups allow-popups-to-escape-sandbox; {_LOOKS}"
    return Response(f"<base target=_blank>{html}", mimetype="text/html", headers={"Content-Security-Policy": policy})
