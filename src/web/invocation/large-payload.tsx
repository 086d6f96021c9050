import type { LargeView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type InvocationName, invocationPath } from '../api/invocation-path.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { formatNumber, t } from '../shell/language.ts';

type LargePayloadProps = { name: InvocationName; part: 'payload' | 'result'; large: LargeView };

/** A payload that is stored beside the log: its size, its digest, and a link that downloads it. */
export function LargePayload({ name, part, large: { bytes, digest } }: LargePayloadProps) {
  return (
    <div class="payload">
      <div class="payload-head">
        <span class="size" title={t('{count} bytes', { count: formatNumber(bytes) })}>
          {formatBytes(bytes)}
        </span>
        <div class="spring" />
        <a class="button small" href={invocationPath(name, `/${part}`)} download="">
          <Icon name="download" size={14} /> {t('Download')}
        </a>
      </div>
      <p class="hint">{t('It is stored beside the log, as long as the log holds the invocation.')}</p>
      <dl class="properties">
        <div>
          <dt>{t('SHA-256 of the stored object')}</dt>
          <dd class="mono">
            {digest} <CopyButton text={digest} name={t('the digest')} />
          </dd>
        </div>
      </dl>
    </div>
  );
}
