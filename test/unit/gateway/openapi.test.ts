import { beforeAll, describe, expect, test } from 'vitest';
import { ask, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

type Schema = { [key: string]: unknown };
type Operation = {
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, object> };
  security: Record<string, string[]>[];
};

let opened: OpenedApp;
let document: Document;
beforeAll(async () => {
  opened = await openApp();
  document = (await (await ask(opened, 'GET', '/openapi.json')).json()) as Document;
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => ({ path, method, one })));

/** Every object in a JSON value. */
function* objectsIn(value: unknown): Iterable<Schema> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Schema;
  for (const part of Object.values(value)) yield* objectsIn(part);
}

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1 and contains every route with its method', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Sequent', version: expect.stringMatching(/^\d+\.\d+\.\d+/) } });
    const served = opened.app.routes
      .filter(({ method, path }) => method !== 'ALL' && /^\/(?:api\/(?!session)|healthz|readyz|metrics)/.test(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const described = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(new Set(described)).toEqual(new Set(served));
  });

  test('declares the parameters of every path as required', () => {
    for (const { path, method, one } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (one.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([method, path, declared.map(({ name }) => name)]).toEqual([method, path, inPath]);
      expect(declared.every(({ required }) => required === true)).toBe(true);
      const names = (one.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('declares the replies of every operation with a JSON schema, and its errors as problems', () => {
    for (const { path, method, one } of operations()) {
      expect([method, path, one.summary]).toEqual([method, path, expect.stringMatching(/\S/)]);
      expect(Object.keys(one.responses)).toContain('default');
      expect(Object.keys(one.responses.default?.content ?? {})).toEqual(['application/problem+json']);
      for (const { description, content } of Object.values(one.responses)) {
        expect(description).toMatch(/\S/);
        for (const { schema } of Object.values(content ?? {})) expect(Object.keys(schema).length).toBeGreaterThan(0);
      }
    }
  });

  test('refers to its own definitions only, and uses nothing that OpenAPI 3.1 removed', () => {
    for (const found of objectsIn(document)) {
      if (typeof found.$ref === 'string') {
        const parts = found.$ref.replace(/^#\//, '').split('/');
        const target = parts.reduce<unknown>((at, part) => (at as Schema | undefined)?.[part], document);
        expect([found.$ref, typeof target]).toEqual([found.$ref, 'object']);
      }
      expect(Object.keys(found)).not.toContain('nullable');
      for (const bound of ['exclusiveMinimum', 'exclusiveMaximum']) expect(typeof found[bound]).not.toBe('boolean');
    }
    for (const name of document.security.flatMap(Object.keys)) expect(Object.keys(document.components.securitySchemes)).toContain(name);
  });
});
