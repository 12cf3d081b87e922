import { dialog } from '../state/dialogs';
import { LinkDialog } from './link-dialog';
import { SettingsDialog } from './settings-dialog';

export function Dialogs() {
  const now = dialog.value;
  switch (now?.kind) {
    case 'link':
      return <LinkDialog url={now.url} />;
    case 'settings':
      return <SettingsDialog />;
    default:
      return null;
  }
}
