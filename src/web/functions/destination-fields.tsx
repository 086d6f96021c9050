import { Icon } from '../parts/icon.tsx';

export type Target = { destination: string; param: string };

const templates: Readonly<Record<string, string>> = {
  FunctionGraph: '{\n  "func_urn": ""\n}',
  OBS: '{\n  "bucket": "",\n  "prefix": "",\n  "expires": 3600\n}',
  SMN: '{\n  "topic_urn": ""\n}',
  DIS: '{\n  "stream_name": ""\n}',
  NATS: '{\n  "subject": ""\n}',
  HTTP: '{\n  "url": ""\n}',
};

type FieldsProps = {
  label: string;
  targets: readonly Target[];
  messageAt: (place: number) => string | undefined;
  onChange: (targets: Target[]) => void;
};

/** A list of destinations in FunctionGraph's own form: a kind, and a `param` that is JSON. */
export function DestinationFields({ label, targets, messageAt, onChange }: FieldsProps) {
  const change = (place: number, changed: Partial<Target>): void =>
    onChange(targets.map((target, index) => (index === place ? { ...target, ...changed } : target)));
  return (
    <fieldset class="destinations">
      <legend>{label}</legend>
      {targets.map(({ destination, param }, place) => {
        const message = messageAt(place);
        return (
          <div key={place} class="destination">
            <select
              aria-label={`${label}: kind of destination ${place + 1}`}
              value={destination}
              onChange={({ currentTarget }) =>
                change(place, { destination: currentTarget.value, param: templates[currentTarget.value] ?? '{}' })
              }
            >
              {Object.keys(templates).map((kind) => (
                <option key={kind} value={kind}>
                  {kind}
                </option>
              ))}
            </select>
            <textarea
              class="mono"
              rows={rowsFor(param)}
              spellcheck={false}
              aria-label={`${label}: parameters of destination ${place + 1}`}
              aria-invalid={message !== undefined}
              value={param}
              onInput={({ currentTarget }) => change(place, { param: currentTarget.value })}
            />
            <button
              type="button"
              class="button quiet small"
              aria-label={`${label}: remove destination ${place + 1}`}
              onClick={() => onChange(targets.filter((_, index) => index !== place))}
            >
              <Icon name="close" size={14} />
            </button>
            {message === undefined ? null : (
              <small class="wrong" role="alert">
                {message}
              </small>
            )}
          </div>
        );
      })}
      <button
        type="button"
        class="button small"
        aria-label={`${label}: add a destination`}
        onClick={() => onChange([...targets, { destination: 'FunctionGraph', param: templates.FunctionGraph ?? '{}' }])}
      >
        Add
      </button>
    </fieldset>
  );
}

function rowsFor(text: string): number {
  const rows = text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 36)), 0);
  return Math.min(10, Math.max(3, rows));
}
