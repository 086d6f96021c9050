/** One sentence of an explanation. `rule` is the rule of `src/DESIGN.md` that the sentence applies. */
export type Sentence = { at: number; sequence?: number; rule?: string; text: string };

/** A sentence at the time of its fact. */
export type SentenceText = Omit<Sentence, 'at' | 'sequence'>;
