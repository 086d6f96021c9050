export function stateOfSources(root: string): string;
export function stateOfModules(dist: string): string;
export function isBuildCurrent(root: string): boolean;
export function unfinishedBuild(root: string, pid: number): string;
export function buildInBackground(options: { root: string; say: (line: string) => void }): boolean;
