export function modifiedAt(path: string): number;
export function newestIn(path: string): number;
export function stampOf(root: string, paths: readonly string[]): string;
