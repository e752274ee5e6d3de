// Runs a program as a browser would: in a world that has a page's globals and none of Node's, once as a script, as the
// console does with what is pasted into it, and once as a module. `node --experimental-vm-modules console.mjs FILE`
import { readFileSync } from "node:fs";
import vm from "node:vm";
import WebSocket from "ws";

// What a page finds there and the program may use. No `process`, no `require`, no module of npm.
const world = () => vm.createContext({ fetch, WebSocket, console });

const text = readFileSync(process.argv[2], "utf8");
new vm.Script(text).runInContext(world());

const module = new vm.SourceTextModule(text, { context: world() });
await module.link((name) => {
  throw new Error(`a page has no module ${name}`);
});
await module.evaluate();
