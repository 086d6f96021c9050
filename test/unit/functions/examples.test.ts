import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { defineExamples } from '#src/examples/define-examples.ts';
import { examples } from '#src/examples/index.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';

const names = examples.map(({ name }) => name);

let registry: FunctionRegistry;
beforeEach(() => {
  registry = createFunctionRegistry(createMemoryKeyValue());
});

describe('the examples', () => {
  test('are defined where no function of their names is, and a repetition changes nothing (EX1)', async () => {
    expect(await defineExamples(registry)).toEqual(names);
    const first = await registry.list();
    expect(await defineExamples(registry)).toEqual(names);
    expect(await registry.list()).toEqual(first);
  });

  test.for(names)('leave a function of the user named %s as it is (EX1)', async (name) => {
    const own = await registry.put({ name, handler: { kind: 'subject', subject: 'shop.orders' }, timeoutInMs: 60_000 });
    expect(await defineExamples(registry)).toEqual(names.filter((one) => one !== name));
    expect(await registry.get(name)).toEqual(own);
  });

  test.for(examples)('leave any change of the example $name as it is (EX1)', async (example) => {
    const changes = [{ timeoutInMs: 1_234 }, { description: 'mine' }, { paused: true }, { userData: { A: '1' } }, { concurrency: 1 }];
    for (const change of changes) {
      const { definition } = await registry.put({ ...example, ...change });
      await defineExamples(registry);
      expect((await registry.get(example.name)).definition).toEqual(definition);
    }
  });

  test('replace the unchanged examples of an installation in another folder (EX1)', async () => {
    for (const { handler, ...example } of examples) {
      const file = handler.kind === 'process' ? { file: handler.file.replace(/^.*\/src\//, '/opt/former/src/') } : {};
      await registry.put({ ...example, handler: { ...handler, ...file } });
    }
    expect(await defineExamples(registry)).toEqual(names);
    for (const example of examples) expect((await registry.get(example.name)).definition).toEqual(parseDefinition(example));
  });
});
