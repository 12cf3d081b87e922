import { dialog } from '../state/dialogs';
import { AdminDialog } from './admin-dialog';
import { ConfirmDialog, PromptDialog } from './ask-dialogs';
import { InstructionsDialog } from './instructions-dialog';
import { LinkDialog } from './link-dialog';
import { PrivacyDialog } from './privacy-dialog';
import { SettingsDialog } from './settings-dialog';
import { ShortcutsDialog } from './shortcuts';
import { StatusDialog } from './status-dialog';

export function Dialogs() {
  const now = dialog.value;
  switch (now?.kind) {
    case 'link':
      return <LinkDialog url={now.url} />;
    case 'settings':
      return <SettingsDialog />;
    case 'shortcuts':
      return <ShortcutsDialog />;
    case 'instructions':
      return <InstructionsDialog />;
    case 'privacy':
      return <PrivacyDialog />;
    case 'admin':
      return <AdminDialog />;
    case 'status':
      return <StatusDialog />;
    case 'confirm':
      return <ConfirmDialog ask={now} />;
    case 'prompt':
      return <PromptDialog ask={now} />;
    default:
      return null;
  }
}
