import { expect, test } from 'vitest';
import { builtSpecifier, withBuiltSpecifiers } from '../../../build/specifiers.ts';

test.for([
  ['#src/core/errors.ts', 'src/client/client.ts', '../core/errors.js'],
  ['#src/client/invoke.ts', 'src/client/client.ts', './invoke.js'],
  ['#machines/invocation.ts', 'src/core/log/fold.ts', '../../../machines/invocation.js'],
  ['./invoke.ts', 'src/client/client.ts', './invoke.js'],
  ['../session.ts', 'src/cli/commands/ls.ts', '../session.js'],
  ['./runtime/context.mjs', 'src/hosts/inline-host.ts', './runtime/context.mjs'],
  ['nats', 'src/nats/ports.ts', 'nats'],
  ['node:fs', 'src/nats/ports.ts', 'node:fs'],
] as const)('the import of %s in %s becomes %s in the package', ([specifier, importer, built]) => {
  expect(builtSpecifier(specifier, importer)).toBe(built);
});

test('every form of import in a declaration gets the specifier of the package, and other text stays', () => {
  const declarations = `import type { Clock } from '#src/core/ports/clock.ts';
import '#src/core/errors.ts';
export { type Cancel } from "./cancel.ts";
export declare const folder: (name: import("#src/core/names/urn.ts").Urn) => '#src/core';`;
  expect(withBuiltSpecifiers(declarations, 'src/client/client.d.ts')).toBe(`import type { Clock } from '../core/ports/clock.js';
import '../core/errors.js';
export { type Cancel } from "./cancel.js";
export declare const folder: (name: import("../core/names/urn.js").Urn) => '#src/core';`);
});
