/* What this server keeps, for how long, what was used, and the rights over it: the
 * server's own words and figures, nothing claimed here. */
import { useEffect, useState } from 'preact/hooks';
import { app } from '../api/app';
import { address } from '../api/base';
import { decimal, language, t } from '../i18n';
import { dialog } from '../state/dialogs';
import { notify } from '../state/notices';
import { DialogFrame } from './dialog';

interface Notice {
  title: string;
  sections: { title: string; text: string }[];
}

interface Usage {
  days: { n_requests: number; n_prompt: number; n_cached: number; n_completion: number }[];
  prices: { currency: string; of: string; per_million: { cache_hit: number; cache_miss: number; output: number } };
}

const DAYS = 30;

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as app()'s own
function useAnswer<T>(path: string): T | null {
  const [answer, setAnswer] = useState<T | null>(null);
  useEffect(() => {
    let isHere = true;
    app<T>('GET', path).then(
      (got) => { if (isHere) setAnswer(() => got); },
      () => undefined, // what the server does not tell is not shown
    );
    return () => { isHere = false; };
  }, [path]);
  return answer;
}

function sum(usage: Usage) {
  const total = { requests: 0, prompt: 0, cached: 0, completion: 0 };
  for (const day of usage.days) {
    total.requests += day.n_requests;
    total.prompt += day.n_prompt;
    total.cached += day.n_cached;
    total.completion += day.n_completion;
  }
  return total;
}

function UsageTable({ usage }: { usage: Usage }) {
  const total = sum(usage);
  const { cache_hit, cache_miss, output } = usage.prices.per_million;
  const cost =
    (total.cached * cache_hit + (total.prompt - total.cached) * cache_miss + total.completion * output) / 1e6;
  const money = new Intl.NumberFormat(language.value, { style: 'currency', currency: usage.prices.currency, maximumFractionDigits: 4 });
  return (
    <section>
      <h3>{t.value.usageTitle(DAYS)}</h3>
      <dl class="facts">
        <div><dt>{t.value.usageRequests}</dt><dd>{decimal(total.requests)}</dd></div>
        <div><dt>{t.value.usagePrompt}</dt><dd>{decimal(total.prompt)}</dd></div>
        <div><dt>{t.value.usageCached}</dt><dd>{decimal(total.cached)}</dd></div>
        <div><dt>{t.value.usageAnswers}</dt><dd>{decimal(total.completion)}</dd></div>
        <div><dt>{t.value.usageCloud}<small>{usage.prices.of}</small></dt><dd>{money.format(cost)}</dd></div>
      </dl>
    </section>
  );
}

function askErasure(): void {
  dialog.value = {
    kind: 'confirm',
    text: t.value.eraseAllHint,
    action: t.value.eraseAll,
    onConfirm: () => {
      app('POST', 'me/erase', { what: 'all' }).then(
        () => { location.reload(); },
        () => { notify(t.value.notSaved, true); },
      );
    },
  };
}

export function PrivacyDialog() {
  const notice = useAnswer<Notice>(`notice?language=${language.value}`);
  const usage = useAnswer<Usage>(`me/usage?days=${DAYS}`);
  return (
    <DialogFrame title={t.value.privacy}>
      {usage && <UsageTable usage={usage} />}
      {notice?.sections.map((section) => (
        <section key={section.title}>
          <h3>{section.title}</h3>
          <p class="quiet">{section.text}</p>
        </section>
      ))}
      <div class="actions">
        <a class="text-button outlined" href={address('app/api/me/export')} download="tiefsee-export.json">{t.value.exportMe}</a>
        <button type="button" class="text-button outlined is-danger" onClick={askErasure}>{t.value.eraseAll}</button>
      </div>
    </DialogFrame>
  );
}
