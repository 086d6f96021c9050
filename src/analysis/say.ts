import { createSay } from '#src/core/text/language.ts';
import zhCn from './texts/zh-cn.json' with { type: 'json' };

/** A text of this folder in the current language. */
export const say = createSay(zhCn);
