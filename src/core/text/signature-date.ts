/** A time as the signatures of AWS and Huawei write it: `20261126T081500Z`. */
export function signatureDate(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
}
