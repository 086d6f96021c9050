/** The part of JSON Schema that zod and the OpenAPI document write. */
export type Schema = {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  default?: unknown;
  pattern?: string;
  minLength?: number;
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  additionalProperties?: Schema | boolean;
};

/** A position for a text in a value of a schema. `build` makes a value with the text there, which is valid elsewhere as far as the schema says. */
export type Field = { name: string; build: (text: string) => unknown };

/** A field may hold a schema that holds itself. */
const MAX_DEPTH = 7;

/** Every position of a value of the schema that takes a text: properties, items, branches, and names of records. */
export function fieldsOf(schema: Schema, depth = 0): Field[] {
  if (depth > MAX_DEPTH) return [];
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  if (branches.length > 0) return branches.flatMap((branch) => fieldsOf(branch, depth + 1));
  switch (schema.type) {
    case 'string':
    // A position without a type takes any value.
    case undefined:
      return [{ name: '', build: (text) => text }];
    case 'array':
      return within(schema.items, depth).map(({ name, build }) => ({ name: `[]${name}`, build: (text) => [build(text)] }));
    case 'object':
      return [...propertiesOf(schema, depth), ...recordOf(schema, depth)];
    default:
      return [];
  }
}

function propertiesOf(schema: Schema, depth: number): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([property, inner]) =>
    fieldsOf(inner, depth + 1).map(({ name, build }) => ({
      name: `.${property}${name}`,
      build: (text) => ({ ...(sampleOf(schema) as object), [property]: build(text) }),
    })),
  );
}

/** The names and the values of a record. */
function recordOf(schema: Schema, depth: number): Field[] {
  const { additionalProperties: values } = schema;
  if (values === undefined || values === false) return [];
  const inner = values === true ? {} : values;
  const sample = sampleOf(schema) as object;
  return [
    { name: '{name}', build: (text) => ({ ...sample, [text]: sampleOf(inner) }) },
    ...fieldsOf(inner, depth + 1).map(({ name, build }) => ({
      name: `{}${name}`,
      build: (text: string) => ({ ...sample, a: build(text) }),
    })),
  ];
}

function within(items: Schema | undefined, depth: number): Field[] {
  return items === undefined ? [] : fieldsOf(items, depth + 1);
}

/** What a text is when another position of the same value is attacked, by the name of its property. */
const NAMED: Readonly<Record<string, string>> = {
  cron: '0 3 * * *',
  file: 'index.mjs',
  key: '$.a',
  path: '$.a',
  per: '1s',
  time_zone: 'UTC',
  url: 'https://example.com/',
  wait: '1s',
};

const TEXTS = ['mine', 'v1', 'index.handler', 'index.mjs', '0 3 * * *', 'https://example.com/', '{}', '1s', '', 'YQ=='];

/** The least value of a schema. Of several branches, it is that of the object with the fewest required properties. */
function sampleOf(schema: Schema, property = ''): unknown {
  const requiredBy = ({ type, required = [] }: Schema): number => (type === 'object' ? required.length : 100);
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const [branch] = branches.toSorted((one, other) => requiredBy(one) - requiredBy(other));
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  if (branch !== undefined) return sampleOf(branch);
  switch (schema.type) {
    case 'string':
      return NAMED[property] ?? textOf(schema);
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1);
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, name)]));
    default:
      return 'mine';
  }
}

function textOf({ minLength = 0, pattern = '' }: Schema): string {
  return TEXTS.find((text) => text.length >= minLength && new RegExp(pattern, 'u').test(text)) ?? 'mine';
}
