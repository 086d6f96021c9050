import { useState } from 'preact/hooks';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { Dialog } from '../shell/dialog.tsx';
import { Choice } from './timeline.tsx';

type Kind = 'CLI' | 'curl' | 'SDK';

/** The same invocation, or the question about it, for a terminal or a program. */
export function CopyAs({ view }: { view: InvocationView }) {
  const [isOpen, setIsOpen] = useState(false);
  const [kind, setKind] = useState<Kind>('CLI');
  const texts = textsOf(view)[kind];
  return (
    <>
      <button type="button" class="button small" onClick={() => setIsOpen(true)}>
        <Icon name="copy" size={14} /> Copy as…
      </button>
      {isOpen ? (
        <Dialog title="Copy as" onClose={() => setIsOpen(false)} wide>
          <div class="dialog-body">
            <Choice label="Kind" value={kind} choices={['CLI', 'curl', 'SDK']} onChoice={setKind} />
            {texts.map(({ what, text }) => (
              <div key={what} class="payload">
                <div class="payload-head">
                  <span class="size">{what}</span>
                  <div class="spring" />
                  <CopyButton text={text} what={what} label="Copy" />
                </div>
                <pre>{text}</pre>
              </div>
            ))}
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function textsOf({
  request_id: id,
  function: name,
  qualifier,
  request: { payload },
}: InvocationView): Record<Kind, { what: string; text: string }[]> {
  const { origin } = location;
  const isLatest = qualifier === 'latest';
  const query = isLatest ? '' : `?qualifier=${encodeURIComponent(qualifier)}`;
  const event = inCode(payload);
  return {
    CLI: [
      { what: 'ask about it', text: `npx sequent timeline ${quoted(id)}` },
      { what: 'explain it', text: `npx sequent explain ${quoted(id)}` },
      {
        what: 'invoke the same',
        text: `npx sequent invoke ${quoted(name)}${isLatest ? '' : ` --qualifier ${quoted(qualifier)}`} -d ${quoted(payload)}`,
      },
      { what: 'redrive it', text: `npx sequent redrive ${quoted(id)}` },
    ],
    curl: [
      { what: 'ask about it', text: `curl -s ${quoted(`${origin}/api/invocations/${encodeURIComponent(id)}`)}` },
      {
        what: 'invoke the same',
        text: `curl -s -H 'Content-Type: application/json' \\\n  -d ${quoted(payload)} \\\n  ${quoted(`${origin}/api/functions/${encodeURIComponent(name)}/invocations${query}`)}`,
      },
      { what: 'redrive it', text: `curl -s -X POST ${quoted(`${origin}/api/invocations/${encodeURIComponent(id)}/redrive`)}` },
    ],
    SDK: [
      {
        what: 'ask about it',
        text: `import { connectClient } from 'sequent/client';\n\nawait using client = await connectClient({ servers: process.env.NATS_URL });\nconst timeline = await client.timeline(${JSON.stringify(id)});`,
      },
      {
        what: 'invoke the same',
        text: `import { connectClient } from 'sequent/client';\n\nawait using client = await connectClient({ servers: process.env.NATS_URL });\nconst invoked = await client.invoke(${JSON.stringify(name)}, ${event});\nconst { outcome, value } = await invoked.result();`,
      },
    ],
  };
}

/** For a POSIX shell: nothing within single quotes means anything. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON is an expression of the language; what is none becomes a text. */
function inCode(payload: string): string {
  if (payload === '') return '{}';
  try {
    return JSON.stringify(JSON.parse(payload));
  } catch {
    return JSON.stringify(payload);
  }
}
