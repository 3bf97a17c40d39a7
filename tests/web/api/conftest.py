"""Programs that call the API with a token."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.web.conftest import PASSWORD, Browser, add_person

ACCOUNT = {"name": "Shop", "host": "127.0.0.1", "port": 2525, "security": "none", "from_email": "news@shop.example"}


class Program:
    """Calls the API as a person of some role, without cookies."""

    def __init__(self, panel: Flask, token: str) -> None:
        self.browser = Browser(panel, panel.response_class, use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer to one request."""
        headers = self.headers | kwargs.pop("headers", {})
        return self.browser.open(f"/api/v1{path}", method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        """GET."""
        return self.call("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> Any:
        """POST, JSON when given."""
        return self.call("POST", path, **({"json": json} if json is not None else {}), **kwargs)

    def put(self, path: str, json: Any) -> Any:
        """PUT."""
        return self.call("PUT", path, json=json)

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self.call("DELETE", path)

    def upload(self, path: str, data: bytes, name: str) -> Any:
        """POST of a file as multipart/form-data."""
        file = FileStorage(io.BytesIO(data), name, "file", "application/pdf")
        boundary, body = encode_multipart({"file": file})
        return self.call("POST", path, data=body, content_type=f"multipart/form-data; boundary={boundary}")

    def made(self, path: str, json: Any) -> int:
        """The id of a new thing."""
        answer = self.post(path, json)
        assert answer.status_code == 201, answer.text
        made: int = answer.json["id"]
        return made

    def shown(self, path: str) -> Any:
        """What GET shows of a thing."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json["result"]

    def campaign(self, **values: Any) -> int:
        """A draft that can be published: an account and a folder with one person stand behind it."""
        account = self.made("/smtp_account/", ACCOUNT)
        folder = self.made("/folder/", {"name": "People"})
        self.made("/contact/", {"email": "ada@people.example", "first_name": "Ada", "folder_ids": [folder]})
        usual = {"name": "Spring", "smtp_account_id": account, "folder_ids": [folder], "subject": "Hi", "text": "Hello"}
        return self.made("/campaign/", usual | values)


Speak = Callable[[str], Program]


@pytest.fixture()
def program_as(panel: Flask) -> Speak:
    """Signs in by the API as a person of that role."""

    def sign_in(role: str) -> Program:
        body = {"username": add_person(panel, role), "password": PASSWORD, "provider": "db"}
        answer = Program(panel, "").post("/security/login", body)
        return Program(panel, answer.json["access_token"])

    return sign_in


@pytest.fixture()
def admin_program(program_as: Speak) -> Program:
    """A program of the administrator."""
    return program_as("Admin")


@pytest.fixture()
def manager_program(program_as: Speak) -> Program:
    """A program of a campaign manager."""
    return program_as("Campaign Manager")
