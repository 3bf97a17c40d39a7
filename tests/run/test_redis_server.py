"""The embedded Redis: in a folder of any name, only for those who know its password, on the loopback interface."""

from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from runner import redis_server
from runner.supervisor import Supervisor


@pytest.mark.parametrize("name", ["a b", 'qu"ote', "back\\slash", "ö 'x", "ha#sh"])
def test_it_keeps_its_files_in_the_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    instance = tmp_path / name
    instance.mkdir()
    supervisor = Supervisor()
    try:
        url = redis_server.start(supervisor, instance)
        with Redis.from_url(url) as client:
            client.set("kept", "yes")
        with Redis(port=urlsplit(url).port or 0) as stranger, pytest.raises(AuthenticationError):
            stranger.get("kept")
        process = supervisor.children[0].process
        assert process is not None
        listening = [each for each in psutil.Process(process.pid).net_connections() if each.status == "LISTEN"]
        assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    finally:
        supervisor.stop()
    files = sorted(path.name for path in (instance / "redis").iterdir())
    assert files == ["appendonlydir", "redis.conf", "redis.log"]

    again = Supervisor()
    try:
        with Redis.from_url(redis_server.start(again, instance)) as client:
            assert client.get("kept") == b"yes"
    finally:
        again.stop()
