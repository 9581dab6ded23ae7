// Makes the pictures in this folder: data, a run with drills, its report, in Chromium. From the project's folder:
//
//     tests/setup browser && cargo build --release && node docs/screenshots.mjs
//
// ONEFOLD, ONEFOLD_CHROMIUM and ONEFOLD_NODE_MODULES name another binary, browser or place of the packages; a folder as
// argument takes the pictures in place of this one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const onefold = resolve(process.env.ONEFOLD ?? here('../target/release/onefold'));
const modules = process.env.ONEFOLD_NODE_MODULES ?? here('../target/onefold-tests/browser/node_modules');
const { chromium } = createRequire(join(modules, 'here.js'))('playwright-core');
const pictures = resolve(process.argv[2] ?? here('.'));

const folder = mkdtempSync(join(tmpdir(), 'onefold-screenshots-'));
const run = (...args) => execFileSync(onefold, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
run('generate', '--messy', '--customers', '20000', '--output', 'exports');
run(
  'run', '--quiet', '--input', 'exports', '--output', 'out', '--shards', '32', '--threads', '4',
  '--chaos', 'fail:3', '--chaos', 'panic:11', '--retry-wait', '150ms',
);

const PICTURES = [
  { file: 'report.png', colorScheme: 'light', width: 1160, height: 1190, scale: 1.5 },
  { file: 'report-dark.png', colorScheme: 'dark', width: 1160, height: 900, scale: 1.25, at: 'scores' },
  { file: 'report-phone.png', colorScheme: 'light', width: 390, height: 844, scale: 2, at: 'timeline' },
];

const browser = await chromium.launch({
  executablePath: process.env.ONEFOLD_CHROMIUM ?? here('../target/onefold-tests/browser/chromium'),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
for (const { file, colorScheme, width, height, scale, at } of PICTURES) {
  const viewport = { width, height };
  const tab = await browser.newPage({ colorScheme, viewport, deviceScaleFactor: scale });
  await tab.goto(pathToFileURL(join(folder, 'out/report.html')).href);
  if (at) await tab.evaluate((id) => document.getElementById(id).scrollIntoView(), at);
  await tab.screenshot({ path: join(pictures, file) });
}
await browser.close();
rmSync(folder, { recursive: true });
