import json
import logging

import pytest
import structlog

from minikube_py.runtime import logs


@pytest.fixture(autouse=True)
def unconfigured():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_lines(capsys):
    logs.configure("scheduler")
    structlog.get_logger("scheduler").info("Pod bound", pod="default/web", why="it fits", score=3)
    structlog.get_logger("scheduler").debug("Not shown")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("Z info    scheduler: Pod bound pod=default/web why='it fits' score=3")


def test_json_lines(capsys):
    logs.configure("kubelet", "warning", "json")
    structlog.get_logger("kubelet").warning("Probe failed", pod="default/web")
    entry = json.loads(capsys.readouterr().err)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"level": "warning", "component": "kubelet", "event": "Probe failed", "pod": "default/web"}


def test_the_standard_library_comes_out_alike(capsys):
    logs.configure("apiserver")
    logging.getLogger("uvicorn").warning("Port %d taken", 1)
    assert capsys.readouterr().err.endswith("Z warning apiserver: Port 1 taken\n")


def test_exceptions_are_shown(capsys):
    logs.configure("apiserver")
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("apiserver").exception("Failed")
    assert "ValueError: broken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("level", "form", "message"),
    [
        pytest.param("loud", "text", "unknown log level 'loud'", id="level"),
        pytest.param("info", "xml", "unknown log format 'xml'", id="format"),
    ],
)
def test_bad_settings_are_refused(level, form, message):
    with pytest.raises(ValueError, match=message):
        logs.configure("x", level, form)
