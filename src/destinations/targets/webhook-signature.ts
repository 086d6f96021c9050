import { Webhook } from 'standardwebhooks';
import { type Revealed, reveal, type Secret } from './secret.ts';

/**
 * The headers that sign a body by Standard Webhooks. The id is the same on every try; `at` is the time of this try.
 *
 * During a rotation the text of the secret holds several secrets, separated by white space. Each of them makes one signature.
 */
export function signWebhook(
  secret: Secret,
  { id, body, at }: { id: string; body: string; at: number },
): Revealed<'webhook-id' | 'webhook-timestamp' | 'webhook-signature'> {
  const revealed = reveal({ secret });
  if (revealed.kind === 'unreadable') return revealed;
  const secrets = revealed.texts.secret.split(/\s+/);
  if (!secrets.every(isWebhookSecret)) {
    return { kind: 'unreadable', problem: `its secret in ${secret.source} is not "whsec_" and 24 to 64 bytes in base64` };
  }
  const signedAt = new Date(at);
  const texts = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': secrets.map((each) => new Webhook(each).sign(id, signedAt, body)).join(' '),
  };
  return { kind: 'revealed', texts };
}

function isWebhookSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64;
}
