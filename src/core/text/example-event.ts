/** An object of a JSON Schema. */
type JsonSchema = Readonly<Record<string, unknown>>;
type SchemaPosition = { root: JsonSchema; depth: number };

/** A schema that refers to itself has no finite example with all its parts: below this depth they are left out. */
const MAX_DEPTH = 6;

/** How a library with Standard JSON Schema makes one. zod then leaves out what JSON cannot express, instead of a refusal. */
export const JSON_SCHEMA_OPTIONS = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } };

/**
 * The text of an event that a schema describes, for a person to change. The schema is a JSON Schema, or one of a library that implements
 * Standard JSON Schema, such as zod since 4.2. `undefined` for everything else, and for a schema that JSON Schema cannot express.
 */
export function exampleEvent(schema: unknown): string | undefined {
  const described = jsonSchemaOf(schema);
  return described === undefined ? undefined : JSON.stringify(exampleOf(described));
}

function jsonSchemaOf(schema: unknown): JsonSchema | undefined {
  const standard = field(schema, '~standard');
  if (standard === undefined) return isObject(schema) ? schema : undefined;
  const converter = field(standard, 'jsonSchema');
  const convert = field(converter, 'input');
  if (typeof convert !== 'function') return undefined;
  try {
    const made: unknown = Reflect.apply(convert, converter, [JSON_SCHEMA_OPTIONS]);
    return isObject(made) ? made : undefined;
  } catch {
    return undefined;
  }
}

/** Patterns, and formats that are not common, are ignored. */
function exampleOf(schema: JsonSchema): unknown {
  return valueFor(schema, { root: schema, depth: 0 });
}

function valueFor(given: unknown, place: SchemaPosition): unknown {
  if (place.depth > 2 * MAX_DEPTH) return null;
  const schema = resolve(given, place.root);
  if (schema.default !== undefined) return schema.default;
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const [first] = [schema.anyOf, schema.oneOf].filter((choices): choices is unknown[] => Array.isArray(choices) && choices.length > 0);
  if (first !== undefined) return valueFor(first[0], deeper(place));
  if (Array.isArray(schema.allOf)) return mergeOf(schema, schema.allOf, place);
  return byType(schema, place);
}

function mergeOf(schema: JsonSchema, parts: readonly unknown[], place: SchemaPosition): unknown {
  const { allOf: _, ...own } = schema;
  const values = [...parts, ...(isObject(own.properties) ? [own] : [])].map((part) => valueFor(part, deeper(place)));
  return values.every(isObject) ? Object.assign({}, ...values) : values[0];
}

function byType(schema: JsonSchema, place: SchemaPosition): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? (isObject(schema.properties) ? 'object' : undefined));
  if (type === 'object') return objectOf(schema, place);
  if (type === 'array') return arrayOf(schema, place);
  if (type === 'string') return stringOf(schema);
  if (type === 'integer' || type === 'number') return numberOf(schema);
  if (type === 'boolean') return false;
  return type === 'null' ? null : {};
}

function objectOf({ properties, required }: JsonSchema, place: SchemaPosition): Record<string, unknown> {
  if (!isObject(properties)) return {};
  const isRequired = (name: string): boolean => Array.isArray(required) && required.includes(name);
  const shown = Object.entries(properties).filter(([name]) => place.depth < MAX_DEPTH || isRequired(name));
  return Object.fromEntries(shown.map(([name, one]) => [name, valueFor(one, deeper(place))]));
}

function arrayOf({ items, prefixItems }: JsonSchema, place: SchemaPosition): unknown[] {
  if (Array.isArray(prefixItems)) return prefixItems.map((one) => valueFor(one, deeper(place)));
  return isObject(items) && place.depth < MAX_DEPTH ? [valueFor(items, deeper(place))] : [];
}

const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00',
  email: 'name@example.com',
  uri: 'https://example.com/',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  ipv4: '192.0.2.1',
};

function stringOf({ format, minLength }: JsonSchema): string {
  const text = (typeof format === 'string' ? formats[format] : undefined) ?? 'text';
  return typeof minLength === 'number' ? text.padEnd(Math.min(minLength, 1_000), '.') : text;
}

function numberOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): number {
  if (typeof exclusiveMinimum === 'number' && exclusiveMinimum >= 0) return Math.floor(exclusiveMinimum) + 1;
  if (typeof minimum === 'number' && minimum > 0) return minimum;
  return typeof maximum === 'number' && maximum < 0 ? maximum : 0;
}

/** Follows a reference inside of the schema. */
function resolve(given: unknown, root: JsonSchema): JsonSchema {
  const reference = field(given, '$ref');
  if (typeof reference !== 'string' || !reference.startsWith('#')) return isObject(given) ? given : {};
  const found = reference
    .slice(1)
    .split('/')
    .filter((part) => part !== '')
    .reduce<unknown>((at, part) => field(at, part), root);
  return isObject(found) ? found : {};
}

function deeper({ root, depth }: SchemaPosition): SchemaPosition {
  return { root, depth: depth + 1 };
}

function field(value: unknown, name: string): unknown {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? Reflect.get(value, name) : undefined;
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
