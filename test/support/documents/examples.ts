import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionDefinitionSchema, policySchema } from '#src/core/functions/definition.ts';
import { parseConnections } from '#src/destinations/connections/connections.ts';
import { readCredentials } from '#src/gateway/auth/credentials.ts';
import { type Example, elsewhere, file, listens, notRun, ok, program, runs, stays, valid } from './example.ts';

/** How each example of each document is shown to be true, in the order of the document. Pictures and plain texts are no examples. */
export const examples: Readonly<Record<string, readonly Example[]>> = {
  'README.md': [
    elsewhere('test/package/fresh-clone.test.ts'),
    runs(ok, /"seq"/, ok, listens(/result\.hello\.succeeded/), /SUCCESS[\s\S]*Hello, Ada!/),
    invokingProgram(),
    elsewhere('test/support/package/readme-steps.ts'),
    elsewhere('test/support/package/readme-steps.ts'),
    elsewhere('test/package/consumers.test.ts'),
  ],
  'docs/compatibility.md': [
    program(/FunctionGraphClient/, {
      before: `import { FunctionGraphClient } from '@huaweicloud/huaweicloud-sdk-functiongraph';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core';
const [ak, sk, projectId] = ['ak', 'sk', 'project'];
const client =
`,
      after: 'console.log(client.constructor.name);',
    }),
  ],
  'docs/concepts.md': [runs(/order-7/, /accepted|succeeded/)],
  'docs/conditions.md': [elsewhere('test/unit/repository/documents.test.ts')],
  'docs/configuration.md': [notRun('needs a hub with a leaf node; test/integration/nats runs the same options against one')],
  'docs/deployment.md': [
    notRun('needs docker; test/package executes the steps of the Dockerfile'),
    notRun('asks a registry of images'),
    notRun('needs docker; test/unit/main/manifests.test.ts reads the file of docker compose'),
    notRun('needs docker; test/unit/main/manifests.test.ts reads the file of docker compose'),
    notRun('needs a Kubernetes; test/unit/main/manifests.test.ts reads the manifests'),
    notRun('needs systemd and changes /etc; test/unit/main/manifests.test.ts reads the unit'),
  ],
  'docs/destinations.md': [
    valid((text) => functionDefinitionSchema.parse(JSON.parse(text))),
    valid((text) => policySchema.parse({ onSuccess: [JSON.parse(text)] })),
    valid((text) => parseConnections(JSON.parse(text))),
    valid((text) => parseConnections(JSON.parse(text))),
    runs(ok, ok, /delivered to .* by connection "http"/),
    runs(/order-4711/, /410/, /is redriven/, ok, ok),
  ],
  'docs/development.md': [
    runs(ok, ok, stays(/priced: put/)),
    runs(/\{"hello":"Ada"\}/),
    file('priced.mjs', 'export const handler = () => 1;\n'),
    file('sequent.json'),
    runs(/\{"hello":"Ada"\}/),
    runs(/order-4711\.event\.json/, stays(/Debugger listening|debugger/i)),
  ],
  'docs/from-any-language.md': [runs(ok, /price is defined/, stays(/shop\.price/), /"seq"/, listens(/result\.price\.succeeded/))],
  'docs/functions.md': [
    runs(ok, /"seq"/, ok, ok, listens(/result\.hello\.succeeded/)),
    notRun('nats-py is no package of Debian; docs/clients/client.py makes the same calls'),
    notRun('nats.go is no package of Debian; docs/clients/client.go makes the same calls'),
    invokingProgram(),
    runs(/import-7/, /\b2\b/, ok, /Ada/),
    runs(/import-8/),
    runs(ok, /greet is defined/, /\{"hello":"Ada"\}/),
    file('greet.py'),
    runs(/greet-in-python is defined/),
    runs({ notRun: 'downloads from PyPI' }, /requests:\d/, /greet/),
    runs({ notRun: 'compiles a program of the reader' }, /greet-in-go is defined/, /greet-as-server is defined/),
    program(/"total":9/, {
      before: `import { z } from 'zod';
import { connectClient, defineFunction, startWorker } from 'sequent-functions/client';
const servers = process.env.NATS_URL;
`,
      after: `await using client = await connectClient({ servers });
console.log(JSON.stringify((await (await client.invoke(price, { item: 'tea', count: 2 })).result()).value));`,
    }),
    program(/false 17/, {
      before: "globalThis.fetch = async () => new Response('', { status: 429, headers: { 'retry-after': '17' } });\n",
      after: `const [final, later] = await Promise.all([[], [1]].map((items) => handler({ items }).catch((error) => error)));
console.log(final.retryable, later.retryAfter);`,
    }),
    runs(/orders is defined/, /v1/, /prod/, ok, /v2/, /v2/, ok),
    runs(ok, /v1/, /v2/, /v1/),
    runs(/v2/, /prod/, ok),
    runs(/billing:report is defined/, ok, ok, ok),
    runs(/nightly is stored/, /next/),
    runs(ok, stays(ok), ok, ok, ok),
  ],
  'docs/history.md': [
    runs(/orders/, ok, ok, /order-4711/, /order-4711/, ok, ok, stays(ok), ok, ok),
    runs(/order-4711/, ok, /it was queued and is/, ok, /no finding/),
    runs(ok, /^[\da-f-]{36}$/m, ok, ok),
    runs(
      { notRun: 'ran before the server of the documents started' },
      { notRun: 'the server of the documents has this option' },
      ok,
      ok,
      ok,
      { notRun: 'the archive of a young log is empty; test/e2e/archive.test.ts verifies a copy' },
    ),
    program(/^[\da-f-]{36} UnhandledInvocationError/m, {
      before: `import { connectClient } from 'sequent-functions/client';
await using client = await connectClient({ servers: process.env.NATS_URL });
const page = async (invocation, condition) => { console.log(invocation, condition); setTimeout(() => process.exit(), 100); };
`,
    }),
    runs(stays(/orders/), /pager/, stays(/orders/)),
  ],
  'docs/http-api.md': [
    valid((text) => readCredentialsIn(text)),
    runs(/"id"/, /"id"/, /"redrive"/, ok),
    notRun('opens all interfaces of the machine; test/integration/gateway has HTTPS with client certificates'),
    valid((text) => readCredentialsIn(text)),
    runs(
      /202|request_id/,
      /SUCCESS[\s\S]*Hello, Ada!/,
      /order-7/,
      /request_id/,
      /request_id/,
      /"type":"end","batch":"import-7"/,
      stays(/event:|data:/),
    ),
    valid((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ),
  ],
  'docs/operations.md': [
    runs(ok, ok, ok),
    elsewhere('test/e2e/backup.test.ts'),
    elsewhere('test/e2e/backup.test.ts'),
    elsewhere('test/faults/rolling-upgrade.test.ts'),
    elsewhere('test/e2e/runbooks.test.ts'),
    elsewhere('test/e2e/runbooks.test.ts'),
    elsewhere('test/e2e/runbooks.test.ts'),
    elsewhere('test/faults/power-cut.test.ts'),
    elsewhere('test/faults/full-disk.test.ts'),
    elsewhere('test/cluster/runbooks.test.ts'),
    elsewhere('test/cluster/runbooks.test.ts'),
    elsewhere('test/cluster/runbooks.test.ts'),
  ],
  'docs/proof.md': [notRun('takes ten minutes; test/faults/storm-command.test.ts runs a short storm')],
  'docs/quotas.md': [elsewhere('test/support/cli/recipes.ts'), elsewhere('test/support/cli/recipes.ts')],
  'docs/flow.md': Array.from({ length: 8 }, () => elsewhere('test/support/cli/recipes.ts')),
  'docs/security.md': [
    runs(/worker/, /invoke\.shop/, /shop/, /hub/),
    runs({ notRun: 'ran before the server of the documents started' }, { notRun: 'the server of the documents has this option' }),
    runs(ok, /^(?!error)[^\n]*shop/, /shop/),
  ],
  'docs/sql.md': [runs(ok, ok, stays(/state|notified/)), ...Array.from({ length: 10 }, () => elsewhere('test/e2e/cli/sql.test.ts'))],
  'docs/testing.md': [elsewhere('test/package/consumers.test.ts'), notRun('simulates for minutes; .ci/run runs the first line')],
  'docs/troubleshooting.md': [runs(ok, /^It was accepted at /m, ok), elsewhere('test/package/consumers.test.ts')],
};

/** Documents all of whose examples one test reads. */
export const ofOneTest: Readonly<Record<string, string>> = {
  'docs/client-api.md': 'build/reference/client-reference.ts',
  'docs/recipes': 'test/support/cli/recipes.ts',
};

function invokingProgram(): Example {
  return program(/succeeded \{"greeting":"Hello, Ada!"/, { after: 'console.log(outcome, JSON.stringify(value));' });
}

function readCredentialsIn(text: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-credentials-'));
  try {
    const path = join(folder, 'keys.json');
    // The reader puts hashes in place of these.
    writeFileSync(path, text.replaceAll(/"(?:…|<SHA-256 of the certificate>)"/g, `"${'ab'.repeat(32)}"`));
    return readCredentials(path, { env: { SK: 'a secret of the reader' } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
