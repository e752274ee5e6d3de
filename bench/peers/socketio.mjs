// A peer: Socket.IO with its Redis adapter, WebSocket transport only, as many teams run it.
// Usage: node socketio.mjs HOST:PORT REDIS_URL
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [address, url] = process.argv.slice(2);
const [host, port] = address.split(":");
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const server = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  perMessageDeflate: false,
});
let said = 0;

server.on("connection", (socket) => {
  socket.on("join", (rooms, done) => {
    socket.join(rooms);
    done();
  });
  socket.on("say", (room, content) => {
    said += 1;
    const message = { message_id: `${process.pid}-${said}`, user_id: socket.id, username: "somebody", content };
    message.timestamp = new Date().toISOString();
    server.to(room).emit("new_message", { room, message });
  });
});
http.listen(Number(port), host);
