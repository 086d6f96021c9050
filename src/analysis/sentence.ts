/** One sentence of the story. `rule` is the rule of `src/DESIGN.md` that led to it. */
export type Sentence = { at: number; sequence?: number; rule?: string; text: string };

/** A sentence whose moment is that of the fact it is about. */
export type SentenceText = Omit<Sentence, 'at' | 'sequence'>;
