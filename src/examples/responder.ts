// biome-ignore lint/style/noRestrictedImports: this program uses NATS and not Sequent
import { connect, StringCodec } from 'nats';

/**
 * A function as a NATS responder. A responder can be written in any language with a NATS client: it subscribes, and replies with JSON. The
 * header `Function-Error` in a reply reports a failure.
 *
 * Run: npx tsx src/examples/responder.ts nats://127.0.0.1:4222
 */
const nats = await connect({ servers: process.argv[2] ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222', name: 'example-responder' });
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
