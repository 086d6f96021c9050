/** The aliases that name a value of the victim as a version, as the main one and as a canary that promotes itself. */
export function aliasesWith(value: string): object[] {
  // A name of a version has at most 64 characters.
  const version = value.slice(0, 64);
  return [
    { version },
    { version: 'v1', description: value, weights: { [version]: 10 } },
    { version: 'v1', weights: { [version]: 10 }, auto: { promote_after: 20 } },
    { version, weights: { v1: 10 }, auto: { promote_after: 20 } },
  ];
}
