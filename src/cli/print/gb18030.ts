/** The two bytes of each character of GBK, which is a part of GB 18030, by the character. */
let codes: ReadonlyMap<string, number> | undefined;

/** Node decodes GB 18030 and does not encode it, so the table comes from decoding all pairs of bytes. */
function readCodes(): ReadonlyMap<string, number> {
  const decoder = new TextDecoder('gb18030');
  const found = new Map<string, number>();
  for (let first = 0x81; first <= 0xfe; first++) {
    for (let second = 0x40; second <= 0xfe; second++) {
      const character = decoder.decode(Uint8Array.of(first, second));
      if (character.length === 1 && character !== '\ufffd') found.set(character, (first << 8) | second);
    }
  }
  return found;
}

/** A text in GB 18030. A character that has no pair of bytes there, such as an emoji, becomes a question mark. */
export function encodeGb18030(text: string): Uint8Array {
  codes ??= readCodes();
  const bytes: number[] = [];
  for (const character of text) {
    const code = codes.get(character);
    if (character <= '\u007f') bytes.push(character.charCodeAt(0));
    else if (code === undefined) bytes.push(0x3f);
    else bytes.push(code >> 8, code & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** Lets a stream convert its texts to GB 18030. Bytes stay as they are. */
export function writeGb18030(stream: Pick<NodeJS.WriteStream, 'write'>): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? encodeGb18030(chunk) : chunk, ...rest);
}
