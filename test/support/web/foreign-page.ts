import type { Page } from 'playwright-core';
import type { WritingRoute } from '../gateway/writing-routes.ts';

export type Shot = WritingRoute & { body: string };
export type Attack = { target: string; shots: readonly Shot[]; isSandboxed: boolean };

const READ = ['/api/functions', '/api/invocations', '/api/session', '/v2/default/fgs/functions', '/metrics'];

/**
 * Calls every route from a page in each way that a browser offers: requests without a preflight, forms, beacons, and requests with a
 * preflight. Resolves, after every request was answered or refused, to the content of the gateway that the page could read.
 */
export async function attack(page: Page, { target, shots, isSandboxed }: Attack): Promise<string[]> {
  const call = `(${attackScript})(${JSON.stringify({ target, shots, paths: READ })})`;
  if (!isSandboxed) return await page.evaluate<string[]>(call);
  return await page.evaluate<string[]>(`new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(data));
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts allow-forms';
    frame.srcdoc = ${JSON.stringify(`<script>${call}.then((read) => parent.postMessage(read, '*'))</script>`).replaceAll('</', '<\\/')};
    document.body.append(frame);
  })`);
}

/** A script that runs in the browser. An answer counts as read when the page sees content of a successful response. */
const attackScript = `async ({ target, shots, paths }) => {
  const read = [];
  const ended = (promise) => promise.then(async (answer) => {
    if (answer.type !== 'opaque' && answer.ok) read.push(answer.url + ' ' + (await answer.text()).slice(0, 80));
  }, () => {});
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''];
  async function submit(url, body, enctype) {
    const frame = document.createElement('iframe');
    frame.name = 'f' + Math.random();
    document.body.append(frame);
    const form = document.createElement('form');
    Object.assign(form, { action: url, method: 'post', enctype, target: frame.name });
    const field = document.createElement('input');
    // Encoded as text/plain the form is JSON: {"…": "…", "ignored": "="}.
    field.name = body.replace(/}$/, body === '{}' ? '"x":"' : ',"x":"');
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    await new Promise((resolve) => {
      frame.onload = resolve;
      setTimeout(resolve, 2000);
      form.submit();
    });
    frame.remove();
  }
  for (const { method, path, body } of shots) {
    const url = target + path;
    if (method === 'POST') {
      for (const type of types) {
        const content = new Blob([body], { type });
        await ended(fetch(url, { method, mode: 'no-cors', credentials: 'include', body: content }));
      }
      navigator.sendBeacon(url, body);
      if (location.origin !== target) await submit(url, body, 'text/plain');
    }
    const headers = { 'content-type': 'application/json' };
    await ended(fetch(url, { method, credentials: 'include', headers, body }));
  }
  for (const path of paths) await ended(fetch(target + path, { credentials: 'include' }));
  return read;
}`;
