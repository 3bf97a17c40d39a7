"""Certificates for test servers."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.providers.helpers import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A private authority, and server certificates it made for the right and for the wrong name."""
    authority = trustme.CA()
    ca_file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))

    def context_for(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    return Certificates(str(ca_file), context_for("127.0.0.1"), context_for("other.example"))
