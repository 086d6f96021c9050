import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readApi } from './api.ts';
import { pageOf } from './page.ts';
import { createTranslation, english } from './translation.ts';

/*
 * npm run client-reference writes docs/client-api.md, the reference of the client library and the report of its public API, from the doc
 * comments, and its Chinese twin by the catalogue zh-cn.json. test/unit/build/client-reference.test.ts compares both files, and asks for a line in
 * CHANGELOG.md after a change of the API.
 */

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** The documents as they are, and as they should be; and where the catalogue differs from the comments. */
export function clientReferences(api = readApi()) {
  const chinese = createTranslation(JSON.parse(readFileSync(pathOf('build/reference/zh-cn.json'), 'utf8')));
  const documents = [
    { document: 'docs/client-api.md', wanted: pageOf(api, english) },
    { document: 'docs/zh/client-api.md', wanted: pageOf(api, chinese) },
  ];
  return {
    documents: documents.map((one) => ({ ...one, present: readFileSync(pathOf(one.document), 'utf8') })),
    missing: [...chinese.missing],
    unused: chinese.unused(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { documents, missing, unused } = clientReferences();
  for (const { document, wanted } of documents) {
    writeFileSync(pathOf(document), wanted);
    process.stdout.write(`wrote ${document}\n`);
  }
  const wrong = [
    ...missing.map((text) => `zh-cn.json lacks: ${text}\n`),
    ...unused.map((text) => `zh-cn.json holds, and no comment says: ${text}\n`),
  ];
  for (const line of wrong) process.stderr.write(line);
  if (wrong.length > 0) process.exitCode = 1;
}
