/* What the server forbade itself, what came of trying it, and what left the machine: the
 * server's own account, every attempt with the kernel's answer. */
import { decimal, t } from '../i18n';
import { DialogFrame } from './dialog';
import { useAnswer } from './use-answer';

interface Try {
  route: string;
  is_refused: boolean;
  error: string;
}

interface Status {
  version: string;
  uptime_s: number;
  privacy: {
    network: 'sealed' | 'open';
    why: string;
    landlock: boolean;
    tried: Try[];
    tls: boolean;
    file_access: { is_sealed: boolean; why: string; tried: Try[]; allowed: { path: string; right: string }[] };
    packets: { answered_beyond: number; machine: number | null };
  };
}

/** The server's words in the language of the page; "this kernel has no Landlock (why)" by its parts. */
function words(text: string): string {
  const known = t.value.serverWords;
  const [, said = '', why = ''] = /^(.*?) \((.*)\)$/.exec(text) ?? [];
  if (said === '') return known[text] ?? text;
  return `${known[said] ?? said} (${known[why] ?? why})`;
}

function Tries({ list }: { list: Try[] }) {
  return (
    <dl class="facts">
      {list.map((one) => (
        <div key={one.route}>
          <dt>{words(one.route)}</dt>
          <dd class={one.is_refused ? '' : 'is-error'}>{one.is_refused ? `${t.value.refused}: ${words(one.error)}` : t.value.notRefused}</dd>
        </div>
      ))}
    </dl>
  );
}

export function StatusDialog() {
  const [status] = useAnswer<Status>('status');
  const privacy = status?.privacy;
  return (
    <DialogFrame title={t.value.proof}>
      {privacy && (
        <>
          <section>
            <h3>{t.value.packets}</h3>
            <dl class="facts">
              <div><dt>{t.value.packetsOwn}<small>{t.value.packetsOwnHint}</small></dt><dd>{decimal(privacy.packets.answered_beyond)}</dd></div>
              <div><dt>{t.value.packetsMachine}<small>{t.value.packetsMachineHint}</small></dt><dd>{privacy.packets.machine === null ? '–' : decimal(privacy.packets.machine)}</dd></div>
            </dl>
          </section>
          <section>
            <h3>{privacy.network === 'sealed' ? t.value.networkSealed : t.value.networkOpen}</h3>
            {privacy.why !== '' && <p class="quiet">{words(privacy.why)}</p>}
            <Tries list={privacy.tried} />
          </section>
          <section>
            <h3>{privacy.file_access.is_sealed ? t.value.filesSealed : t.value.filesOpen}</h3>
            {privacy.file_access.why !== '' && <p class="quiet">{words(privacy.file_access.why)}</p>}
            <Tries list={privacy.file_access.tried} />
            {privacy.file_access.allowed.length > 0 && (
              <details>
                <summary>{t.value.filesAllowed}</summary>
                <dl class="facts">
                  {privacy.file_access.allowed.map((a) => <div key={a.path + a.right}><dt><code>{a.path}</code></dt><dd>{words(a.right)}</dd></div>)}
                </dl>
              </details>
            )}
          </section>
        </>
      )}
    </DialogFrame>
  );
}
