"""What schemathesis is told beside the document: who calls, what our formats mean, and what is left out, with reasons."""

import atexit
import collections
import functools
import json
import math
import os
import unicodedata
import urllib.request
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation.jsonschema.context import FormatLengths
from schemathesis.specs.openapi import formats

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

    @schemathesis.auth().skip_for(path=["/api/v1/auth/logout-all", "/api/v1/users/me/username"])
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


    @schemathesis.auth().apply_to(path="/api/v1/users/me/username")
    class RenamedToken(Token):
        """Who gets another name logs in by address from then on."""

        def get(self, case, context):
            return login(WORLD["renamed"])["access_token"]


# What our formats mean.

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äßñéøčжשع日本語"


def visible_text(low=1, high=None):
    return st.text(LETTERS + " -.,'!?", min_size=max(low, 1), max_size=high).filter(str.strip)


def password(low=24, high=64):
    return st.text(LETTERS, min_size=low, max_size=high)


def cursor(low=43, high=54):
    return st.text("ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789-_", min_size=low, max_size=high)


OURS = {"visible-text": visible_text, "password": password, "cursor": cursor}
for name, texts in OURS.items():
    schemathesis.openapi.format(name, texts())
schemathesis.openapi.format("emoji", st.sampled_from(["👍", "🎉", "😀", "❤️", "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣"]))

known_lengths = formats._format_lengths


@functools.cache
def lengths(names):
    """schemathesis draws texts of its own formats as long as a schema wants them, and of ours until one happens to be: that takes most of its time."""

    def within(texts):
        return lambda low, high: texts(low, None if math.isinf(high) else high)

    ours = {name: FormatLengths(1, math.inf, within(texts)) for name, texts in OURS.items()}
    return known_lengths(names) | ours


formats._format_lengths = lengths


def formats_by_name():
    """The formats of the document's fields, by their names."""
    found = collections.defaultdict(set)

    def walk(node):
        if isinstance(node, list):
            for part in node:
                walk(part)
        if not isinstance(node, dict):
            return
        for name, schema in node.get("properties", {}).items():
            if isinstance(schema, dict) and "format" in schema:
                found[name].add(schema["format"])
        for part in node.values():
            walk(part)

    with urllib.request.urlopen(WORLD["url"] + "/openapi.json") as answer:
        walk(json.load(answer))
    return found


FORMATS = formats_by_name()


def is_visible(text):
    """Whether a text is as `visible-text` wants it, beyond any doubt."""
    kinds = [unicodedata.category(char) for char in text]
    return any(kind[0] in "LNPS" for kind in kinds) and all(kind[0] in "LMNPS" or kind == "Zs" for kind in kinds)


def is_taken_rightly(failure, case):
    """schemathesis takes each text for a breach of a format that it does not know: those that may be seen are none, nor is an empty one, which only a least length forbids."""
    if type(failure).__name__ != "AcceptedNegativeData":
        return False
    mutations = getattr(case.meta.phase.data, "mutations", ())

    def is_none(mutation):
        name = mutation.schema_pointer.rpartition("/")[2]
        value = case.body.get(name) if isinstance(case.body, dict) else None
        is_ours = mutation.keywords == ("format",) and FORMATS[name] == {"visible-text"}
        return is_ours and isinstance(value, str) and (not value or is_visible(value))

    return bool(mutations) and all(is_none(mutation) for mutation in mutations)


# What is left out: failures that tell nothing, each by exactly what the server says.

LEFT_OUT = {
    # A cursor is signed: none is valid but those that the server gave for the same list.
    ("cursor", "must be a cursor of this list"),
    ("before", "must be a cursor of this list"),
    ("after", "must be a cursor of this list"),
    # OpenAPI cannot say that two parameters exclude each other.
    ("after", "give either before or after, not both"),
    ("around", "give one of before, after, around, at and unread"),
    ("at", "give one of before, after, around, at and unread"),
    ("unread", "give one of before, after, around, at and unread"),
    # How easy a password is to guess is judged by a list of words, not by a rule.
    ("password", "This password is too easy to guess."),
    # Which messages a room has is not in the document; those that it has are in the dictionaries.
    ("reply_to", "must be a message of the room"),
    ("new_password", "This password is too easy to guess."),
    # Codes and links are secrets: none is valid but those that were sent.
    (None, "The code is wrong or has expired."),
    (None, "The link is wrong, has expired or was used."),
    # This server sends no mail.
    ("verification", "needs mail, and this server has none"),
    # Bytes that are no picture are as good as any to a schema.
    (None, "The picture is broken or has too many pixels."),
    (None, "Files of this kind are not taken here."),
    # How long a file may be is set by another operation.
    (None, "The file is too large."),
    # Who asks is not in the document.
    ("user", "must be somebody else"),
    # Which words are welcome is set by another operation.
    (None, "It has a word that is not welcome here."),
    *((field, "has a word that is not welcome here") for field in ("name", "description", "topic", "username", "display_name", "bio")),
    # Which kind of room it is stands in none of its addresses.
    ("name", "must be given, only groups may be without one"),
    # Which fields go together is said in words.
    ("password", "is for rooms with the join rule password"),
    ("password", "is needed for the join rule password"),
    ("expires_in_s", "give either expires_at or expires_in_s, not both"),
    # Files belong to somebody, and none of theirs is in the dictionaries.
    ("attachments", "must be files of yours that are attached to nothing else"),
    # What a schema cannot say of an address and of keys.
    *(("endpoint", detail) for detail in (
        "must be an address of the form https://host/path",
        "must begin with https://",
        "must have no user name and no password",
        "must have no port, or the usual one",
        "must be a public address",
    )),
    ("keys.p256dh", "must be a public key of P-256, 65 bytes as base64url"),
    ("keys.auth", "must be 16 bytes as base64url"),
    # What a word is, is not a rule of a schema.
    ("q", "must have a word or a phrase that is not excluded"),
    ("q", "must have at most 8 terms"),
    # JSON Schema knows no clock.
    ("send_at", "must be 10 seconds to 366 days ahead"),
    ("expires_at", "must be in 60 seconds to 366 days"),
    ("until", "must be in the future"),
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if is_taken_rightly(failure, case):
        return False
    if response.status_code not in (400, 413, 415) or type(failure).__name__ != "RejectedPositiveData":
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
