import re
import shutil

import pytest

from bench import bearers
from bench.bearers import main


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_a_small_real_run_of_every_bearer(capsys):
    assert main(["--streams", "50", "--rounds", "2", "--events", "2"]) == 0
    output = capsys.readouterr().out
    rows = re.findall(
        r"^(HTTP\S+.*?) {2,}\S+ +\d+ +([\d.]+) .* ms +([\d.]+) ms$", output, re.MULTILINE
    )
    assert [name for name, _, _ in rows] == [
        "HTTP/1.1",
        "HTTP/1.1 over TLS",
        "HTTP/2 over TLS",
        "HTTP/2, 50 together",
    ]
    # Few clients may have the event before the server is done, and charged for it.
    assert all(float(delivery) >= 0 and float(last) > 0 for _, delivery, last in rows)


def test_too_many_streams_are_refused(capsys):
    assert main(["--streams", "9999999"]) == 2
    assert "streams" in capsys.readouterr().err


def test_without_openssl_there_is_no_certificate(capsys, monkeypatch):
    monkeypatch.setattr(bearers.shutil, "which", lambda _: None)
    assert main(["--streams", "1"]) == 2
    assert "openssl" in capsys.readouterr().err
