/** Breakages of the projection, as `mutations.ts` describes them. */
export const projectionMutations = [
  {
    name: 'projection skips appends',
    breaks: 'FOLD1: the read model lacks facts of the log',
    edits: [
      {
        file: 'src/projection/fold/folded-stream.ts',
        from: 'if (head === undefined) return false;',
        to: 'if (head === undefined || append.version % 97 === 0) return false;',
      },
    ],
  },
  {
    name: 'projection keeps lost facts',
    breaks: 'P1: the projection does not notice that the log went backwards',
    edits: [
      {
        file: 'src/projection/fold/replay.ts',
        from: 'if (entry.sequence <= this.#read) return this.#contradict(entry);',
        to: 'if (entry.sequence <= this.#read) return;',
      },
      {
        file: 'src/projection/repair/contradiction.ts',
        from: 'const checkpoint = current();',
        to: 'const checkpoint = undefined as ReturnType<typeof current>;',
      },
      {
        file: 'src/projection/repair/contradiction.ts',
        from: 'if (checkpoint === undefined) return undefined;\n  const look',
        to: 'if (checkpoint !== null) return undefined;\n  const look',
      },
    ],
  },
  {
    name: 'projection forgets its streams',
    breaks: 'P1: after a restart, the projection does not find the streams that it stored',
    edits: [
      {
        file: 'src/projection/store/store.ts',
        from: 'if (row === undefined) return undefined;',
        to: 'if (row !== undefined || name.stream !== undefined) return undefined;',
      },
    ],
  },
];
