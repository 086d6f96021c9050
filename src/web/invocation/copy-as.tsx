import { useState } from 'preact/hooks';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { invocationPath } from '../api/invocation-path.ts';
import { CopyButton } from '../parts/copy.tsx';
import { SegmentedControl } from '../parts/forms/segmented-control.tsx';
import { Icon } from '../parts/icon.tsx';
import { Dialog } from '../shell/dialog.tsx';
import { type Text, t } from '../shell/language.ts';

type Kind = 'CLI' | 'curl' | 'SDK';

/** Commands and code that invoke, redrive or query the same invocation, to be copied. */
export function CopyAs({ view }: { view: InvocationView }) {
  const [isOpen, setIsOpen] = useState(false);
  const [kind, setKind] = useState<Kind>('CLI');
  const texts = textsOf(view)[kind];
  return (
    <>
      <button type="button" class="button small" onClick={() => setIsOpen(true)}>
        <Icon name="copy" size={14} /> {t('Copy as…')}
      </button>
      {isOpen ? (
        <Dialog title={t('Copy as')} onClose={() => setIsOpen(false)} wide>
          <div class="dialog-body">
            <SegmentedControl label={t('Kind')} value={kind} choices={['CLI', 'curl', 'SDK']} onChange={setKind} />
            {texts.map(({ title, text }) => (
              <div key={title} class="payload">
                <div class="payload-head">
                  <span class="size">{t(title)}</span>
                  <div class="spring" />
                  <CopyButton text={text} name={t(title)} label={t('Copy')} />
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
}: InvocationView): Record<Kind, { title: Text; text: string }[]> {
  const { origin } = location;
  const isLatest = qualifier === 'latest';
  const ofFunction = `--function ${shellQuoted(name)}`;
  const apiUrl = (part?: string): string => shellQuoted(origin + invocationPath({ id, function: name }, part));
  const query = isLatest ? '' : `?qualifier=${encodeURIComponent(qualifier)}`;
  const event = expressionOf(payload);
  return {
    CLI: [
      { title: 'query the invocation', text: `sequent timeline ${shellQuoted(id)} ${ofFunction}` },
      { title: 'explain the invocation', text: `sequent explain ${shellQuoted(id)} ${ofFunction}` },
      {
        title: 'invoke again',
        text: `sequent invoke ${shellQuoted(name)}${isLatest ? '' : ` --qualifier ${shellQuoted(qualifier)}`} -d ${shellQuoted(payload)}`,
      },
      { title: 'redrive the invocation', text: `sequent redrive ${shellQuoted(id)} ${ofFunction}` },
    ],
    curl: [
      { title: 'query the invocation', text: `curl -s ${apiUrl()}` },
      {
        title: 'invoke again',
        text: `curl -s -H 'Content-Type: application/json' \\\n  -d ${shellQuoted(payload)} \\\n  ${shellQuoted(`${origin}/api/functions/${encodeURIComponent(name)}/invocations${query}`)}`,
      },
      {
        title: 'redrive the invocation',
        text: `curl -s -X POST ${apiUrl('/redrive')}`,
      },
    ],
    SDK: [
      {
        title: 'query the invocation',
        text: `import { connectClient } from 'sequent-functions/client';\n\nawait using client = await connectClient({ servers: process.env.NATS_URL });\nconst timeline = await client.timeline(${JSON.stringify(id)}, { function: ${JSON.stringify(name)} });`,
      },
      {
        title: 'invoke again',
        text: `import { connectClient } from 'sequent-functions/client';\n\nawait using client = await connectClient({ servers: process.env.NATS_URL });\nconst invoked = await client.invoke(${JSON.stringify(name)}, ${event});\nconst { outcome, value } = await invoked.result();`,
      },
    ],
  };
}

/** Quotes a word for a POSIX shell, where single quotes remove every special meaning. */
function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A payload as a JavaScript expression: JSON is one already, any other text becomes a string. */
function expressionOf(payload: string): string {
  if (payload === '') return '{}';
  try {
    return JSON.stringify(JSON.parse(payload));
  } catch {
    return JSON.stringify(payload);
  }
}
