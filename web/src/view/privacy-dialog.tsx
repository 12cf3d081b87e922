/* What this server keeps, for how long, what was used, and the rights over it: the
 * server's own words and figures, nothing claimed here. */
import { app } from '../api/app';
import { address } from '../api/base';
import { decimal, language, t } from '../i18n';
import { dialog } from '../state/dialogs';
import { dropDraft } from '../state/draft';
import { notify } from '../state/notices';
import { costOf, money, type Prices, type Tokens } from './cost';
import { DialogFrame } from './dialog';
import { Rights } from './rights';
import { useAnswer } from './use-answer';

interface Notice {
  title: string;
  sections: { title: string; text: string }[];
}

interface Usage {
  days: Tokens[];
  prices: Prices;
}

const DAYS = 30;

function sum(usage: Usage): Tokens {
  const total = { n_requests: 0, n_prompt: 0, n_cached: 0, n_completion: 0 };
  for (const day of usage.days) {
    total.n_requests += day.n_requests;
    total.n_prompt += day.n_prompt;
    total.n_cached += day.n_cached;
    total.n_completion += day.n_completion;
  }
  return total;
}

function UsageTable({ usage }: { usage: Usage }) {
  const total = sum(usage);
  return (
    <section>
      <h3>{t.value.usageTitle(DAYS)}</h3>
      <dl class="facts">
        <div><dt>{t.value.usageRequests}</dt><dd>{decimal(total.n_requests)}</dd></div>
        <div><dt>{t.value.usagePrompt}</dt><dd>{decimal(total.n_prompt)}</dd></div>
        <div><dt>{t.value.usageCached}</dt><dd>{decimal(total.n_cached)}</dd></div>
        <div><dt>{t.value.usageAnswers}</dt><dd>{decimal(total.n_completion)}</dd></div>
        <div><dt>{t.value.usageCloud}<small>{usage.prices.of}</small></dt><dd>{money(costOf(total, usage.prices), usage.prices.currency)}</dd></div>
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
        () => { dropDraft(); location.reload(); },
        () => { notify(t.value.notSaved, true); },
      );
    },
  };
}

export function PrivacyDialog() {
  const [notice] = useAnswer<Notice>(`notice?language=${language.value}`);
  const [usage] = useAnswer<Usage>(`me/usage?days=${DAYS}`);
  return (
    <DialogFrame title={t.value.privacy}>
      {usage && <UsageTable usage={usage} />}
      {notice?.sections.map((section) => (
        <section key={section.title}>
          <h3>{section.title}</h3>
          <p class="quiet">{section.text}</p>
        </section>
      ))}
      <Rights />
      <div class="actions">
        <a class="text-button outlined" href={address('app/api/me/export')} download="tiefsee-export.json">{t.value.exportMe}</a>
        <button type="button" class="text-button outlined is-danger" onClick={askErasure}>{t.value.eraseAll}</button>
      </div>
    </DialogFrame>
  );
}
