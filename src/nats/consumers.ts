import type { ConsumerInfo, JetStreamManager } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { INVOCATIONS } from './topology.ts';

const CONSUMER_NOT_FOUND = 10014;

/** A consumer of the log, or `undefined` when there is none of this name. */
export async function findConsumer(manager: JetStreamManager, name: string): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(INVOCATIONS, name);
  } catch (error) {
    if ((error as { api_error?: { err_code?: number } }).api_error?.err_code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/**
 * Deletes a consumer of the log. A server without the fix of nats-server #7886 deletes one that is busy, and yet may say that its folder was
 * not empty.
 */
export async function deleteConsumer(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    return await manager.consumers.delete(INVOCATIONS, name);
  } catch (error) {
    if (messageOf(error).includes('directory not empty')) return true;
    throw error;
  }
}
