// What a run is told from outside: addresses, who may log in, and how much of everything.

import { SharedArray } from 'k6/data';

// The address of the page and of REST, as http://127.0.0.1:8080; sockets are below it.
export const BASE = __ENV.BASE || 'http://127.0.0.1:8080';
export const SOCKETS = (__ENV.SOCKETS || BASE).replace(/^http/, 'ws');

// What `rookery-api seed` printed.
const seeded = new SharedArray('seeded', () => [JSON.parse(open(__ENV.CREDENTIALS || './credentials.json'))]);

export const rooms = seeded[0].rooms;
export const userCount = seeded[0].tokens.length;

// User `i` is a member of room `i % rooms`.
export function user(index) {
  const place = index % userCount;
  return { token: seeded[0].tokens[place], room: rooms[place % rooms.length] };
}

export function number(name, otherwise) {
  const text = __ENV[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}=${text} is not a number`);
  return value;
}
