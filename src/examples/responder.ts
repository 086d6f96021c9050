import { readFileSync } from 'node:fs';
// biome-ignore lint/style/noRestrictedImports: this program uses NATS and not Sequent
import { connect, nkeyAuthenticator, StringCodec } from 'nats';

/**
 * A function as a NATS responder. A responder can be written in any language with a NATS client: it subscribes, and replies with JSON. The
 * header `Function-Error` in a reply reports a failure.
 *
 * Run: NATS_NKEY=.sequent/nats/sequent.nk npx tsx src/examples/responder.ts nats://127.0.0.1:4222
 */
const servers = process.argv[2] ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222';
const key = process.env.NATS_NKEY === undefined ? undefined : readFileSync(process.env.NATS_NKEY, 'utf8').trim();
const user = key === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(key)) };
const nats = await connect({ servers, name: 'example-responder', ...user });
const text = StringCodec();
process.stdout.write(`answering on examples.responder at ${nats.getServer()}; Ctrl-C ends it\n`);
process.once('SIGINT', () => void nats.drain());
process.once('SIGTERM', () => void nats.drain());

// With a queue group, each request is delivered to one of several responders.
for await (const message of nats.subscribe('examples.responder', { queue: 'examples.responder' })) {
  const event: unknown = JSON.parse(text.decode(message.data));
  const requestId = message.headers?.get('Request-Id');
  process.stdout.write(`${requestId} attempt ${message.headers?.get('Attempt')}\n`);
  message.respond(text.encode(JSON.stringify({ answered: event, requestId })));
}
