// biome-ignore lint/style/noRestrictedImports: this is somebody else's program, which knows NATS and not Sequent
import { connect, StringCodec } from 'nats';

/**
 * A function as a NATS responder, which any language with a NATS client can be: it subscribes, and replies with JSON.
 *
 * `Function-Error` in a reply makes it a failure. Run it: npx tsx src/examples/responder.ts nats://127.0.0.1:4222
 */
const nats = await connect({ servers: process.argv[2] ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222', name: 'example-responder' });
const text = StringCodec();
process.stdout.write(`answering on examples.responder at ${nats.getServer()}; Ctrl-C ends it\n`);
process.once('SIGINT', () => void nats.drain());
process.once('SIGTERM', () => void nats.drain());

// One queue group: of several responders one gets each request.
for await (const message of nats.subscribe('examples.responder', { queue: 'examples.responder' })) {
  const event: unknown = JSON.parse(text.decode(message.data));
  const requestId = message.headers?.get('Request-Id');
  process.stdout.write(`${requestId} attempt ${message.headers?.get('Attempt')}\n`);
  message.respond(text.encode(JSON.stringify({ answered: event, requestId })));
}
