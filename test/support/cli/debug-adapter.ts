import { connect } from 'node:net';

type Message = {
  type: string;
  command?: string;
  event?: string;
  body?: { reason?: string; threadId?: number; stackFrames?: { line: number }[] };
};

/** A client of the Debug Adapter Protocol, as an editor is one. */
export async function attachDebugger(port: number) {
  const socket = connect(port, '127.0.0.1');
  const messages: Message[] = [];
  let rest = Buffer.alloc(0);
  let onMessage: () => void = () => {};
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let head = /^Content-Length: (\d+)\r\n\r\n/.exec(rest.toString('latin1')); head !== null; ) {
        const [start, end] = [head[0].length, head[0].length + Number(head[1])];
        if (rest.length < end) break;
        messages.push(JSON.parse(rest.toString('utf8', start, end)) as Message);
        rest = rest.subarray(end);
        head = /^Content-Length: (\d+)\r\n\r\n/.exec(rest.toString('latin1'));
      }
      onMessage();
    });
  let seq = 0;
  return {
    send(command: string, args: object = {}): void {
      seq += 1;
      const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
      socket.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    },
    /** The next message of an event, or the next answer to a command. */
    async next(name: string): Promise<Message> {
      for (;;) {
        const index = messages.findIndex(({ event, command }) => event === name || command === name);
        if (index >= 0) return messages.splice(index, 1)[0] as Message;
        await new Promise<void>((resolve) => {
          onMessage = resolve;
        });
      }
    },
    close: () => socket.destroy(),
  };
}
