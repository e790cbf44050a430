"""Finds `creditbench serve`, or starts it, and asks it."""

import atexit
import http.client
import json
import os
import secrets
import shlex
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

# Seconds that an answer may take.
TIMEOUT = 900


class CreditError(RuntimeError):
    """The server refused a request, or there is none."""


_lock = threading.Lock()
_started = None  # (our process id, the server's process, its address, its token)


def post(body):
    """The answer of POST /v1/credit to a request, a text of JSON.

    Goes to the address in CREDITBENCH_URL (with the token in CREDITBENCH_TOKEN, if it is set); if there is none, to a server
    that this process starts and that ends with it.
    """
    url = os.environ.get("CREDITBENCH_URL")
    if url:
        return _ask(url, os.environ.get("CREDITBENCH_TOKEN"), body)
    try:
        return _ask(*_own_server(), body)
    except (ConnectionError, http.client.HTTPException):
        # Somebody ended it. A request changes nothing: it can be asked again.
        return _ask(*_own_server(), body)


def _ask(url, token, body):
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=TIMEOUT)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request("POST", f"{address.path.rstrip('/')}/v1/credit", body.encode(), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200:
        raise CreditError(f"creditbench serve at {url}: {answer.get('error', answer)}")
    return answer


def _own_server():
    global _started
    with _lock:
        if _started is not None:
            owner, process, url, token = _started
            if owner == os.getpid() and process.poll() is None:
                return url, token
        token = secrets.token_hex(32)
        process = subprocess.Popen(
            [*_command(), "serve", "--port", "0", "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "CREDITBENCH_TOKEN": token},
            text=True,
        )
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            process.kill()
            raise CreditError(f"'{shlex.join(process.args)}' did not start: {line.strip() or process.wait()}")
        url = line.removeprefix("listening on ").strip()
        _started = (os.getpid(), process, url, token)
        atexit.register(_end, process, os.getpid())
        return url, token


def _end(process, owner):
    if owner == os.getpid() and process.poll() is None:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _command():
    given = os.environ.get("CREDITBENCH_BIN")
    if given:
        return shlex.split(given)
    found = shutil.which("creditbench")
    if found:
        return [found]
    npx = shutil.which("npx")
    if npx:
        return [npx, "--no-install", "creditbench"]
    raise CreditError(
        "creditbench is not on the PATH; valid: npm install --global creditbench, CREDITBENCH_BIN=command, "
        "or CREDITBENCH_URL=address of 'creditbench serve'"
    )
