"""docs/operation.md: what it names is there, and what is there it names."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo

from config import ROOT

PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
SOURCES = [ROOT / "config.py", ROOT / "wsgi.py", *sorted((ROOT / "runner").glob("*.py"))]
SPEAKING = [*SOURCES, ROOT / "app/kernel/crypto.py", ROOT / "app/web/security.py"]
VARIABLE = re.compile(r"MUSTER_[A-Z_]+|DATABASE_URL|REDIS_URL|SECRET_KEY")
INTERNAL = {"MUSTER_DEMO"}  # run.py --demo tells its children


def cells(heading: str, number: int) -> list[str]:
    """A column of the table under a heading."""
    table = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return [row.split(" | ")[number].strip("| ") for row in rows[1:]]


def strings() -> Iterator[str]:
    """Every text in the modules that speak at a start; {} stands for a value."""
    for path in SPEAKING:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def compose() -> dict[str, Any]:
    """The services of the compose file."""
    services: dict[str, Any] = yaml.safe_load(PAGE.split("```yaml\n", 1)[1].split("```", 1)[0])["services"]
    return services


def test_every_variable_is_in_the_table_and_no_other() -> None:
    documented = set(VARIABLE.findall(" ".join(cells("Settings", 0))))
    read = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    }
    assert documented == read - INTERNAL


@pytest.mark.parametrize(
    "words", [each for cell in cells("What the sentences at the start mean", 0) for each in cell.split(" / ")]
)
def test_every_sentence_of_the_table_is_said_somewhere(words: str) -> None:
    pattern = re.compile(".*".join(re.escape(part.strip(" '")) for part in words.split("…")))
    assert any(pattern.search(text) for text in strings()), words


def test_every_command_of_the_page_is_there(panel: Flask) -> None:
    named = set(re.findall(r"flask --app wsgi(?::migrations)? ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", PAGE))
    assert {("keys", "rotate"), ("db", "upgrade")} <= named
    every = FlaskGroup(create_app=lambda: panel)  # with those that extensions bring
    context = click.Context(every, obj=ScriptInfo(create_app=lambda: panel))
    for first, second in named:
        command = every.get_command(context, first)
        assert command is not None, first
        if isinstance(command, click.Group):
            assert second in command.commands, f"{first} {second}"


def test_the_modules_and_files_that_processes_are_started_with_are_there() -> None:
    for module in set(re.findall(r"-m ((?:jobs|runner|app)\.[\w.]+)", PAGE)):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    assert set(re.findall(r"gunicorn -c (\S+)", PAGE)) == {"runner/web.py"}


def test_the_compose_file_starts_nothing_before_the_upgrade_is_done() -> None:
    services = compose()
    for name in ("web", "worker", "scheduler"):
        conditions = {on: each["condition"] for on, each in services[name]["depends_on"].items()}
        assert conditions == {"upgrade": "service_completed_successfully", "redis": "service_started"}
        assert services[name]["env_file"] == "muster.env"
    assert services["upgrade"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in services["database"]
    assert [name for name, service in services.items() if service.get("ports")] == ["web"]
