import type { Hono } from 'hono';
import { HttpError } from '../http-error.ts';
import type { Room } from '../overload.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { addAsyncConfig } from './async-config.ts';
import { addFunctions } from './functions.ts';
import { addInvocations } from './invoke.ts';

/** Siblings of `functions/{function_urn}` that are no function: they go before it. */
const literals = [
  'enable-async-status-logs',
  'async-status-log-detail',
  'reservedinstances',
  'reservedinstanceconfigs',
  'statistics',
  'import',
  'enable-lts-logs',
];

/** The vendor's API: what this version offers, and 501 in the vendor's shape for the rest of it. */
export function addVendorApi(app: Hono<GatewayEnv>, gateway: Gateway, waiting: Room): void {
  for (const literal of literals) app.all(`/v2/:project/fgs/functions/${literal}`, refuse);
  addInvocations(app, gateway, waiting);
  addAsyncConfig(app, gateway);
  addFunctions(app, gateway);
  app.all('/v2/*', refuse);
}

function refuse(): never {
  throw new HttpError({ status: 501, message: 'this call of the API is not offered by Sequent' });
}
