// What is left of a run: the verdict, thresholds and figures as Markdown, as a page, and as JSON.

const TITLE = `Load test: ${__ENV.SCENARIO || 'a scenario'}`;
const OUT = __ENV.OUT || '.';

export function summary(data) {
  const table = rows(data);
  const passed = table.failed === 0;
  return {
    [`${OUT}/summary.md`]: markdown(table, passed),
    [`${OUT}/summary.html`]: page(table, passed),
    [`${OUT}/summary.json`]: JSON.stringify(data, null, 2),
    stdout: `\n${markdown(table, passed)}\n`,
  };
}

function rows(data) {
  const thresholds = [];
  const counters = [];
  const times = [];
  let failed = 0;
  Object.keys(data.metrics)
    .sort()
    .forEach((name) => {
      const metric = data.metrics[name];
      Object.entries(metric.thresholds || {}).forEach(([rule, { ok }]) => {
        if (!ok) failed += 1;
        thresholds.push([name, rule, ok ? 'yes' : 'NO']);
      });
      const values = metric.values;
      if (metric.type === 'counter' && !name.startsWith('data_')) counters.push([name, `${values.count}`]);
      if (metric.type === 'trend' && name.endsWith('_ms')) {
        times.push([name, ...['med', 'p(95)', 'p(99)', 'max'].map((stat) => `${Math.round(values[stat])}`), `${values.count}`]);
      }
    });
  return { thresholds, counters, times, failed };
}

const SECTIONS = [
  ['Thresholds', ['metric', 'must be', 'holds'], 'thresholds'],
  ['Milliseconds', ['metric', 'median', 'p95', 'p99', 'most', 'values'], 'times'],
  ['Counts', ['metric', 'count'], 'counters'],
];

function verdict(table, passed) {
  return passed ? 'Passed.' : `FAILED: ${table.failed} of ${table.thresholds.length} thresholds do not hold.`;
}

function markdown(table, passed) {
  const section = ([title, head, key]) =>
    `\n## ${title}\n\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n` +
    table[key].map((row) => `| ${row.join(' | ')} |\n`).join('');
  return `# ${TITLE}\n\n${verdict(table, passed)}\n${SECTIONS.map(section).join('')}`;
}

function page(table, passed) {
  const safe = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const line = (cells, tag) => `<tr>${cells.map((cell) => `<${tag}>${safe(cell)}</${tag}>`).join('')}</tr>`;
  const section = ([title, head, key]) =>
    `<h2>${title}</h2><table>${line(head, 'th')}${table[key].map((row) => line(row, 'td')).join('')}</table>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${safe(TITLE)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}
table{border-collapse:collapse}th,td{border:1px solid #8886;padding:.2rem .6rem;text-align:left}</style>
<h1>${safe(TITLE)}</h1><p>${safe(verdict(table, passed))}</p>${SECTIONS.map(section).join('')}</html>\n`;
}
