import { t } from '../../shell/language.ts';
import { session } from '../../shell/login/session.ts';
import { useStore } from '../../shell/store.ts';

/** A function that can be a destination, with its versions and aliases. */
export type FunctionChoice = { name: string; qualifiers: readonly string[] };

type FunctionTargetProps = {
  urn: string;
  functions: readonly FunctionChoice[];
  isInvalid: boolean;
  onChange: (urn: string | undefined) => void;
};

/** The function of a destination, and its version or alias: `latest` by default. The function may also be typed as a URN. */
export function FunctionTarget({ urn, functions, isInvalid, onChange }: FunctionTargetProps) {
  const project = useStore(session)?.project ?? 'default';
  const target = read(urn);
  const typed = target !== undefined && urn === write(target, project) ? target.name : urn;
  const known = functions.find(({ name }) => name === target?.name)?.qualifiers ?? [];
  const qualifier = target?.qualifier ?? 'latest';
  const qualifiers = [...new Set(['latest', ...known, qualifier])];
  return (
    <>
      <label class="field whole">
        <span>{t('Function')}</span>
        <input
          type="text"
          value={typed}
          placeholder={t('name or URN of the function')}
          list="destination-functions"
          spellcheck={false}
          autocomplete="off"
          aria-invalid={isInvalid}
          onInput={({ currentTarget: { value } }) => onChange(value === '' ? undefined : value)}
        />
      </label>
      <label class="field">
        <span>{t('Version or alias')}</span>
        <select
          value={qualifier}
          disabled={target === undefined}
          onChange={({ currentTarget }) => onChange(write({ name: target?.name ?? '', qualifier: currentTarget.value }, project))}
        >
          {qualifiers.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <datalist id="destination-functions">
        {functions.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

const DEFAULT_PACKAGE = 'default';

type Address = { name: string; qualifier: string };

/** The function and the qualifier of a URN in one of FunctionGraph's forms; `undefined` while none is typed. The gateway validates it. */
function read(urn: string): Address | undefined {
  const parts = urn.split(':');
  // A full URN has five parts before the package. In a short one, the last part is the name until there are four.
  const short = parts[0] === 'urn' ? ['', ...parts.slice(5)] : parts;
  const name = short[Math.min(short.length - 1, 2)] ?? '';
  const packageOf = short.length === 2 ? short[0] : (short[1] ?? DEFAULT_PACKAGE);
  if (name === '' || short.length > 4) return undefined;
  return { name: packageOf === DEFAULT_PACKAGE ? name : `${packageOf}:${name}`, qualifier: short[3] ?? 'latest' };
}

/** The shortest form of a URN that names the version or the alias. */
function write({ name, qualifier }: Address, project: string): string {
  if (qualifier === 'latest') return name;
  return `${project}:${name.includes(':') ? name : `${DEFAULT_PACKAGE}:${name}`}:${qualifier}`;
}
