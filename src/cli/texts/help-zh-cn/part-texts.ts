import { batchTexts } from './batch-texts.ts';
import { cancelOptions } from './cancel-options.ts';
import { codeTexts } from './code-texts.ts';
import { flowTexts } from './flow-texts.ts';
import { outputOptions } from './output-options.ts';
import { quotaTexts } from './quota-texts.ts';
import { scheduleTexts } from './schedule-texts.ts';
import { versionTexts } from './version-texts.ts';

/** The texts that have files of their own, by their part of the product. */
export const partTexts = {
  ...batchTexts,
  ...cancelOptions,
  ...codeTexts,
  ...flowTexts,
  ...outputOptions,
  ...quotaTexts,
  ...scheduleTexts,
  ...versionTexts,
};
