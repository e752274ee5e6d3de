"""A chat client on Python's `websockets`: lines in are frames out, frames in are lines out.

Usage: chat.py URL TOKEN. The token travels in the Authorization header. End of input says goodbye.
"""

import asyncio
import json
import sys

import websockets


def tell(value):
    print(json.dumps(value), flush=True)


async def forward_input(socket):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await socket.send(line.strip())
    await socket.close()


async def main(url, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with websockets.connect(url, additional_headers=headers) as socket:
        sender = asyncio.create_task(forward_input(socket))
        try:
            async for text in socket:
                tell({"frame": json.loads(text)})
        except websockets.ConnectionClosed:
            pass
        tell({"closed": socket.close_code})
        sender.cancel()


asyncio.run(main(sys.argv[1], sys.argv[2]))
