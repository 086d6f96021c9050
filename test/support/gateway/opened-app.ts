import { setMaxListeners } from 'node:events';
import type { Hono } from 'hono';
import { expect } from 'vitest';
import { checkJson } from '#src/client/invoke/requests.ts';
import { createBulkStore } from '#src/core/bulk/bulk-operation.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { AuditLog } from '#src/core/ports/stores/audit-log.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { createApp } from '#src/gateway/app.ts';
import { CredentialSet } from '#src/gateway/auth/credential-set.ts';
import type { Credential } from '#src/gateway/auth/credentials.ts';
import { DEFAULT_LIMITS, openGateway } from '#src/gateway/gateway.ts';
import type { Gateway, GatewayClient, GatewayEnv, GatewayLimits, GatewayOptions } from '#src/gateway/ports.ts';

import { MemoryAuditLog } from './memory-audit-log.ts';

/** A request that the gateway sent to the log. */
type Sent = { name: string; payload: string; id: string | undefined };

export type OpenedApp = {
  app: Hono<GatewayEnv>;
  sent: Sent[];
  registry: FunctionRegistry;
  client: GatewayClient;
  /** The entries of the registry. */
  entries: KeyValue;
  /** Sets the clock. */
  at(now: number): void;
  options: GatewayOptions;
  gateway: Gateway;
};

type OpenAppOptions = {
  audit?: AuditLog;
  credentials?: Credential[];
  invokeText?: (name: string, payload: string, id: string | undefined) => Promise<void>;
  isConnected?: () => boolean;
  limits?: Partial<GatewayLimits>;
};

/** The gateway's routes on a registry in memory and a log that only records the requests. */
export async function openApp({
  credentials = [],
  audit = new MemoryAuditLog(),
  invokeText,
  isConnected = () => true,
  limits = {},
}: OpenAppOptions = {}): Promise<OpenedApp> {
  const sent: Sent[] = [];
  let now = Date.parse('2026-11-24T12:00:00Z');
  const entries = createMemoryKeyValue();
  const packages = createMemoryCodePackages({ now: () => now });
  const quotas = new ProjectQuotas();
  const definitions = new DefinitionLimits({ quotas, ownProject: 'p1' });
  const { signal } = new AbortController();
  await entries.watch((change) => {
    definitions.applyChange(change);
    quotas.applyChange(change);
  }, signal);
  const store = definitions.registry(entries);
  const registry = createFunctionRegistry(store, { clock: { now: () => now }, packages });
  const client = {
    functions: registry,
    packages: definitions.packages(packages),
    batches: { open: async () => 1, seal: async () => true },
    async invokeText(name: string, payload: string, { id }: { id?: string } = {}) {
      await registry.get(name);
      await invokeText?.(name, payload, id);
      checkJson(payload);
      sent.push({ name, payload, id });
      return { requestId: id ?? 'none', result: () => Promise.reject(new Error('no worker runs')) };
    },
    async invokeTexts(name: string, payloads: readonly string[]) {
      return await Promise.all(payloads.map((payload) => this.invokeText(name, payload)));
    },
    invokeTogether(name: string, payload: string, options: { id: string }) {
      return this.invokeText(name, payload, options);
    },
    async invokeOnce(name: string, payload: string, options: { id: string }) {
      const earlier = sent.find((one) => one.name === name && one.id === options.id);
      if (earlier !== undefined) return { requestId: options.id, earlier: { payload: earlier.payload, at: 0, dueAt: undefined } };
      await this.invokeText(name, payload, options);
      return { requestId: options.id };
    },
    async timeline(id: string) {
      throw new InvocationNotFoundError({ id });
    },
    lastSequence: async () => 0,
    follow: (_from: number, _onEntry: unknown, signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  };
  const options: GatewayOptions = {
    client: client as unknown as GatewayClient,
    isConnected,
    tenancy: { region: 'local', project: 'p1' },
    store: createMemoryKeyValue(),
    bulks: createBulkStore(createMemoryKeyValue(), { now: () => now }),
    credentials: new CredentialSet(credentials),
    limits: { ...DEFAULT_LIMITS, ...limits },
    clock: { now: () => now, sleep: async () => {} },
    logger: silentLogger,
    history: { ask: () => Promise.reject(new HistoryUnavailableError({ why: 'no projection runs', isAbsent: true })) },
    signatures: { publish: () => {}, subscribe: async () => {} },
    audit,
    definitions,
  };
  // As in a running gateway, every open stream listens to it.
  setMaxListeners(0, signal);
  const gateway = await openGateway(options, signal);
  return {
    app: createApp(gateway),
    sent,
    registry,
    client: options.client,
    entries: store,
    options,
    gateway,
    at(moment) {
      now = moment;
    },
  };
}

export const local = (path: string): string => `http://127.0.0.1${path}`;
export const F = '/v2/p1/fgs/functions';

export async function ask(
  { app }: OpenedApp,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  const text = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  return await app.request(local(path), { method, headers: { 'content-type': 'application/json', ...headers }, ...text });
}

/** Asserts an error in the vendor's shape. */
export async function expectError(response: Response, status: number, code: string): Promise<void> {
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json']);
  expect(response.headers.get('x-request-id')).toBeTruthy();
  expect(await response.json()).toMatchObject({ error_code: code, error_msg: expect.stringMatching(/./) });
}
