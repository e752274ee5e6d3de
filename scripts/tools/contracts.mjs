// Holds our documents against the rules of their formats. Usage: contracts.mjs RULES OPENAPI ASYNCAPI…
// It runs in a folder with the npm packages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const { lint, loadConfig } = require('@redocly/openapi-core');
const { Parser } = require('@asyncapi/parser');

const [rules, openapi, ...sockets] = process.argv.slice(2);

const config = await loadConfig({ configPath: rules });
const problems = await lint({ ref: openapi, config });
const ofSockets = await Promise.all(sockets.map(async (file) => {
  const { diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
  return diagnostics.map(({ code, message, path }) => `${file} ${path.join('.')}: ${code}: ${message}`);
}));

const faults = [
  ...problems.map(({ ruleId, message, location }) => `${openapi} ${location[0]?.pointer}: ${ruleId}: ${message}`),
  ...ofSockets.flat(),
];
faults.forEach((fault) => console.error(fault));
process.exit(faults.length === 0 ? 0 : 1);
