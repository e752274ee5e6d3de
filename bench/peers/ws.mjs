// A peer: Node's `ws` with one Redis subscription for each room that somebody here is in. The path names the room.
// Usage: node ws.mjs HOST:PORT REDIS_URL
import { createClient } from "redis";
import { WebSocketServer } from "ws";

const [address, url] = process.argv.slice(2);
const [host, port] = address.split(":");
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const rooms = new Map();
let said = 0;

function enter(room, socket) {
  let members = rooms.get(room);
  if (!members) {
    members = new Set();
    rooms.set(room, members);
    subscriber.subscribe(`room:${room}`, (text) => {
      for (const member of members) member.send(text);
    });
  }
  members.add(socket);
  return members;
}

const server = new WebSocketServer({ host, port: Number(port), perMessageDeflate: false });
server.on("connection", (socket, request) => {
  const room = request.url.slice(1);
  const members = enter(room, socket);
  socket.on("message", (data) => {
    said += 1;
    const { content } = JSON.parse(data);
    const message = { message_id: `${process.pid}-${said}`, user_id: "somebody", username: "somebody", content };
    message.timestamp = new Date().toISOString();
    publisher.publish(`room:${room}`, JSON.stringify({ type: "new_message", room, message }));
  });
  socket.on("close", () => members.delete(socket));
});
