"""What the hub's API can do wrong: each ends in the right answer, after a while, or in one clear line."""

import time

import pytest
from hub.conftest import weights
from hub.server import Fault

from hallmarks.trajectory.hub import listing

MODEL = "org/model"
ADDRESS = f"hf://{MODEL}@step*"


@pytest.fixture
def model(published, monkeypatch):
    monkeypatch.setattr(listing, "TIMEOUT", 2.0)
    for step in (0, 5, 9):
        published.publish(MODEL, f"step{step}", {"model.safetensors": weights(step)})
    return published


def answers(status, headers=None, body=b""):
    return lambda handler, request, entry: handler.answer(status, headers or {}, body)


def silence(handler, request, entry):
    handler.server.hub.closed.wait(20)


def broken_off(handler, request, entry):
    handler.close_connection = True


def cut(handler, request, entry):
    handler.begin(200, {"Content-Type": "application/json", "Content-Length": "1000"})
    handler.wfile.write(b'{"branches": [')
    handler.close_connection = True


def at(model, act, end, times=1.0):
    """A fault of the addresses that end so."""
    wanted = {"refs": lambda r: r.path.endswith("/refs"), "tree": lambda r: "/revision/" in r.path}[end]
    model.faults.append(Fault(act, "hub", times, wanted))


WHERE = ["refs", "tree"]


@pytest.mark.parametrize("end", WHERE)
@pytest.mark.parametrize("act", [answers(503), answers(429), answers(500), broken_off, silence, cut], ids=str)
def test_once_is_asked_again(model, call, end, act):
    at(model, act, end)
    status, said, line = call("hub", "check", ADDRESS)
    assert status == 0 and "3 revisions" in said, line


@pytest.mark.parametrize("end", WHERE)
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (answers(503), "answers 503, asked 3 times; try again later"),
        (answers(429), "answers 429, too many requests, asked 3 times"),
        (broken_off, "does not answer ("),
        (silence, "does not answer ("),
        (cut, "does not answer ("),
        (answers(200, {}, b"<html>a portal</html>"), "answers what is no hub's answer"),
        (answers(200, {}, b"[]"), "answers what is no hub's answer"),
        (answers(418), "answers 418"),
    ],
)
def test_for_ever_is_one_line(model, call, end, act, said):
    at(model, act, end, float("inf"))
    status, _, line = call("hub", "check", ADDRESS)
    assert status == 2 and line.count("\n") == 1, line
    where = MODEL if end == "refs" else f"{MODEL}@step"
    assert line.startswith(f"hallmarks hub: {where}") and said in line and model.url in line


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {"ratelimit": '"api";r=0;t=1'}])
def test_the_hub_says_how_long_to_wait(model, call, headers):
    at(model, answers(429, headers), "refs")
    began = time.monotonic()
    assert call("hub", "check", ADDRESS)[0] == 0
    assert time.monotonic() - began > 1


def test_a_wait_of_hours_is_said_and_not_waited_for(model, call, monkeypatch):
    at(model, answers(429, {"Retry-After": "7200"}), "refs", float("inf"))
    monkeypatch.setattr(listing.time, "sleep", lambda seconds: pytest.fail("waited"))
    status, _, line = call("hub", "check", ADDRESS)
    assert status == 2 and "try again in 7200 s, as it says; with HF_TOKEN it takes more requests" in line
