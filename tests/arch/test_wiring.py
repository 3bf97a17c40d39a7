"""What is named by a string is there: jobs, queues, migrations, tables."""

import ast
import importlib
from collections.abc import Iterable

import pytest
from alembic.script import ScriptDirectory
from rq import Queue, Worker

from app.kernel.queues import JobName, QueueName
from jobs import worker
from tests.arch.source import ROOT, imports, python_files, read


def jobs_in(text: str) -> set[str]:
    """The names of the functions of a module that carry @job."""
    functions = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    return {
        function.name
        for function in functions
        if any(isinstance(each, ast.Name) and each.id == "job" for each in function.decorator_list)
    }


def lost_jobs(names: Iterable[str]) -> list[str]:
    """Those of these import paths that are no function under @job."""
    lost = []
    for name in names:
        module, _, function = name.rpartition(".")
        path = module.replace(".", "/") + ".py"
        if not (ROOT / path).exists() or function not in jobs_in(read(path)):
            lost.append(name)
    return lost


def test_every_job_name_is_a_function_under_job() -> None:
    assert lost_jobs(JobName) == []
    for name in JobName:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function))


def test_a_lost_job_is_seen() -> None:
    names = ["jobs.sending.sent_slice", "jobs.sending.Path", "jobs.nowhere.run", "jobs.sending.send_slice"]
    assert lost_jobs(names) == names[:3]
    assert jobs_in("@job\ndef a(): pass\n\ndef b(): pass") == {"a"}


def served_queues(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> list[str]:
    """The queues that jobs.worker works when it is started with these names, in its order."""
    served: list[Queue] = []
    monkeypatch.setattr(worker.HouseWorker, "work", lambda self, **_options: served.extend(self.queues))
    assert worker.main(names) == 0
    return [queue.name for queue in served]


@pytest.mark.usefixtures("app")
def test_every_queue_is_served_by_a_worker_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert issubclass(worker.HouseWorker, Worker)
    assert served_queues(monkeypatch, []) == [name.value for name in QueueName]


@pytest.mark.usefixtures("app")
def test_a_worker_for_one_queue_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served_queues(monkeypatch, ["bulk"]) == ["bulk"]


def test_migrations_have_one_head_and_one_root() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def has_tables(text: str) -> bool:
    """Whether a module defines a table: a class on FAB's Model, or a Table."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).split(".")[-1] == "Model" for base in node.bases):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Table":
            return True
    return False


def without_list(modules: Iterable[str], text: str) -> list[str]:
    """Those of these modules with tables that the text of app/models.py does not import."""
    imported = {target for target, _line in imports("app/models.py", text)}
    return [module for module in modules if module not in imported]


def test_every_table_is_in_models() -> None:
    defining = [name for name in python_files("app") if has_tables(read(name))]
    modules = [name.removesuffix(".py").replace("/", ".") for name in defining]
    assert "app.sending.models" in modules
    assert "app.kernel.leases" in modules
    assert without_list(modules, read("app/models.py")) == []


def test_a_forgotten_table_is_seen() -> None:
    assert without_list(["app.voice.models"], read("app/models.py")) == ["app.voice.models"]
    assert has_tables("class Call(Owned, Model):\n    pass")
    assert has_tables('call = sa.Table("call", metadata)')
    assert not has_tables("class ModelView(Base):\n    pass")
