"""The environment: read once, checked, and every wrong thing named in a sentence."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

import config
from app.kernel.crypto import Keyring


def loaded(tmp_path: Path, **environ: str) -> dict[str, object]:
    return config.load({"MUSTER_INSTANCE": str(tmp_path / "instance"), **environ})


def test_an_empty_environment_gives_defaults_and_keys_that_stay(tmp_path: Path) -> None:
    first, second = loaded(tmp_path), loaded(tmp_path)
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["KEYRING"] == second["KEYRING"]
    assert (first["HOST"], first["PORT"], first["PUBLIC_URL"]) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert str(first["SQLALCHEMY_DATABASE_URI"]).startswith("sqlite:///")
    assert first["DEMO"] is False
    assert sorted(path.name for path in (tmp_path / "instance").iterdir()) == ["keyring.json", "secret_key"]
    for path in (tmp_path / "instance").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MUSTER_PORT", "0", "MUSTER_PORT is '0'"),
        ("MUSTER_PORT", "65536", "Set a number from 1 to 65535"),
        ("MUSTER_PORT", "²", "MUSTER_PORT is"),
        ("MUSTER_DEMO_MAIL_PORT", "smtp", "MUSTER_DEMO_MAIL_PORT is 'smtp'"),
        ("MUSTER_DEMO_PUSH_PORT", "push", "MUSTER_DEMO_PUSH_PORT is 'push'"),
        ("MUSTER_DEMO_TEXT_PORT", "0", "MUSTER_DEMO_TEXT_PORT is '0'"),
        ("MUSTER_PUSH_SERVICES", "https://push.apple.com", "Name domains with spaces between"),
        ("MUSTER_PUSH_SERVICES", "push.apple.com http://10.0.0.7:80", "MUSTER_PUSH_SERVICES has 'http://10.0.0.7:80'"),
        ("MUSTER_PUBLIC_URL", "muster.example.org", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_PUBLIC_URL", "https://muster.example.org/?a=b", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_PUBLIC_URL", "https://[muster.example.org", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_PUBLIC_URL", "https://muster.example.org:99999", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_PUBLIC_URL", "https://muster example.org", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_PUBLIC_URL", "https://us:word@muster.example.org", "MUSTER_PUBLIC_URL is"),
        ("MUSTER_SMTP_CA_FILE", "/no/such/ca.pem", "The file /no/such/ca.pem of MUSTER_SMTP_CA_FILE cannot be read"),
        ("SECRET_KEY", "short", "SECRET_KEY is shorter"),
        ("MUSTER_KEYRING", "{}", "(MUSTER_KEYRING)"),
        ("DATABASE_URL", "postgresql://h/b", "DATABASE_URL names no database"),
        ("DATABASE_URL", "mysql://a:b@h:port/b", "DATABASE_URL cannot be read"),
        ("DATABASE_URL", "mysql://a:b@h:3306/", "DATABASE_URL names no database after the host"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    environ = {"MUSTER_KEYRING": Keyring.generate().dump(), name: value}
    with pytest.raises(config.ConfigError) as raised:
        loaded(tmp_path, **environ)
    assert words in str(raised.value)


def test_push_services_are_domains_or_a_stand_in_on_this_machine(tmp_path: Path) -> None:
    given = " push.apple.com  http://127.0.0.1:9000 "
    assert loaded(tmp_path, MUSTER_PUSH_SERVICES=given)["PUSH_SERVICES"] == ("push.apple.com", "http://127.0.0.1:9000")
    assert "fcm.googleapis.com" in str(loaded(tmp_path)["PUSH_SERVICES"])
    assert "127.0.0.1" not in str(loaded(tmp_path)["PUSH_SERVICES"])
    demo = loaded(tmp_path, MUSTER_DEMO="1", MUSTER_DEMO_PUSH_PORT="9001")
    assert demo["PUSH_SERVICES"][-1] == "http://127.0.0.1:9001"


@pytest.mark.parametrize("given", ["", "https://api.twilio.com", "http://127.0.0.1:4010"])
def test_the_demo_has_a_twilio_of_its_own_whatever_is_set(tmp_path: Path, given: str) -> None:
    demo = loaded(tmp_path, MUSTER_DEMO="1", MUSTER_DEMO_TEXT_PORT="9002", MUSTER_TWILIO_URL=given)
    assert demo["TWILIO_URL"] == demo["TWILIO_CONTENT_URL"] == "http://127.0.0.1:9002"
    assert demo["DEMO_TEXT_PORT"] == 9002
    usual = loaded(tmp_path)
    assert (usual["TWILIO_URL"], usual["TWILIO_CONTENT_URL"]) == (config.TWILIO_URL, config.TWILIO_CONTENT_URL)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://[::1]:81"),
        ("10.0.0.7", "http://10.0.0.7:81"),
    ],
)
def test_a_panel_is_reached_on_its_own_machine(host: str, address: str) -> None:
    assert config.address_here(host, 81) == address


def test_a_missing_ca_of_the_database_is_named(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "mysql://root@127.0.0.1/muster", "MUSTER_KEYRING": Keyring.generate().dump()}
    with pytest.raises(config.ConfigError, match="/no/ca.pem of MUSTER_DATABASE_CA_FILE cannot be read"):
        loaded(tmp_path, MUSTER_DATABASE_CA_FILE="/no/ca.pem", **environ)


def test_no_keys_are_made_beside_a_database(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match="keyring.json is missing.*keys make"):
        loaded(tmp_path, DATABASE_URL="mysql://root@127.0.0.1/muster")
    assert not (tmp_path / "instance" / "keyring.json").exists()


@pytest.mark.parametrize("name", ["a b", "wh?at=1", "per%41cent", "ha#sh", 'qu"ote', "back\\slash", "ö'"])
def test_the_database_is_in_its_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    made = config.load({"MUSTER_INSTANCE": str(folder)})
    engine = create_engine(str(made["SQLALCHEMY_DATABASE_URI"]), **made["SQLALCHEMY_ENGINE_OPTIONS"])
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE something (id INTEGER)"))
    engine.dispose()
    assert (folder / "muster.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_both_names_of_mariadb_work_and_errors_hide_values(tmp_path: Path) -> None:
    keys = {"MUSTER_KEYRING": Keyring.generate().dump()}
    for scheme in ("mysql", "mariadb", "mysql+pymysql"):
        made = loaded(tmp_path, DATABASE_URL=f"{scheme}://root@127.0.0.1/muster", **keys)
        assert str(made["SQLALCHEMY_DATABASE_URI"]).endswith("+pymysql://root@127.0.0.1/muster")
        assert made["SQLALCHEMY_ENGINE_OPTIONS"]["hide_parameters"] is True  # type: ignore[index]


def test_an_error_of_the_database_tells_no_values(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    engine = create_engine(str(made["SQLALCHEMY_DATABASE_URI"]), **made["SQLALCHEMY_ENGINE_OPTIONS"])  # type: ignore[arg-type]
    with pytest.raises(OperationalError) as raised, engine.connect() as connection:
        connection.execute(text("SELECT * FROM nothing WHERE name = :name"), {"name": "Ada Lovelace"})
    engine.dispose()
    assert "Lovelace" not in str(raised.value)


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    made = loaded(tmp_path, MUSTER_PUBLIC_URL="https://muster.example.org/")
    assert made["PUBLIC_URL"] == "https://muster.example.org"
    assert made["SESSION_COOKIE_SECURE"] is True
    assert made["SESSION_COOKIE_NAME"] == "__Host-session"


def test_an_ipv6_host_has_brackets_in_addresses(tmp_path: Path) -> None:
    assert loaded(tmp_path, MUSTER_HOST="::1")["PUBLIC_URL"] == "http://[::1]:8080"


def test_a_secret_that_a_full_disk_cut_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "secret_key").write_text("")
    with pytest.raises(config.ConfigError, match="shorter than 32"):
        loaded(tmp_path)
