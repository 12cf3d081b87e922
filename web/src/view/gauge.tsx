/* How much of the model's context the shown branch fills: a depth gauge. */
import { decimal, t } from '../i18n';
import { path } from '../state/chats';
import { model } from '../state/server';

export function ContextGauge() {
  const all = model.value?.context ?? 0;
  const last = path.value.findLast((m) => m.usage);
  if (all === 0 || !last?.usage) return null;
  const used = last.usage.prompt + last.usage.completion;
  const part = Math.min(1, used / all);
  const label = t.value.contextOf(used, all);
  return (
    <span
      class={`gauge${part > 0.9 ? ' is-full' : ''}`}
      role="meter"
      aria-label={t.value.context}
      aria-valuemin={0}
      aria-valuemax={all}
      aria-valuenow={used}
      aria-valuetext={label}
      title={label}
    >
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle class="hull" cx="10" cy="10" r="8" />
        <circle class="water" cx="10" cy="10" r="8" pathLength="100" stroke-dasharray={`${part * 100} 100`} />
      </svg>
      <span>{`${decimal(part * 100)} %`}</span>
    </span>
  );
}
