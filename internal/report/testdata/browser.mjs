// Opens a page that boundaries report made, as its readers do: on a telephone and on
// a desk, in light and in dark. It fails if the page logs an error, asks for anything
// but itself, is wider than its window, or has an axe-core violation.
//
//	CHROMIUM=/usr/bin/chromium node browser.mjs report.html [FOLDER FOR SCREENSHOTS]
//
// It needs playwright-core and axe-core of npm, in node_modules of the folder that
// it is started in.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [page, shots] = process.argv.slice(2);
if (!page) {
	console.error('browser.mjs: want the page to open');
	process.exit(2);
}
const require = createRequire(join(process.cwd(), 'browser.mjs'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const url = pathToFileURL(resolve(page)).href;
const failures = [];
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
	args: ['--no-sandbox'],
});
async function check(width, colorScheme) {
	const where = `${basename(page)}, ${width} pixels, ${colorScheme}`;
	const fail = (text) => failures.push(`${where}: ${text}`);
	const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
	const tab = await context.newPage();
	tab.on('console', (m) => ['error', 'warning'].includes(m.type()) && fail(`console: ${m.text()}`));
	tab.on('pageerror', (e) => fail(`error: ${e.message}`));
	tab.on('request', (r) => r.url() !== url && !r.url().startsWith('data:') && fail(`request: ${r.url()}`));
	await tab.goto(url, { waitUntil: 'load' });
	if (shots) {
		await tab.screenshot({ path: join(shots, `${basename(page, '.html')}-${width}-${colorScheme}.png`), fullPage: true });
	}
	// What is folded is read too.
	await tab.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
	const wide = await tab.evaluate(() => {
		const room = document.documentElement.clientWidth;
		const found = document.documentElement.scrollWidth > room ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
		for (const e of document.body.querySelectorAll('*')) {
			if (e.getBoundingClientRect().right > room + 1 && !e.closest('.scroll, svg')) {
				found.push(`<${e.localName} class="${e.getAttribute('class') ?? ''}"> ends at ${e.getBoundingClientRect().right}`);
			}
		}
		// Text of a chart must stay in the chart.
		for (const svg of document.querySelectorAll('svg')) {
			const box = svg.getBoundingClientRect();
			for (const t of svg.querySelectorAll('text')) {
				const r = t.getBoundingClientRect();
				if (r.right > box.right + 1 || r.left < box.left - 1 || r.bottom > box.bottom + 1) {
					found.push(`"${t.textContent}" is outside of the chart ${svg.querySelector('title').textContent}`);
				}
			}
		}
		return found;
	});
	wide.slice(0, 5).forEach(fail);
	// What axe sees depends on the width or on the colors. So each is seen once.
	if ((width === 360) === (colorScheme === 'light')) {
		await tab.evaluate(axe);
		const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
		for (const v of violations) {
			fail(`axe: ${v.id}: ${v.help} (${v.nodes.length} times, ${v.nodes[0].html.slice(0, 160)})`);
		}
	}
	await context.close();
}
// The windows are processes of their own, and most of their time is axe's.
await Promise.all([360, 1280].flatMap((width) => ['light', 'dark'].map((scheme) => check(width, scheme))));
await browser.close();
failures.forEach((f) => console.error(`browser.mjs: ${f}`));
process.exit(failures.length ? 1 : 0);
