/** Whether this Node has a stable permission model (Node 22.13 and newer). */
export const hasPermissionModel: boolean = process.allowedNodeEnvironmentFlags.has('--permission');

/** Newer versions refuse the network, too, unless a flag permits it. */
const restrictsNetwork = process.allowedNodeEnvironmentFlags.has('--allow-net');

export type PermittedFolders = { readable: readonly string[]; writable: string };

/**
 * The options by which Node refuses child processes, threads, native add-ons, and files outside of these folders.
 *
 * Node's permission model is no boundary: it is a second obstacle inside of the sandbox.
 */
export function permissionArguments({ readable, writable }: PermittedFolders, { hasNetwork }: { hasNetwork: boolean }): string[] {
  return [
    '--permission',
    ...[...readable, writable].map((folder) => `--allow-fs-read=${folder}/`),
    `--allow-fs-write=${writable}/`,
    ...(restrictsNetwork && hasNetwork ? ['--allow-net'] : []),
  ];
}
