import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { documentedLines } from '#test/support/documented-commands.ts';
import { ok } from './example.ts';
import { outputOf, type Reader } from './reader.ts';

/** What the reader has whom a document addresses: files in the folder, and a history. Resolves to what stands in place of texts of the document. */
type Preparation = (reader: Reader, folder: string) => Promise<Replacements>;
/** A text, or one that an output before has. */
export type Replacements = Readonly<Record<string, string | ((outputs: readonly string[]) => string)>>;

/** The options of `serve` of the security document and of the history document, with the keys that their examples make. */
export async function serveOptions(home: string): Promise<string[]> {
  const folder = join(home, 'keys');
  mkdirSync(folder);
  mkdirSync(join(home, 'secure'));
  const env = { PATH: process.env.PATH ?? '' };
  const [encryption = '', serveEncrypting = ''] = documentedLines('docs/security.md', 'Encryption');
  await promisify(execFile)('bash', ['-ec', encryption], { cwd: folder, env });
  const [signing = '', serveSigning = ''] = documentedLines('docs/history.md', 'Prove the history');
  await outputOf(signing.replace('/secure', join(home, 'secure')), folder, { env });
  const [, key = ''] = /^sequent serve --start-server --encryption-key (\S+)$/.exec(serveEncrypting) ?? [];
  const [, signingKey = ''] = /^sequent serve --signing-key \/(\S+)$/.exec(serveSigning) ?? [];
  const connections = join(home, 'connections.json');
  writeFileSync(connections, '{}');
  return [
    '--deploy-examples',
    '--connections',
    connections,
    '--encryption-key',
    join(folder, key),
    '--signing-key',
    join(home, signingKey),
  ];
}

const handler = (code: string): string => `export const handler = ${code};\n`;

/** `orders`, whose invocation order-4711 failed and has a delivery that was given up, and whose order-4712 has a delivery that waits. */
export async function placeOrders(reader: Reader): Promise<void> {
  const { home, gone } = reader;
  writeFileSync(join(home, 'orders.mjs'), handler("(event) => { if (event.fail) throw new Error('card declined'); return event; }"));
  for (const command of [
    `sequent fn put orders --file orders.mjs --max-retries 0 --on-failure HTTP=${gone.url}/refused --on-success HTTP=${gone.url}/busy`,
    `sequent invoke orders --id order-4711 --wait -d '{"fail":true}' 2>/dev/null || true`,
    `sequent invoke orders --id order-4712 --wait -d '{}'`,
  ])
    expect(await outputOf(command, home, reader)).toMatch(ok);
}

export const preparations: Readonly<Record<string, Preparation>> = {
  'docs/destinations.md': async ({ receiver }) => ({ 'https://hooks.example.com': receiver.url }),
  'docs/development.md': async (reader, folder) => {
    const context = join(reader.home, '.config/nats/context');
    mkdirSync(context, { recursive: true });
    const { nkeyFile } = reader.sequent.address;
    writeFileSync(join(context, 'production.json'), JSON.stringify({ url: reader.sequent.url, nkey: nkeyFile }));
    mkdirSync(join(folder, 'shop-sources/src'), { recursive: true });
    writeFileSync(join(folder, 'shop-sources/orders.ts'), handler('(event: object) => event'));
    writeFileSync(join(folder, 'shop-sources/src/bill.ts'), 'export const main = () => process.env.REGION;\n');
    return {
      'mkdir shop': 'cp -r shop-sources shop',
      'sequent dev': 'sequent dev --nats-port 0 --http-port 0',
    };
  },
  'docs/functions.md': async (reader, folder) => {
    for (const [name, answer] of [
      ['orders', 1],
      ['orders-2', 2],
    ] as const) {
      mkdirSync(join(folder, name, 'src'), { recursive: true });
      writeFileSync(join(folder, name, 'src/index.mjs'), handler(`() => ${answer}`));
    }
    writeFileSync(join(folder, 'orders.jsonl'), '{"n":1}\n{"n":2}\n');
    writeFileSync(join(folder, 'report.mjs'), handler("() => 'reported'"));
    for (const layer of ['requests-2', 'common']) {
      mkdirSync(join(folder, layer));
      writeFileSync(join(folder, layer, `${layer.replace('-2', '')}.py`), 'VERSION = 2\n');
    }
    mkdirSync(join(folder, 'greet'));
    writeFileSync(join(folder, 'greet/bootstrap'), '#!/bin/sh\nexec sleep 60\n');
    chmodSync(join(folder, 'greet/bootstrap'), 0o755);
    for (const command of [
      'cd greet && zip -q ../greet.zip bootstrap',
      'sequent fn layer put common --file common',
      'sequent fn put billing:report --file report.mjs && sequent fn publish billing:report v1',
    ])
      expect(await outputOf(command, folder, reader)).toMatch(ok);
    return { 'https://example.com': reader.receiver.url };
  },
  'docs/history.md': async (reader, folder) => {
    writeFileSync(join(folder, 'page-me'), '#!/bin/sh\nexec cat\n');
    chmodSync(join(folder, 'page-me'), 0o755);
    // Subscribers hear of failures that happen from now on: one in a second.
    expect(
      await outputOf(
        `sequent fn put orders --file orders.mjs && sequent schedule put failures --cron '* * * * * *' --function orders -d '{"fail":true}'`,
        reader.home,
        reader,
      ),
    ).toMatch(ok);
    // A head is signed once a minute.
    await expect
      .poll(() => outputOf('sequent heads -o jsonl', folder, reader), { timeout: 150_000, interval: 1_000 })
      .toMatch(/"sequence"/);
    const timeline = await outputOf('sequent timeline order-4711 -o jsonl', folder, reader);
    const sequences = [...timeline.matchAll(/"sequence":(\d+)/g)].map(([, sequence = '']) => sequence);
    return { '/secure/': join(reader.home, 'secure/'), '--at 10m': '--at 1s', '4120': sequences[0] ?? '', '4127': sequences.at(-1) ?? '' };
  },
  'docs/security.md': async (reader) => {
    expect(await outputOf('sequent fn put shop=order --file orders.mjs', reader.home, reader)).toMatch(ok);
    return {};
  },
  'docs/http-api.md': async (_, folder) => {
    writeFileSync(join(folder, 'orders.jsonl'), '{"n":1}\n{"n":2}\n');
    return { '00mb2x1k4-5f0c21aa': ([first = '']) => /"id":"([^"]+)"/.exec(first)?.[1] ?? '' };
  },
};
