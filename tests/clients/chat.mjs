// A chat client on npm's `ws`: lines in are frames out, frames in are lines out.
//
// Usage: chat.mjs URL TOKEN. The token travels as a subprotocol. End of input says goodbye.

import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, token] = process.argv.slice(2);
const tell = (value) => console.log(JSON.stringify(value));

const socket = new WebSocket(url, ["chat.v1", `bearer.${token}`]);
socket.on("message", (text) => tell({ frame: JSON.parse(text.toString()) }));
socket.on("close", (code) => {
  tell({ closed: code });
  process.exit(0);
});
socket.on("open", () => {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => socket.send(line));
  lines.on("close", () => socket.close(1000));
});
