import { expect, test } from 'vitest';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';

const parsed = { deliveries: 3, sequence: 4_711, consumerSequence: 42, at: 1_795_707_693_901 };

test.for([
  ['', ''],
  ['with a domain and an account hash', 'hub.ACZ3TQ.'],
])('an acknowledgement subject %s is read', ([, before]) => {
  for (const after of ['', '.token']) {
    if (before === '' && after !== '') continue;
    expect(parseAckSubject(`$JS.ACK.${before}INVOCATIONS.work-hello.3.4711.42.1795707693901999999.7${after}`)).toEqual(parsed);
  }
});
