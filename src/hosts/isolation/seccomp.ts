/*
 * The system calls that code of other projects may not make, as a program for the kernel's filter (seccomp, classic BPF).
 *
 * They are those that take memory which no limit counts, or that give a process namespaces of its own:
 * 1. Namespaces and mounts: a user namespace lets any process mount file systems in memory.
 * 2. Anonymous files, shared memory, semaphores and message queues: their memory belongs to no process.
 * 3. Interfaces of the kernel that functions do not need, and that make other calls or hold memory: io_uring, BPF, keys, userfaultfd.
 * 4. Shared memory without a file, whose pages stay when no process maps them, and larger buffers of pipes and sockets.
 */

type Numbers = {
  arch: number;
  calls: readonly number[];
  clone: number;
  mmap: number;
  fcntl: number;
  setsockopt: number;
  hasX32: boolean;
};

/** Calls that have one number on all architectures: mount calls from 428 on, `io_uring_setup`, `mount_setattr` and `memfd_secret`. */
const everywhere = [425, 428, 429, 430, 431, 432, 433, 442, 447];
/** Newer C libraries start processes and threads with it, and with `clone` where it is missing. A filter cannot read its flags. */
const CLONE3 = 435;

const architectures: Readonly<Record<string, Numbers | undefined>> = {
  x64: {
    arch: 0xc000003e,
    // unshare, setns, mount, umount2, pivot_root; memfd_create; shmget, shmat, semget, msgget, mq_open; userfaultfd, bpf, perf_event_open; keys
    calls: [272, 308, 165, 166, 155, 319, 29, 30, 64, 68, 240, 323, 321, 298, 248, 249, 250],
    clone: 56,
    mmap: 9,
    fcntl: 72,
    setsockopt: 54,
    hasX32: true,
  },
  arm64: {
    arch: 0xc00000b7,
    calls: [97, 268, 40, 39, 41, 279, 194, 196, 190, 186, 180, 282, 280, 241, 217, 218, 219],
    clone: 220,
    mmap: 222,
    fcntl: 25,
    setsockopt: 208,
    hasX32: false,
  },
};

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_BITS = 0x45;
const AND = 0x54;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
/** The call does nothing, and its caller sees a success. */
const IGNORE = 0x00050000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

/** The offsets in `struct seccomp_data`. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;
const SECOND_ARGUMENT = 24;
const THIRD_ARGUMENT = 32;
const FOURTH_ARGUMENT = 40;

/** The first number of the x32 calls, which reach the same functions of the kernel by other numbers. */
const X32 = 0x40000000;
/** The flags of `clone` for namespaces of mounts, cgroups, host names, IPC, users, processes and the network. */
const NAMESPACES = 0x7e020000;
/** The flags of `mmap` for memory without a file that processes share. */
const SHARED_ANONYMOUS = 0x21;
const SET_PIPE_SIZE = 1031;
const SOCKET_LEVEL = 1;
const SEND_BUFFER = 7;
const RECEIVE_BUFFER = 8;

type Instruction = { code: number; ifTrue?: number; ifFalse?: number; value: number };

/** The filter for `setpriv --seccomp-filter`; `undefined` on an architecture without a list of numbers. */
export function seccompFilter(architecture: string = process.arch): Buffer | undefined {
  const numbers = architectures[architecture];
  return numbers === undefined ? undefined : assemble(programFor(numbers));
}

function programFor({ arch, calls, clone, mmap, fcntl, setsockopt, hasX32 }: Numbers): Instruction[] {
  const refuse = (number: number, result: number): Instruction[] => [
    { code: JUMP_EQUAL, ifFalse: 1, value: number },
    { code: RETURN, value: result },
  ];
  return [
    { code: LOAD_WORD, value: ARCHITECTURE },
    { code: JUMP_EQUAL, ifTrue: 1, value: arch },
    { code: RETURN, value: ENOSYS },
    { code: LOAD_WORD, value: NUMBER },
    ...(hasX32
      ? [
          { code: JUMP_AT_LEAST, ifFalse: 1, value: X32 },
          { code: RETURN, value: ENOSYS },
        ]
      : []),
    ...[...calls, ...everywhere].flatMap((number) => refuse(number, EPERM)),
    ...refuse(CLONE3, ENOSYS),
    ...when(clone, [
      { code: LOAD_WORD, value: FIRST_ARGUMENT },
      { code: JUMP_BITS, ifFalse: 1, value: NAMESPACES },
      { code: RETURN, value: EPERM },
    ]),
    ...when(mmap, [
      { code: LOAD_WORD, value: FOURTH_ARGUMENT },
      { code: AND, value: SHARED_ANONYMOUS },
      { code: JUMP_EQUAL, ifFalse: 1, value: SHARED_ANONYMOUS },
      { code: RETURN, value: EPERM },
    ]),
    ...when(fcntl, [
      { code: LOAD_WORD, value: SECOND_ARGUMENT },
      { code: JUMP_EQUAL, ifFalse: 1, value: SET_PIPE_SIZE },
      { code: RETURN, value: EPERM },
    ]),
    // Libraries that ask for larger buffers work with the usual ones.
    ...when(setsockopt, [
      { code: LOAD_WORD, value: SECOND_ARGUMENT },
      { code: JUMP_EQUAL, ifFalse: 4, value: SOCKET_LEVEL },
      { code: LOAD_WORD, value: THIRD_ARGUMENT },
      { code: JUMP_EQUAL, ifTrue: 1, value: SEND_BUFFER },
      { code: JUMP_EQUAL, ifFalse: 1, value: RECEIVE_BUFFER },
      { code: RETURN, value: IGNORE },
    ]),
    { code: RETURN, value: ALLOW },
  ];
}

/** Instructions for one call, after which the call is allowed. The number of the call is loaded before. */
function when(number: number, instructions: readonly Instruction[]): Instruction[] {
  return [{ code: JUMP_EQUAL, ifFalse: instructions.length + 1, value: number }, ...instructions, { code: RETURN, value: ALLOW }];
}

/** `struct sock_filter`: the code, two jumps relative to the next instruction, and a constant. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue = 0, ifFalse = 0, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
