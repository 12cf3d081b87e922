import { t } from '../i18n';
import { CopyButton } from './copy-button';
import { closeDialog, DialogFrame } from './dialog';

/** The whole address of a model's link, the host in bold (punycode as it is). */
export function LinkDialog({ url }: { url: URL }) {
  const [before, after] = url.host === '' ? ['', url.href] : url.href.split(url.host, 2);
  const rest = url.host === '' ? '' : url.href.slice((before ?? '').length + url.host.length);
  return (
    <DialogFrame title={t.value.linkTitle}>
      <p>{t.value.linkHint}</p>
      <p class="address" dir="ltr">
        {url.host === '' ? after : <>{before}<strong>{url.host}</strong>{rest}</>}
      </p>
      <div class="row">
        <CopyButton text={() => url.href} label={t.value.copyLink} />
        <span class="space" />
        <button type="button" class="text-button" onClick={closeDialog}>{t.value.cancel}</button>
        <a class="primary" href={url.href} target="_blank" rel="noopener noreferrer nofollow" onClick={closeDialog}>
          {t.value.openLink}
        </a>
      </div>
    </DialogFrame>
  );
}
