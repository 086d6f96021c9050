import { PROJECT_NICENESS } from '#src/core/processes/lower-priority.mjs';

/** Where and as which user a process of another project runs. */
export type Sandbox = {
  level: 'namespaces' | 'user';
  /** The user of the project; `undefined` when the worker may not change users. */
  uid: number | undefined;
  /** Whether the process has the network of the machine. */
  hasNetwork: boolean;
  /** Whether Node refuses child processes, threads and native add-ons (`node-permissions.ts`). */
  isRestricted: boolean;
  /** Whether the kernel filters system calls (`seccomp.ts`). */
  isFiltered: boolean;
};

export type SandboxedCommand = {
  /** An empty folder of this process. With namespaces, its file system is assembled there. */
  directory: string;
  memoryInMb: number;
  /** Whether a network of its own has its loopback, with buffers of a bounded size. */
  usesLoopback?: boolean | undefined;
  /** Files and folders of the machine that the process may read, besides the system's programs and libraries. */
  readable: readonly string[];
  /** The file with the filter of system calls. Without it, none is filtered. */
  filter?: string | undefined;
  command: string;
  args: readonly string[];
};

/** The maximum of threads and processes of one project on this machine, which the kernel enforces. */
const MAX_TASKS = 1_024;

/** The maximum of open files of one process. Each counts as memory of the function (`process-tree.ts`). */
const MAX_OPEN_FILES = 4_096;
/** The maximum of files in `/tmp`. Each takes memory of the kernel, also an empty one, and counts as memory of the function. */
const MAX_FILES = 65_536;

/** The system's files that programs need: libraries by name, certificates, users, time zone. */
const systemFiles = ['/usr', '/etc/ld.so.cache', '/etc/alternatives', '/etc/ssl', '/etc/nsswitch.conf', '/etc/localtime'];
const networkFiles = ['/etc/resolv.conf', '/etc/hosts'];

/**
 * The command that runs another command in a sandbox. It keeps the file descriptors.
 *
 * 1. The first process stays in the process group of the caller, and ends with the command and with its exit code.
 * 2. With namespaces, every process of the sandbox ends with the command, also one that left the process group.
 * 3. The environment must come from Sequent alone, because the first steps run as the worker's user.
 */
export function sandboxCommand(
  sandbox: Pick<Sandbox, 'level' | 'uid' | 'hasNetwork'>,
  { directory, memoryInMb, usesLoopback = false, readable, filter, command, args }: SandboxedCommand,
) {
  const unprivileged = [...dropPrivileges(sandbox, filter), command, ...args];
  // Before anything is forked, so that no process of the sandbox keeps the priority of the worker (CPU3).
  const lowered = ['-n', String(PROJECT_NICENESS)];
  if (sandbox.level === 'user') return { command: 'nice', args: [...lowered, ...unprivileged] };
  // The filter last: its folder may be one of those before.
  const visible = [...systemFiles, ...(sandbox.hasNetwork ? networkFiles : []), ...readable, ...(filter === undefined ? [] : [filter])];
  // A limit of the kernel belongs to a user namespace: that of the machine stays as it is.
  const loopback = usesLoopback && !sandbox.hasNetwork ? 'up' : 'none';
  const users = sandbox.uid === undefined ? 'own-users' : 'users-of-machine';
  return {
    command: 'nice',
    args: [
      ...lowered,
      'unshare',
      ...(sandbox.uid === undefined ? ['--user', '--map-root-user'] : []),
      ...['--pid', '--fork', '--kill-child', '--mount', '--ipc', '--uts'],
      ...(sandbox.hasNetwork ? [] : ['--net']),
      ...['sh', '-c', script, 'sequent-sandbox', directory, String(memoryInMb), users, loopback, ...visible, '--', ...unprivileged],
    ],
  };
}

function dropPrivileges({ uid }: Pick<Sandbox, 'uid'>, filter: string | undefined): string[] {
  const user = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const filtered = filter === undefined ? [] : [`--seccomp-filter=${filter}`];
  const rights = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', ...filtered];
  return ['setpriv', ...user, ...rights, 'prlimit', `--nproc=${MAX_TASKS}`, `--nofile=${MAX_OPEN_FILES}`, '--core=0'];
}

/** The largest buffer of a connection inside of a sandbox, in bytes. A connection has one in each direction and at each end. */
const MAX_TCP_BUFFER = 131_072;

/** SIOCSIFFLAGS with IFF_UP, for a machine without the command `ip`. The base of Debian contains Perl. */
const loopbackUp = 'socket my $s, AF_INET, SOCK_DGRAM, 0 or die $!; ioctl $s, 0x8914, pack "a16 s x14", "lo", 1 or die $!';

/**
 * Assembles a read-only file system of the named files, an own /proc, and an own /tmp. The shell stays as the first process of its
 * namespace, because the kernel ignores signals that such a process sends to itself: a crash of Node would not end Node.
 */
const script = `
set -e
umask 022
# No System V segments, message queues and nested user namespaces, also where the filter of system calls is missing.
for limit in kernel/shmall kernel/msgmni fs/mqueue/queues_max; do (echo 0 >"/proc/sys/$limit") 2>/dev/null || :; done
[ "$3" != own-users ] || (echo 0 >/proc/sys/user/max_user_namespaces) 2>/dev/null || :
base=$1 memory=$2 loopback=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev sandbox "$base"
cd "$base"
mkdir proc dev etc tmp old
mount -t tmpfs -o mode=1777,size="$memory"m,nr_inodes=${MAX_FILES},nosuid,nodev tmp tmp
mount -t proc -o nosuid,nodev,noexec proc proc
if [ "$loopback" = up ]; then
  for buffer in tcp_rmem tcp_wmem; do echo 4096 65536 ${MAX_TCP_BUFFER} >"proc/sys/net/ipv4/$buffer"; done
  PATH=$PATH:/usr/sbin:/sbin ip link set lo up 2>/dev/null || perl -MSocket -e '${loopbackUp}'
fi
show() {
  [ -e "$1" ] && [ ! -e "./$1" ] || return 0
  if [ -d "$1" ]; then mkdir -p "./$1"; else mkdir -p "./\${1%/*}"; : > "./$1"; fi
  mount --bind -o ro,nosuid "$1" "./$1"
}
for top in bin sbin lib lib32 lib64; do
  if [ -L "/$top" ]; then ln -s "$(readlink "/$top")" "$top"; else show "/$top"; fi
done
while [ "$1" != -- ]; do show "$1"; shift; done
shift
# No /dev/zero: a shared mapping of it is memory that no limit counts.
for device in null full random urandom; do : > "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
ln -s /proc/self/fd dev/fd
mount -o remount,ro,nosuid,nodev sandbox .
PATH=$PATH:/usr/sbin:/sbin pivot_root . old
cd /tmp
umount -l /old
set +e
unset PWD OLDPWD
"$@"
exit $?
`;
