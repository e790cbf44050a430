import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

/** Debian's package chromium. */
const CHROMIUM = '/usr/bin/chromium';
const FOLDER = fileURLToPath(new URL('../docs/pictures/', import.meta.url));
/** Pictures are in the repository and in the package. */
const MOST_BYTES = 150_000;

interface Picture {
  readonly name: string;
  /** The page that it is of. */
  readonly page: string;
  /** First and last element that it shows. */
  readonly from: string;
  readonly to: string;
  /** What lies between the two and is left out. */
  readonly without?: string;
  readonly width: number;
}

/** Draws one picture: the page from the top of one element to the bottom of another, in its light colours. */
async function draw(
  browser: Browser,
  { name, page: file, from, to, without, width }: Picture,
): Promise<void> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: 'light' });
  await page.goto(pathToFileURL(resolve(file)).href);
  if (without !== undefined) await page.addStyleTag({ content: `${without} { display: none }` });
  const [top, bottom] = await Promise.all([
    page.locator(from).first().boundingBox(),
    page.locator(to).first().boundingBox(),
  ]);
  if (top === null || bottom === null) throw new Error(`${file}: it has no visible ${from} or ${to}`);
  const path = join(FOLDER, name);
  const clip = { x: 0, y: top.y, width, height: bottom.y + bottom.height - top.y };
  await page.screenshot({ path, clip, fullPage: true, animations: 'disabled' });
  await page.close();
  const { size } = await stat(path);
  if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes; valid: at most ${MOST_BYTES}`);
  process.stdout.write(`${path}: ${size} bytes\n`);
}

const [report, profile] = process.argv.slice(2);
if (report === undefined || profile === undefined) {
  process.stderr.write('usage: npm run pictures -- <report.html of a run> <profile.html of a profile>\n');
  process.exitCode = 2;
} else if (!existsSync(CHROMIUM)) {
  process.stderr.write(`error: ${CHROMIUM} is not there (apt-get install chromium)\n`);
  process.exitCode = 2;
} else {
  await mkdir(FOLDER, { recursive: true });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const without = '#scores, #differences, #curves > p, #curves figcaption';
    await draw(browser, {
      name: 'report.png',
      page: report,
      from: '.legend',
      to: '#curves',
      without,
      width: 900,
    });
    await draw(browser, { name: 'profile.png', page: profile, from: '#heat', to: '#heat', width: 900 });
  } finally {
    await browser.close();
  }
}
