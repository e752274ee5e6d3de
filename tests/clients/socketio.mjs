// A chat client on npm's `socket.io-client`: lines in are events to emit, what comes is lines out. It comes back by itself
// when its connection breaks.
//
// Usage: socketio.mjs URL OPTIONS. OPTIONS is JSON: `token`, `way` (auth, header or none), `transports`, `page` (the build
// for browsers, in a world that has a page's globals and none of Node's).
// In:  {"emit":NAME,"payload":…,"ack":N}. End of input says goodbye.
// Out: {"transport":NAME} for each that it has {"event":NAME,"payload":…} {"ack":N,"answer":…} {"ack":N,"lost":WHY}
//      {"refused":{"message":…,"data":…}} {"unreachable":WHY} {"disconnected":WHY,"back":BOOL,"code":…}

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import vm from "node:vm";
import { io as ioOfNode } from "socket.io-client";
import WebSocket from "ws";

const ANSWER_MS = 60_000;

const [url, options] = process.argv.slice(2);
const { token, way, transports, page } = JSON.parse(options);
const tell = (value) => console.log(JSON.stringify(value));

const ioOfPage = () => {
  const world = vm.createContext({ WebSocket, setTimeout, clearTimeout, console });
  world.self = world;
  const build = new URL("node_modules/socket.io-client/dist/socket.io.min.js", import.meta.url);
  vm.runInContext(readFileSync(build, "utf8"), world);
  return world.io;
};
const io = page ? ioOfPage() : ioOfNode;

const socket = io(url, {
  ...(transports && { transports }),
  ...(way === "auth" && { auth: { token: `Bearer ${token}` } }),
  ...(way === "header" && { extraHeaders: { Authorization: `Bearer ${token}` } }),
  reconnectionDelay: 100,
  reconnectionDelayMax: 1_000,
});
socket.io.on("open", () => {
  const { engine } = socket.io;
  tell({ transport: engine.transport.name });
  engine.once("upgrade", ({ name }) => tell({ transport: name }));
});
socket.onAny((event, ...payload) => tell({ event, payload: payload[0] }));
socket.on("connect_error", ({ message, data, context, description }) => {
  // What the server says has data; anything else is the way to it.
  if (data) tell({ refused: { message, data } });
  else tell({ unreachable: context?.responseText ?? String(description?.message ?? message) });
});
socket.on("disconnect", (why, details) => {
  tell({ disconnected: why, back: socket.active, code: details?.context?.code ?? null });
});

// By callback: a promise would tell of the answer behind events that came after it.
const emit = ({ emit: event, payload, ack }) => {
  socket.timeout(ANSWER_MS).emit(event, payload, (error, answer) => {
    tell(error ? { ack, lost: error.message } : { ack, answer });
  });
};
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => emit(JSON.parse(line)));
lines.on("close", () => {
  socket.disconnect();
  // What is being written still gets out.
  setTimeout(() => process.exit(0), 50);
});
