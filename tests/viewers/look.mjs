// node look.mjs FOLDER [--all]
//
// Opens FOLDER/files/*.h5 in H5Web (page.jsx, bundled in FOLDER/page) in headless Chromium, each at its
// root, and every path of an NXdata group that no root shows in the file that has the most of them; of paths that
// differ by a number only the first (with --all every path in all files). A plot must be drawn over axes that can be
// read, and the browser must report no error. FOLDER/png has a picture of every view. Exit status 1 when something
// is wrong.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { chromium } from 'playwright-core';

const folder = process.argv[2];
const all = process.argv[3] === '--all';
const patience = 60000; // ms, for a plot to appear and be drawn, on a machine that does other work
const filesAtOnce = 3;
const leastInk = 50; // pixels, of the smallest plot: one point

// --------------------------------------------------------------------------------- what a file holds

/** Paths of the NXdata groups below a group; what links to another file has no place in a browser. */
function plotsIn(file, path = '') {
  return file.get(path || '/').keys().flatMap((name) => {
    const child = `${path}/${name}`;
    if (file.get_external_link(child).filename !== undefined || file.get(child).type !== 'Group') return [];
    const own = file.get(child).attrs.NX_class?.value === 'NXdata' ? [child] : [];
    return [...own, ...plotsIn(file, child)];
  });
}

/** The path of the group that a file opens with. */
function defaultIn(file, path = '') {
  const name = file.get(path || '/').attrs.default?.value;
  return name ? defaultIn(file, `${path}/${name}`) : path;
}

function plotsOf(path) {
  const file = new h5wasm.File(path, 'r');
  const found = { plots: plotsIn(file), first: defaultIn(file) };
  file.close();
  return found;
}

const kindOf = (plot) => plot.replace(/_\d+/g, '');

// ------------------------------------------------------------------------------------------- server

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>H5Web</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page/page.css">
<body style="margin: 0"><div id="root" style="height: 100vh"></div>
<script type="module" src="/page/page.js"></script>`;
const types = { css: 'text/css', js: 'text/javascript', h5: 'application/x-hdf5' };

async function serve() {
  const server = createServer(async ({ url }, response) => {
    try {
      const content = url === '/' ? html : await readFile(join(folder, url));
      response.setHeader('Content-Type', types[url.split('.').pop()] ?? 'text/html');
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

// ------------------------------------------------------------------------------------------ one view

/** Run before the page: what WebGL has drawn can then be read at any time. */
function keepDrawings() {
  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function (kind, options) {
    return getContext.call(this, kind, { ...options, preserveDrawingBuffer: true });
  };
}

/** Pixels of the plot at a path; -1 where there is none. Its canvas holds curves and points only. */
function inkAt(path) {
  const canvas = document.querySelector(`[data-path="${path}"] figure canvas`);
  if (!canvas?.width) return -1;
  const context = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let ink = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) ink += 1;
  return ink;
}

/** Waits until a plot is there and two looks agree. */
async function settledInk(page, path) {
  const start = Date.now();
  for (let ink = -1, before; ; before = ink) {
    ink = await page.evaluate(inkAt, path);
    const waited = Date.now() - start;
    if ((ink >= leastInk && ink === before) || waited > patience) return ink;
    await page.waitForTimeout(100);
  }
}

/** Label and ticks of each axis, from left to right and from the bottom to the top. */
function axesOf(page) {
  return page.$$eval('figure svg[data-type]', (axes) =>
    axes.map((axis) => {
      const place = (tick) => (axis.dataset.type === 'abscissa' ? 1 : -1) * tick.getAttribute(axis.dataset.type === 'abscissa' ? 'x' : 'y');
      const ticks = [...axis.querySelectorAll('.visx-axis-tick text')];
      return {
        name: axis.dataset.type,
        label: axis.querySelector('.visx-axis-label')?.textContent ?? '',
        ticks: ticks.sort((a, b) => place(a) - place(b)).map((tick) => tick.textContent),
      };
    }),
  );
}

function faultsOfAxis({ name, label, ticks }) {
  const numbers = ticks.filter(Boolean).map((tick) => Number(tick.replace('−', '-').replaceAll(',', '')));
  const faults = [];
  if (!label) faults.push('has no label');
  if (numbers.length === 0) faults.push('has no ticks');
  if (numbers.some((number, i) => number === numbers[i - 1])) faults.push('has equal ticks');
  if (numbers.some((number, i) => number < numbers[i - 1])) faults.push('is mirrored');
  return faults.map((fault) => `the ${name} '${label}' ${fault}: ${ticks.join(' ')}`);
}

async function look(page, name, path) {
  await page.evaluate(([file, where]) => window.show(file, where), [name, path]);
  const ink = await settledInk(page, path);
  if (ink < 0) {
    const words = await page.locator('#root').innerText();
    return [`no plot: ${words.replace(/\s+/g, ' ').slice(-200)}`];
  }
  const faults = (await axesOf(page)).flatMap(faultsOfAxis);
  if (ink < leastInk) faults.push(`nothing is drawn (${ink} pixels)`);
  // Of a table of curves, a map of colours shows a reader nothing.
  const [kind] = await page.locator('[role="tab"][aria-selected="true"]').filter({ hasText: 'NX' }).allInnerTexts();
  if (!/Line|Scatter/.test(kind)) faults.push(`opens as ${kind}`);
  return faults;
}

// --------------------------------------------------------------------------------------- all of them

await h5wasm.ready;
const names = (await readdir(join(folder, 'files'))).filter((name) => name.endsWith('.h5'));
const files = names.map((name) => ({ name, ...plotsOf(join(folder, 'files', name)) }));
files.sort((a, b) => b.plots.length - a.plots.length);
if (!all) {
  const seen = new Set(files.map(({ first }) => kindOf(first)));
  for (const file of files) {
    file.plots = file.plots.filter((plot) => !seen.has(kindOf(plot)) && seen.add(kindOf(plot)));
  }
}
await rm(join(folder, 'png'), { recursive: true, force: true });
await mkdir(join(folder, 'png'));
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // Root has no sandbox; H5Web draws by WebGL, here without a graphics card. HDF5 in WebAssembly reads too little
  // here to be worth optimising.
  args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
    '--js-flags=--no-wasm-tier-up'],
});
let views = 0;
let failed = 0;

async function lookAt({ name, plots }) {
  const errors = [];
  const page = await browser.newPage({ viewport: { width: 960, height: 640 } });
  await page.addInitScript(keepDrawings);
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => window.show);
  for (const path of ['/', ...plots]) {
    const faults = await look(page, name, path);
    faults.push(...errors.splice(0).map((error) => `the browser reports: ${error.split('\n')[0]}`));
    const picture = name.replace('.h5', path.replaceAll('/', '.').replace(/\.$/, '.root')) + '.png';
    await page.screenshot({ path: join(folder, 'png', picture) });
    views += 1;
    if (faults.length > 0) failed += 1;
    for (const fault of faults) console.log(`${name}${path}: ${fault}`);
  }
  await page.close();
}

// While a page waits for its plot another one is drawn.
const waiting = [...files];
await Promise.all(Array.from({ length: filesAtOnce }, async () => {
  while (waiting.length > 0) await lookAt(waiting.shift());
}));
await browser.close();
server.close();
console.log(`H5Web: ${views} views of ${names.length} files, ${failed} with faults`);
process.exitCode = failed > 0 || views === 0 ? 1 : 0;
