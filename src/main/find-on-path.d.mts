/** The file that a shell would run for this command: the first executable of the name in a folder of the PATH. */
export function findOnPath(command: string, path?: string): string | undefined;
