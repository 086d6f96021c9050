import type { TestProject } from 'vitest/node';
import { startTestServer } from './nats-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One real nats-server for the whole run: use a prefix of your own, and leave nothing open. */
    natsUrl: string;
  }
}

/** Starts the server that the integration tests share; what it returns ends it and removes its store. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestServer();
  project.provide('natsUrl', server.url);
  return async () => await server[Symbol.asyncDispose]();
}
