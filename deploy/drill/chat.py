"""People who chat through the load balancer while a deployment is changed under them, and count what they miss.

Usage: chat.py ADDRESS SECONDS STOP_FILE < credentials of the command `seed`. Ends when STOP_FILE appears, at the latest after SECONDS.
Everybody keeps a message until its `ack`, comes back after a close with the position they have, and sends again what had no `ack`. At
the end each message that was acknowledged must be with everybody who was in its room, once, in order, and in history. Prints a
summary as JSON; the exit code is 0 only if nothing is lost, repeated or out of order.
"""

import asyncio
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

import websockets

MESSAGES_PER_SECOND = 1.0
# After the last message: until everybody has everything.
SETTLE_SECONDS = 60
# A client that is not served waits this long at most before it tries again.
BACKOFF_SECONDS_MAX = 2.0
PAGE = 100
# Of a request that is refused for now.
TRIES = 10


class Count:
    """What happened to all of them together."""

    def __init__(self):
        self.acked = {}
        self.closes = {}
        self.refused = 0
        self.moves = 0
        self.gaps = self.resets = self.repeated = self.misordered = self.errors = 0
        self.longest_pause = 0.0


class Client:
    """One user with one socket, in the rooms that the command `seed` put them into."""

    def __init__(self, address, token, room, count):
        self.url, self.token, self.room, self.count = f"ws://{address}/ws", token, room, count
        self.position = None
        self.seen = {}
        self.unsent = {}
        self.live = asyncio.Event()
        self.socket = None

    async def stay_connected(self):
        pause, lost = 0.1, time.monotonic()
        while True:
            try:
                async with websockets.connect(self.url, subprotocols=["chat.v1", f"bearer.{self.token}"]) as socket:
                    self.socket, pause = socket, 0.1
                    await self.converse(socket, lost)
                    lost = time.monotonic()
            except (OSError, websockets.InvalidHandshake):
                self.count.refused += 1
            self.live.clear()
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(pause * 2, BACKOFF_SECONDS_MAX)

    async def converse(self, socket, lost):
        returned = self.position is not None
        try:
            while True:
                frame = json.loads(await socket.recv())
                await getattr(self, f"on_{frame['type']}", self.ignore)(frame)
                if frame["type"] == "caught_up" and returned:
                    self.count.longest_pause = max(self.count.longest_pause, time.monotonic() - lost)
                    returned = False
        except websockets.ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else "none"
            self.count.closes[code] = self.count.closes.get(code, 0) + 1

    async def ignore(self, frame):
        pass

    async def on_hello(self, _):
        await self.subscribe()

    async def subscribe(self):
        room = {"room": self.room}
        if self.position:
            room["epoch"], room["seq"] = self.position
        await self.socket.send(json.dumps({"type": "subscribe", "rooms": [room]}))

    async def on_subscribed(self, frame):
        if self.position is None:
            self.position = (frame["epoch"], frame["head"])

    async def on_caught_up(self, _):
        self.live.set()
        for client_id, text in list(self.unsent.items()):
            await self.send(client_id, text)

    async def on_gap(self, _):
        self.count.gaps += 1

    async def on_reset(self, frame):
        self.count.resets += 1
        self.position = (frame["epoch"], frame["head"])

    async def on_reconnect(self, _):
        self.count.moves += 1

    async def on_new_message(self, frame):
        epoch, seq = frame["epoch"], frame["seq"]
        known_epoch, known = self.position
        if epoch == known_epoch and seq <= known:
            self.count.repeated += 1
            return
        if epoch == known_epoch and seq != known + 1:
            self.count.misordered += 1
        self.position = (epoch, seq)
        self.seen.setdefault(frame["message"]["message_id"], 0)
        self.seen[frame["message"]["message_id"]] += 1

    async def on_ack(self, frame):
        if self.unsent.pop(frame["client_id"], None) is not None:
            self.count.acked[frame["message_id"]] = self.room

    async def on_error(self, frame):
        self.count.errors += 1
        if (text := self.unsent.get(frame.get("client_id"))) is not None:
            asyncio.get_running_loop().call_later(
                frame.get("retry_after_ms", 1000) / 1000, lambda: asyncio.ensure_future(self.send(frame["client_id"], text))
            )
        elif frame.get("room"):
            await asyncio.sleep(0.5)
            await self.subscribe()

    async def talk(self, stop):
        while not stop.is_set():
            await asyncio.sleep(random.uniform(0.5, 1.5) / MESSAGES_PER_SECOND)
            client_id = str(uuid.uuid4())
            self.unsent[client_id] = f"message {client_id}"
            if self.live.is_set():
                await self.send(client_id, self.unsent[client_id])

    async def send(self, client_id, text):
        frame = {"type": "message", "room": self.room, "client_id": client_id, "content": text}
        try:
            if client_id in self.unsent:
                await self.socket.send(json.dumps(frame))
        except websockets.ConnectionClosed:
            pass


def asked(request):
    """The answer to a request; one that says `later` is made again."""
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise
            time.sleep(int(error.headers.get("Retry-After", "1")))
    raise SystemExit(f"{request.full_url} was refused {TRIES} times")


def history(address, room, token):
    """Ids of all messages of a room, by REST."""
    ids, cursor = {}, ""
    while cursor is not None:
        url = f"http://{address}/api/v1/rooms/{room}/messages?limit={PAGE}{cursor}"
        page = asked(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"}))
        for event in page["events"]:
            if event["type"] == "new_message":
                message_id = event["message"]["message_id"]
                ids[message_id] = ids.get(message_id, 0) + 1
        previous = page.get("prev_cursor")
        cursor = f"&before={previous}" if previous else None
    return ids


async def main(address, seconds, stop_file):
    made = json.load(sys.stdin)
    count, stop = Count(), asyncio.Event()
    rooms = made["rooms"]
    clients = [Client(address, token, rooms[i % len(rooms)], count) for i, token in enumerate(made["tokens"])]
    connected = [asyncio.create_task(client.stay_connected()) for client in clients]
    await asyncio.gather(*(asyncio.wait_for(client.live.wait(), 60) for client in clients))
    print("everybody is connected", file=sys.stderr, flush=True)
    talking = [asyncio.create_task(client.talk(stop)) for client in clients]
    end = time.monotonic() + seconds
    while time.monotonic() < end and not os.path.exists(stop_file):
        await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*talking)

    def missing():
        return [m for c in clients for m, room in count.acked.items() if room == c.room and m not in c.seen]

    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end and (missing() or any(client.unsent for client in clients)):
        await asyncio.sleep(0.2)
    for task in connected:
        task.cancel()
    stored = {}
    for i, room in enumerate(rooms):
        stored |= history(address, room, made["tokens"][i])
    summary = {
        "clients": len(clients),
        "acknowledged": len(count.acked),
        "never acknowledged": sum(len(client.unsent) for client in clients),
        "lost": len(set(missing())),
        "not in history": len(set(count.acked) - set(stored)),
        "twice in history": sum(1 for times in stored.values() if times > 1),
        "shown twice": sum(1 for client in clients for times in client.seen.values() if times > 1),
        "repeats that a position tells": count.repeated,
        "out of order": count.misordered,
        "gaps": count.gaps,
        "resets": count.resets,
        "closes": count.closes,
        "asked to move": count.moves,
        "connections refused": count.refused,
        "errors": count.errors,
        "longest pause of a client, s": round(count.longest_pause, 1),
    }
    print(json.dumps(summary, indent=2))
    bad = ("never acknowledged", "lost", "not in history", "twice in history", "shown twice", "out of order")
    return 1 if not count.acked or any(summary[name] for name in bad) else 0


sys.exit(asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3])))
