import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { drawTimeline } from '#src/cli/timeline-picture.ts';
import { spansOf } from '#src/cli/timeline-spans.ts';
import type { Timeline } from '#src/client/client.ts';
import { failed, queued, retrying, running, succeeded } from '#test/contract/facts.ts';
import { sheetOf } from './sheets.ts';

const function_ = { kind: 'function', errorType: 'Error', message: 'boom', code: 4002 } as const;
