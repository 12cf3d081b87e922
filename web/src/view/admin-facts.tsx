/* Models, usage, audit log and health: figures of the server, nothing to change. */
import { useEffect, useState } from 'preact/hooks';
import { app } from '../api/app';
import { decimal, language, t } from '../i18n';
import { costOf, money, type Prices, type Tokens } from './cost';
import { tell, useAnswer } from './use-answer';

const MIB = 1 << 20;

interface ServedModel {
  name: string;
  context: number;
  is_loaded: boolean;
  bytes: number;
  n_running: number;
  n_waiting: number;
  n_jobs: number;
  cache_pages: number;
  cache_pages_used: number;
}

export function ModelsPanel() {
  const [answer] = useAnswer<{ models: ServedModel[] }>('admin/models');
  return (
    <>
      {answer?.models.map((m) => (
        <section key={m.name}>
          <h3><bdi>{m.name}</bdi></h3>
          <dl class="facts">
            <div><dt>{t.value.modelState}</dt><dd>{m.is_loaded ? t.value.modelLoaded : t.value.modelNotLoaded}</dd></div>
            <div><dt>{t.value.modelMemory}</dt><dd>{m.is_loaded ? `${decimal(m.bytes / MIB)} MiB` : '–'}</dd></div>
            <div><dt>{t.value.context}</dt><dd>{t.value.tokens(m.context)}</dd></div>
            <div><dt>{t.value.modelLoad}</dt><dd>{t.value.modelJobs(m.n_running, m.n_waiting, m.n_jobs)}</dd></div>
            <div><dt>{t.value.modelCache}</dt><dd>{decimal(m.cache_pages_used)} / {decimal(m.cache_pages)}</dd></div>
          </dl>
        </section>
      ))}
    </>
  );
}

interface UsageRow extends Tokens {
  user?: string;
  key: string;
}

export function UsagePanel() {
  const [answer] = useAnswer<{ rows: UsageRow[]; prices: Prices }>('admin/usage?days=30&by=user');
  if (!answer) return null;
  const { rows, prices } = answer;
  return (
    <div class="scrolling" role="region" tabIndex={0} aria-label={t.value.adminUsage}>
      <table>
        <caption>{t.value.usageTitle(30)}</caption>
        <thead>
          <tr>
            <th scope="col">{t.value.userName}</th><th scope="col">{t.value.usageRequests}</th>
            <th scope="col">{t.value.usagePrompt}</th><th scope="col">{t.value.usageAnswers}</th>
            <th scope="col">{t.value.usageCloud}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.user ?? ''}/${row.key}`}>
              <th scope="row"><bdi>{row.user ?? (row.key || t.value.withoutKey)}</bdi></th>
              <td>{decimal(row.n_requests)}</td><td>{decimal(row.n_prompt)}</td><td>{decimal(row.n_completion)}</td>
              <td>{money(costOf(row, prices), prices.currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet">{prices.of}</p>
    </div>
  );
}

interface Entry {
  seq: number;
  time: number;
  actor: string;
  action: string;
  object: string;
  result: string;
}

interface AuditPage {
  entries: Entry[];
  next: number | null;
  is_intact: boolean;
}

export function AuditPanel() {
  const [entries, setEntries] = useState<Entry[]>([]);
  const [page, setPage] = useState<AuditPage | null>(null);
  const load = (before: number | null) => {
    app<AuditPage>('GET', `admin/audit?limit=100${before === null ? '' : `&before=${before}`}`).then((got) => {
      setPage(got);
      setEntries((all) => (before === null ? got.entries : [...all, ...got.entries]));
    }, tell);
  };
  useEffect(() => { load(null); }, []);
  if (!page) return null;
  const time = new Intl.DateTimeFormat(language.value, { dateStyle: 'short', timeStyle: 'medium' });
  return (
    <>
      <p class={page.is_intact ? 'outcome' : 'outcome is-error'} role="status">
        {page.is_intact ? t.value.auditIntact : t.value.auditBroken}
      </p>
      <div class="scrolling" role="region" tabIndex={0} aria-label={t.value.adminAudit}>
        <table>
          <tbody>
            {entries.map((e) => (
              <tr key={e.seq}>
                <td>{time.format(e.time)}</td><td>{e.action}</td>
                <td title={e.actor}>{e.actor.slice(0, 8)}</td><td title={e.object}>{e.object.slice(0, 8)}</td><td>{e.result}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {page.next !== null && (
        <button type="button" class="text-button outlined" onClick={() => { load(page.next); }}>{t.value.earlier}</button>
      )}
    </>
  );
}

export function HealthPanel() {
  const [answer, again] = useAnswer<{ checks: { name: string; is_good: boolean; detail: string }[] }>('admin/health');
  return (
    <>
      <dl class="facts">
        {answer?.checks.map((check) => (
          <div key={check.name + check.detail}>
            <dt>{check.name}<small>{check.detail}</small></dt>
            <dd class={check.is_good ? '' : 'is-error'}>{check.is_good ? t.value.ok : t.value.notGood}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="text-button outlined" onClick={again}>{t.value.checkAgain}</button>
    </>
  );
}
