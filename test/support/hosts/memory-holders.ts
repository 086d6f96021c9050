/*
 * Ways to hold memory that belongs to no process, or that a process does not show as its own. Each is a program of Perl, which makes system
 * calls by their numbers. It prints `held` after it has held the memory for longer than two checks, or the reason why it could not take it.
 */

/** The numbers of the system calls on x64 and arm64. */
const numbers = process.arch === 'x64' ? { mmap: 9, madvise: 28, read: 0, write: 1 } : { mmap: 222, madvise: 233, read: 63, write: 64 };

const MB = '(1 << 20)';
const HOLD = 'select undef, undef, undef, 3; print "held"';
/** Fills a mapped range with bytes of a file, and unmaps each page at once: the pages stay in the object that the mapping shows. */
const fillAndHide = `
open my $bytes, "<", "/dev/urandom";
for (my $at = 0; $at < $length; $at += ${MB}) {
  syscall(${numbers.read}, fileno $bytes, $address + $at, ${MB});
  syscall(${numbers.madvise}, $address + $at, ${MB}, 4);
}
${HOLD}`;

/** Programs that take `megabytes` each. */
export function memoryHolders(megabytes: number): { way: string; program: string }[] {
  const length = `my $length = ${megabytes} * ${MB};`;
  return [
    {
      way: 'shared memory of processes whose pages are unmapped',
      program: `${length} my $address = syscall(${numbers.mmap}, 0, $length, 3, 0x21, -1, 0); if ($address == -1) { print "refused $!"; exit } ${fillAndHide}`,
    },
    {
      way: 'a shared mapping of /dev/zero whose pages are unmapped',
      program: `${length} open my $zero, "+<", "/dev/zero" or do { print "refused $!"; exit }; my $address = syscall(${numbers.mmap}, 0, $length, 3, 1, fileno $zero, 0); ${fillAndHide}`,
    },
    {
      way: 'the buffers of sockets',
      program: `use Socket; use IO::Handle; my $held = 0; my @kept; my $part = "x" x 65536;
while ($held < ${megabytes} * ${MB}) {
  socketpair my $one, my $other, AF_UNIX, SOCK_STREAM, PF_UNSPEC or do { print "refused $!"; exit };
  for ($one, $other) { setsockopt $_, SOL_SOCKET, SO_SNDBUF, 1 << 22; $_->blocking(0); while (my $written = syswrite $_, $part) { $held += $written } }
  push @kept, $one, $other;
} ${HOLD}`,
    },
    {
      way: 'the buffers of connections over TCP',
      program: `use Socket; use IO::Handle; my $held = 0; my @kept; my $part = "x" x 65536;
socket my $server, AF_INET, SOCK_STREAM, 0; bind $server, sockaddr_in(0, INADDR_LOOPBACK) or do { print "refused $!"; exit }; listen $server, 4096;
while ($held < ${megabytes} * ${MB}) {
  socket my $one, AF_INET, SOCK_STREAM, 0; connect $one, getsockname $server or do { print "refused $!"; exit }; accept my $other, $server;
  for ($one, $other) { setsockopt $_, SOL_SOCKET, SO_SNDBUF, 1 << 22; $_->blocking(0); while (my $written = syswrite $_, $part) { $held += $written } }
  push @kept, $one, $other;
} ${HOLD}`,
    },
    {
      way: 'the buffers of pipes',
      program: `use IO::Handle; fork; fork; my $held = 0; my @kept; my $part = "x" x 65536;
while ($held < ${megabytes} * ${MB} / 4) {
  pipe my $out, my $in or do { print "refused $!"; exit };
  fcntl $in, 1031, ${MB}; $in->blocking(0);
  while (my $written = syswrite $in, $part) { $held += $written }
  push @kept, $in, $out;
} ${HOLD}`,
    },
    {
      way: 'empty files',
      program: `for my $file (1 .. ${megabytes} * 1024) { open my $new, ">", "/tmp/$file" or do { print "refused $!"; exit } } ${HOLD}`,
    },
    {
      way: 'tables of pages',
      program: `pipe my $out, my $in; for my $part (1 .. ${megabytes} / 4) {
  my $address = syscall(${numbers.mmap}, 0, 2 << 30, 1, 0x4022, -1, 0); if ($address == -1) { print "refused $!"; exit }
  for my $table (0 .. 1023) { syscall(${numbers.write}, fileno $in, $address + $table * (2 << 20), 1); sysread $out, my $byte, 1 }
} ${HOLD}`,
    },
    {
      way: 'a file without a name',
      program: `open my $file, "+>", "/tmp/file"; unlink "/tmp/file"; for (1 .. ${megabytes}) { syswrite $file, "x" x ${MB} or do { print "refused $!"; exit } } ${HOLD}`,
    },
    {
      way: 'a file in /dev/shm',
      program: `open my $file, ">", "/dev/shm/file" or do { print "refused $!"; exit }; for (1 .. ${megabytes}) { syswrite $file, "x" x ${MB} } ${HOLD}`,
    },
    {
      way: 'a process that left its session and lost its parent',
      program: `use POSIX "setsid"; exit if fork && !sleep 10; setsid; exit if fork; setsid; my $kept = "x" x (${megabytes} * ${MB}); ${HOLD}`,
    },
  ];
}
