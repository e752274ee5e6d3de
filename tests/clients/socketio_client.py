"""A chat client on Python's `python-socketio`: lines in are events to emit, what comes is lines out. It comes back by
itself when its connection breaks.

Usage and lines are those of `socketio.mjs` beside it. It is the client of asyncio: the one of threads hands every event to
a thread of its own, so that the order of events is lost.
"""

import asyncio
import json
import sys

import socketio

url, options = sys.argv[1], json.loads(sys.argv[2])
client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=1, randomization_factor=0.5)


def tell(value):
    print(json.dumps(value), flush=True)


@client.on("connect")
def connected():
    tell({"transport": client.transport()})


@client.on("connect_error")
def refused(reason):
    # What the server says is an object; anything else is the way to it.
    if isinstance(reason, dict):
        tell({"refused": reason})
    else:
        tell({"unreachable": str(reason)})


@client.on("disconnect")
def disconnected(reason):
    final = reason in (client.reason.SERVER_DISCONNECT, client.reason.CLIENT_DISCONNECT)
    tell({"disconnected": reason, "back": not final, "code": None})


@client.on("*")
def event(name, *payload):
    tell({"event": name, "payload": payload[0] if payload else None})


async def emit(line):
    ack = line["ack"]
    try:
        await client.emit(line["emit"], line["payload"], callback=lambda answer: tell({"ack": ack, "answer": answer}))
    except socketio.exceptions.SocketIOError as error:
        tell({"ack": ack, "lost": str(error)})


async def main():
    bearer = f"Bearer {options.get('token')}"
    way = options["way"]
    try:
        await client.connect(
            url,
            auth={"token": bearer} if way == "auth" else None,
            headers={"Authorization": bearer} if way == "header" else {},
            transports=options.get("transports"),
            wait_timeout=10,
        )
    except socketio.exceptions.ConnectionError:
        # It was told already, by the event.
        pass
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await emit(json.loads(line))
    await client.disconnect()


asyncio.run(main())
