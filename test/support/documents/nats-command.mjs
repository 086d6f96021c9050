#!/usr/bin/env node
/* Stands in for the command `nats` of NATS in the examples of the documents: pub, req, sub and reply, each with the arguments that they use. */
import { readFileSync } from 'node:fs';
import { connect, headers, nkeyAuthenticator } from 'nats';

const [verb, subject, ...rest] = process.argv.slice(2);
const option = rest.indexOf('-H');
const [header] = option < 0 ? [] : rest.splice(option, 2).slice(1);
const [payload = ''] = rest;
const { NATS_URL, NATS_NKEY } = process.env;
const nats = await connect({
  servers: NATS_URL,
  ...(NATS_NKEY === undefined ? {} : { authenticator: nkeyAuthenticator(Buffer.from(readFileSync(NATS_NKEY, 'utf8').trim())) }),
});
const sent = headers();
if (header !== undefined) sent.set(...header.split(/:(.*)/s).slice(0, 2));
if (verb === 'pub') nats.publish(subject, payload, { headers: sent });
else if (verb === 'req') process.stdout.write(`${(await nats.request(subject, payload, { headers: sent })).string()}\n`);
else {
  const subscription = nats.subscribe(subject, {});
  await nats.flush();
  process.stdout.write(`Subscribing on ${subject}\n`);
  for await (const message of subscription) {
    process.stdout.write(`Received on "${message.subject}" ${message.headers?.get('Request-Id') ?? ''}\n${message.string()}\n`);
    if (verb === 'reply') message.respond(payload);
  }
}
await nats.drain();
