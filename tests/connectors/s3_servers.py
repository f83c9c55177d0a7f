"""Two real S3 servers that check signatures and refuse wrong keys, started on this machine.

OpenStack Swift with its S3 interface is what providers run; it has no conditional replacement. Moto's server, with the
identity checks switched on, has it as AWS has.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import pytest

from tests.conftest import NO_WAY_HERE
from tests.connectors.environments import clean_environment, free_port, python_with

PACKAGES = ("swift==2.38.3", "moto[server,s3]==5.2.5", "setuptools<81")
MOTO = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
MOTO_USER = """
import boto3, json, sys
keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
iam = boto3.client("iam", endpoint_url=sys.argv[1], region_name="us-east-1", **keys)
iam.create_user(UserName="shop")
key = iam.create_access_key(UserName="shop")["AccessKey"]
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="shop", PolicyName="all", PolicyDocument=json.dumps(everything))
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"""
BUCKET = """
import boto3, sys
url, key, secret, bucket = sys.argv[1:]
keys = {"aws_access_key_id": key, "aws_secret_access_key": secret}
boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket=bucket)
"""
RINGS = """
import sys
from swift.common.ring import RingBuilder
for name, _, port in (one.partition(":") for one in sys.argv[2:]):
    ring = RingBuilder(4, 1, 1)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1,
                  "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
    ring.rebalance()
    ring.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
"""
STORAGE = ("account", "container", "object")


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket."""

    name: str
    url: str
    key: str
    secret: str
    bucket: str
    log: Path
    swaps: bool

    def environment(self, **other: str) -> dict[str, str]:
        """Give the variables under which its owner works."""
        ours = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_ENDPOINT_URL": self.url}
        return {**ours, **other}

    def fetched(self, since: int) -> list[str]:
        """Give the objects that were read since the log was so long, as paths below the bucket."""
        bucket = f"/{self.bucket}/"
        asked = re.findall(r"GET (/[^ ?]*)", self.log.read_text()[since:])
        return [unquote(path).removeprefix(bucket) for path in asked if path.startswith(bucket)]

    def seen(self) -> int:
        """Say how long the log is."""
        return len(self.log.read_text())


@contextmanager
def moto(cache: Path, folder: Path) -> Iterator[S3Server]:
    """Start moto's server with its identity checks on, and make a user and a bucket."""
    python = python_with(cache, *PACKAGES)
    port, log = free_port(), folder / "moto.log"
    url = f"http://127.0.0.1:{port}"
    # the three calls that make the user are not checked, all later ones are; a look would count as one of them
    with _process([python, "-c", MOTO, str(port)], log, INITIAL_NO_AUTH_ACTION_COUNT="3"):
        _wait(url, log, look=False)
        key, secret = json.loads(_python(python, MOTO_USER, url))
        _python(python, BUCKET, url, key, secret, "team")
        yield S3Server("moto", url, key, secret, "team", log, swaps=True)


@contextmanager
def swift(cache: Path, folder: Path) -> Iterator[S3Server]:
    """Start Swift's account, container, object and proxy servers over one folder, and make a bucket."""
    try:
        os.setxattr(folder, "user.blindspot", b"1")
    except (OSError, AttributeError) as error:
        pytest.skip(f"{NO_WAY_HERE}: Swift wants extended attributes of its file system, {folder} has none ({error})")
    python = python_with(cache, *PACKAGES)
    conf, log, programs = folder / "conf", folder / "swift.log", python.parent
    (folder / "node" / "d1").mkdir(parents=True)
    conf.mkdir()
    (conf / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    ports = {name: free_port() for name in (*STORAGE, "proxy")}
    always = f"bind_ip = 127.0.0.1\nworkers = 0\nuser = {getpass.getuser()}\nswift_dir = {conf}\n"
    _python(python, RINGS, str(conf), *(f"{name}:{ports[name]}" for name in STORAGE))
    for name in STORAGE:
        (conf / f"{name}.conf").write_text(
            f"[DEFAULT]\n{always}bind_port = {ports[name]}\nmount_check = false\n"
            f"devices = {folder / 'node'}\ndisable_fallocate = true\n"
            f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
        )
    filters = ("catch_errors", "gatekeeper", "listing_formats", "bulk", "s3api", "tempauth", "slo")
    (conf / "proxy.conf").write_text(
        f"[DEFAULT]\n{always}bind_port = {ports['proxy']}\n"
        f"[pipeline:main]\npipeline = {' '.join(filters)} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in filters).replace(
            "use = egg:swift#tempauth\n", "use = egg:swift#tempauth\nuser_shop_maya = a-secret-of-swift .admin\n"
        )
    )
    url = f"http://127.0.0.1:{ports['proxy']}"
    with ExitStack() as running:
        for name in ports:
            program = [programs / f"swift-{name}-server", conf / f"{name}.conf"]
            running.enter_context(_process(program, log, SWIFT_CONF_FILE=str(conf / "swift.conf")))
        for port in ports.values():
            _wait(f"http://127.0.0.1:{port}", log)
        _python(python, BUCKET, url, "shop:maya", "a-secret-of-swift", "team")
        yield S3Server("swift", url, "shop:maya", "a-secret-of-swift", "team", log, swaps=False)


@contextmanager
def _process(command: list[str | Path], log: Path, **environment: str) -> Iterator[None]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=clean_environment(**environment))
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _python(python: Path, script: str, *arguments: str) -> str:
    done = subprocess.run(
        [python, "-c", script, *arguments], capture_output=True, text=True, timeout=120, env=clean_environment()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _wait(url: str, log: Path, *, look: bool = True) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            if look:
                urlopen(url, timeout=5).read()
            else:
                socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=5).close()
        except HTTPError:
            return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
