import { InvalidInputError } from '#src/core/errors.ts';

export type S3Location = { bucket: string; prefix: string; endpoint: string; region: string };

/** Parses `s3://<bucket>/<prefix>?endpoint=<url>&region=<region>`. Throws `InvalidInputError`. */
export function parseS3Location(text: string): S3Location {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bucket = url?.hostname ?? '';
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new InvalidInputError({ field: 'the archive', problem: `names no bucket: ${text}` });
  const region = url?.searchParams.get('region') ?? 'us-east-1';
  const endpoint = url?.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new InvalidInputError({ field: "the archive's endpoint", problem: `must be an http or https URL, not ${endpoint}` });
  }
  const prefix = prefixOf(url?.pathname ?? '');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint: endpoint.replace(/\/+$/, ''), region };
}

function prefixOf(path: string): string {
  try {
    return decodeURIComponent(path).replace(/^\/+|\/+$/g, '');
  } catch (cause) {
    throw new InvalidInputError({ field: 'the archive', problem: `has a prefix that cannot be decoded: ${path}` }, { cause });
  }
}
