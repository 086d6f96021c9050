export function modifiedAt(path: string): number;
export function newestIn(path: string): number;
