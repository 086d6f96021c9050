import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { spawnCli } from '#test/support/cli/cli.ts';
import { STRANGER } from '#test/support/gateway/running-gateway.ts';
import { openBrowser, type WatchedPage } from '#test/support/web/browser.ts';
import { harmDone } from '#test/support/web/hostile-strings.ts';
import type { Ground } from './ground.ts';
import { hostileTexts } from './hostile-texts.ts';
import { variant } from './machines.ts';
import { BATCH_ID, EVIL, idOf, thrownIdOf } from './operator.ts';

/** A page, and a text that it shows when its content is there. */
type Visit = { path: string; shows: string };

/** The lists with things of all projects. */
const lists: readonly Visit[] = [
  // The beats of the victim are the newest of all.
  { path: `/?function=${encodeURIComponent(`${STRANGER.project}=${EVIL}-throws`)}`, shows: `${EVIL}-throws` },
  { path: '/functions', shows: `${EVIL}-0` },
  { path: '/schedules', shows: `${EVIL}-0` },
  { path: '/batches', shows: BATCH_ID },
  { path: '/dead-letters', shows: `${EVIL}-throws` },
  { path: '/system', shows: 'Roles and instances' },
];

/** The lists, and pages of every third text, of other texts in the next variant: of its definition, of its event, or of its error, in turn. */
function visits(): Visit[] {
  const ofEach = hostileTexts.flatMap((_, index): Visit | [] => {
    if ((index + variant()) % 3 !== 0) return [];
    const name = `${EVIL}-${index}`;
    const kind = Math.floor(index / 3) % 3;
    if (kind === 0) return { path: `/functions/${encodeURIComponent(`${STRANGER.project}=${name}`)}`, shows: name };
    const id = kind === 1 ? idOf(index) : thrownIdOf(index);
    return { path: `/invocations/${id}`, shows: id };
  });
  return [...lists, ...ofEach];
}

/** What happened in the browser of an operator, who looks at each page: scripts, dialogs, other windows, requests to other origins. */
export async function harmInBrowser(ground: Ground): Promise<{ harm: string[]; looked: number }> {
  await using gateway = await openOperatorGateway(ground);
  await using browser = await openBrowser();
  const all = visits();
  const harm: string[] = [];
  await using watched = await browser.open(`${gateway.url}/system`);
  const asked = watchOutside(watched, gateway.url);
  for (const { path, shows } of all) {
    await goTo(watched.page, path);
    await waitForText(watched.page, shows);
    await watched.page.locator('.skeleton').first().waitFor({ state: 'detached' });
    for (const details of await watched.page.locator('#page summary').all()) await details.click();
    const found = [...asked.splice(0), ...(await watched.page.evaluate<string[]>(harmDone))];
    harm.push(...found.map((one) => `${path}: ${one}`));
  }
  return { harm, looked: all.length };
}

/** Dialogs, windows and requests that a text may cause. */
function watchOutside({ page }: WatchedPage, url: string): string[] {
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', (popup) => asked.push(`a window: ${popup.url()}`));
  page.on('request', (request) => {
    const isOwn = new URL(request.url()).origin === url || /^(?:data|blob):/.test(request.url());
    if (!isOwn) asked.push(`a request: ${request.url()}`);
  });
  return asked;
}

/** Waits for a text outside of the options of a filter, which are not visible. */
async function waitForText(page: Page, text: string): Promise<void> {
  const shown = page.getByText(text).filter({ visible: true }).first();
  await shown.waitFor().catch((cause: unknown) => {
    throw new Error(`${page.url()} does not show ${text}`, { cause });
  });
}

/** Opens another page without loading a document, as a link does. */
async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`);
}

/** A gateway without credentials on loopback, whose pages show all projects. */
async function openOperatorGateway({ served }: Ground): Promise<AsyncDisposable & { url: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sequent-operator-'));
  const child = spawnCli(['serve', '--role', 'gateway', '--http-port', '0', '--data', dataDir], { env: { ...served.gateway } });
  const closed = once(child, 'close');
  let [stdout, stderr] = ['', ''];
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('close', () => reject(new Error(`the gateway of the operator ended: ${stderr}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const found = /^sequent ready .* http (\S+)/m.exec(stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
