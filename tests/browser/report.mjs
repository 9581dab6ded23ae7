// Opens a report in Chromium and prints what a reader would meet, as JSON: `node report.mjs FILE.html [WITHOUT_AXE]`.
// Judges nothing: tests/it/report.rs does, and says by ONEFOLD_NODE_MODULES and ONEFOLD_CHROMIUM where tests/setup has put
// the packages and the browser.
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.ONEFOLD_NODE_MODULES, 'here.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

const page = pathToFileURL(resolve(process.argv[2])).href;
const profile = mkdtempSync(join(tmpdir(), 'onefold-chromium-'));
const browser = await chromium.launch({
  executablePath: process.env.ONEFOLD_CHROMIUM,
  args: [...FLAGS, `--disk-cache-dir=${profile}`],
});
const seen = { console: [], errors: [], requests: [], axe: {}, sideways: {} };

async function open(colorScheme, viewport) {
  const context = await browser.newContext({ colorScheme, viewport });
  const tab = await context.newPage();
  tab.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  tab.on('pageerror', (error) => seen.errors.push(String(error)));
  tab.on('request', (request) => seen.requests.push(request.url()));
  await tab.goto(page);
  return tab;
}

// Through the debugger, not as a script of the page: its content policy stays in force.
async function violations(tab) {
  if (process.argv[3]) return null;
  await tab.evaluate(() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; }));
  await tab.evaluate(axe);
  const { violations, passes } = await tab.evaluate(() => axe.run(document, { resultTypes: ['violations', 'passes'] }));
  const told = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
  return { violations: told, passes: passes.length };
}

const sideways = (tab) => tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// From mark to mark by key: what is shown with the focus, and where Enter leads.
async function marks(tab) {
  const count = await tab.locator('.mark').count();
  const labels = await tab.locator('.mark').evaluateAll((all) => all.map((mark) => mark.getAttribute('aria-label')));
  const steps = [];
  for (let presses = 0; presses < 60 && steps.length < count; presses += 1) {
    await tab.keyboard.press('Tab');
    const at = await tab.evaluate(() => {
      const mark = document.activeElement?.closest('.mark');
      const tip = mark?.querySelector('.tip');
      return mark && { label: mark.getAttribute('aria-label'), tip: tip.textContent, shown: getComputedStyle(tip).visibility };
    });
    if (at) steps.push(at);
  }
  await tab.keyboard.press('Enter');
  await tab.waitForTimeout(100);
  const line = await tab.evaluate(() => {
    const row = document.querySelector('tr:target');
    const box = row?.getBoundingClientRect();
    return row && { text: row.textContent, seen: box.height > 0 && box.top >= 0 && box.bottom <= innerHeight };
  });
  if (count > 0) await tab.locator('.mark rect').first().hover();
  const hovered = await tab.evaluate(() =>
    [...document.querySelectorAll('.mark .tip')].filter((tip) => getComputedStyle(tip).visibility === 'visible').map((t) => t.textContent));
  return { labels, steps, line, hovered };
}

try {
  const light = await open('light', DESKTOP);
  seen.title = await light.title();
  seen.text = await light.evaluate(() => document.body.textContent);
  seen.elements = await light.evaluate(() => {
    const names = [...document.querySelectorAll('*')].map((element) => element.localName);
    return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((n) => n === name).length]));
  });
  seen.ground = { light: await light.evaluate(() => getComputedStyle(document.body).backgroundColor) };
  seen.marks = await marks(light);
  seen.sideways.desktop = await sideways(light);
  seen.axe.light = await violations(light);
  const dark = await open('dark', DESKTOP);
  seen.ground.dark = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.axe.dark = await violations(dark);
  const phone = await open('light', PHONE);
  seen.sideways.phone = await sideways(phone);
  await phone.evaluate(() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; }));
  seen.sideways.phone_unfolded = await sideways(phone);
  seen.axe.phone = await violations(phone);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify(seen));
