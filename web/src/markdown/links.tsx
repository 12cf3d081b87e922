/* Links and images of a model's text do nothing by themselves: an image is never
 * fetched, and a link shows its whole address before it opens. */
import type { ComponentChildren } from 'preact';
import { t } from '../i18n';
import { askToOpen } from '../state/dialogs';

const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** The address if it may be opened at all. */
export function openable(href: string): URL | null {
  try {
    const url = new URL(href);
    return SCHEMES.has(url.protocol) ? url : null;
  } catch {
    return null; // relative: there is nothing of the model's on this server
  }
}

export function SafeLink({ href, children }: { href: string; children: ComponentChildren }) {
  const url = openable(href);
  if (!url) return <span class="dead-link" title={href}>{children}</span>;
  return (
    <a
      href={url.href}
      rel="noopener noreferrer nofollow"
      target="_blank"
      onClick={(event) => {
        event.preventDefault();
        askToOpen(url);
      }}
      onAuxClick={(event) => {
        event.preventDefault();
      }}
    >
      {children}
    </a>
  );
}

export function InertImage({ src, alt }: { src: string; alt: string }) {
  const url = openable(src);
  const label = t.value.imageBlocked(url?.host ?? '?');
  return (
    <button type="button" class="inert-image" disabled={!url} onClick={() => { if (url) askToOpen(url); }}>
      {alt !== '' && <span>{alt}</span>}
      <small>{label}</small>
    </button>
  );
}
