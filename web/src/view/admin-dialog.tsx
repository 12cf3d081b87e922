/* What administrators see: who and what runs here, never what was said. */
import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { session } from '../state/session';
import { AuditPanel, HealthPanel, ModelsPanel, UsagePanel } from './admin-facts';
import { KeysPanel } from './admin-keys';
import { ServerPanel } from './admin-server';
import { DialogFrame } from './dialog';
import { UsersPanel } from './admin-users';

const PANELS = {
  users: UsersPanel, keys: KeysPanel, models: ModelsPanel, usage: UsagePanel, audit: AuditPanel,
  health: HealthPanel, server: ServerPanel,
} as const;
type PanelName = keyof typeof PANELS;

export function AdminDialog() {
  const hasUsers = session.value?.mode === 'accounts';
  const names = (Object.keys(PANELS) as PanelName[]).filter((name) => hasUsers || name !== 'users');
  const [shown, setShown] = useState<PanelName>(names[0] ?? 'keys');
  const titles: Record<PanelName, string> = {
    users: t.value.users, keys: t.value.adminKeys, models: t.value.adminModels, usage: t.value.adminUsage,
    audit: t.value.adminAudit, health: t.value.adminHealth, server: t.value.adminServer,
  };
  const Panel = PANELS[shown];
  return (
    <DialogFrame title={t.value.administration}>
      <div class="tabs" role="group" aria-label={t.value.administration}>
        {names.map((name) => (
          <button key={name} type="button" class="text-button" aria-pressed={name === shown} onClick={() => { setShown(name); }}>
            {titles[name]}
          </button>
        ))}
      </div>
      <Panel />
    </DialogFrame>
  );
}
