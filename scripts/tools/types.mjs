// Holds the examples of frames against the TypeScript types. Usage: types.mjs DECLARATIONS FIXTURES
// It runs in a folder with the npm packages.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const ts = require('typescript');

const [declarations, fixtures] = process.argv.slice(2);
const examples = (side) =>
  JSON.parse(readFileSync(join(fixtures, `${side.toLowerCase()}_frames.json`), 'utf8'))
    .map(({ name, frame }) => `  // ${name}\n  ${JSON.stringify(frame)},\n`)
    .join('');
const list = (side) => `export const ${side}: ${side}Frame[] = [\n${examples(side)}];\n`;
const program = (name, text) => {
  const file = join(dirname(declarations), name);
  writeFileSync(file, `import type { ClientFrame, ServerFrame } from './protocol';\n${text}`);
  const options = { noEmit: true, strict: true, types: [] };
  return ts.getPreEmitDiagnostics(ts.createProgram([declarations, file], options));
};

const faults = program('examples.ts', list('Client') + list('Server'));
const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => '', getNewLine: () => '\n' };
if (faults.length > 0) console.error(ts.formatDiagnostics(faults, host));
// A check that nothing fails is none.
const wrong = program('wrong.ts', 'export const pong: ServerFrame = { type: "pong", load: 0.5 };\n');
if (wrong.length === 0) console.error('A frame that is not described was taken.');
process.exit(faults.length === 0 && wrong.length > 0 ? 0 : 1);
