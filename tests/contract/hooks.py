"""What schemathesis is told beside the document: who calls, what our formats mean, and what is left out, with reasons."""

import atexit
import collections
import json
import os
import urllib.request
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

WORLD = json.loads(Path("world.json").read_text(encoding="utf-8"))
ROLE = os.environ["ROOKERY_CONTRACT_ROLE"]
CALLS = collections.Counter()


# Who calls.


def login(name):
    body = json.dumps({"login": name, "password": WORLD["password"]}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(WORLD["url"] + "/api/v1/auth/login", body, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if ROLE != "anonymous":

    @schemathesis.auth().skip_for(path="/api/v1/auth/logout-all")
    class Token:
        """The token of the role's user."""

        def get(self, case, context):
            return login(WORLD["people"][ROLE])["access_token"]

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"

    @schemathesis.auth(refresh_interval=None).apply_to(path="/api/v1/auth/logout-all")
    class FreshToken(Token):
        """Logging out everywhere ends every token of its user: it has a user of its own, and a new token each time."""

        def get(self, case, context):
            return login(WORLD["people"]["passer"])["access_token"]


# What our formats mean.

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äßñéøčжשع日本語"

schemathesis.openapi.format("visible-text", st.text(LETTERS + " -.,'!?", min_size=1).filter(str.strip))
schemathesis.openapi.format("emoji", st.sampled_from(["👍", "🎉", "😀", "❤️", "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣"]))
schemathesis.openapi.format("password", st.text(LETTERS, min_size=24, max_size=64))
schemathesis.openapi.format("cursor", st.text("ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789-_", min_size=43, max_size=54))


# What is left out: failures that tell nothing, each by exactly what the server says.

LEFT_OUT = {
    # A cursor is signed: none is valid but those that the server gave for the same list.
    ("cursor", "must be a cursor of this list"),
    ("before", "must be a cursor of this list"),
    ("after", "must be a cursor of this list"),
    # OpenAPI cannot say that two parameters exclude each other.
    ("after", "give either before or after, not both"),
    # How easy a password is to guess is judged by a list of words, not by a rule.
    ("password", "This password is too easy to guess."),
    # Which messages a room has is not in the document; those that it has are in the dictionaries.
    ("reply_to", "must be a message of the room"),
    # JSON Schema knows no clock.
    ("until", "must be in the future"),
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if response.status_code != 400 or type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    return (problem.get("field"), problem.get("detail")) not in LEFT_OUT


# How much was tried.


@schemathesis.hook
def after_call(context, case, response):
    CALLS[case.operation.label] += 1


@atexit.register
def report():
    Path(f"calls-{ROLE}.json").write_text(json.dumps(CALLS), encoding="utf-8")
