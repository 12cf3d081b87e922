/* A code block: language, copy button, colours.  Colours come from highlight.js' own
 * tree, never from its HTML. */
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { t } from '../i18n';
import { CopyButton } from '../view/copy-button';
import { highlighter, wantHighlighter, type HastNode } from './highlight';

/* While a block grows it is coloured anew with every frame; beyond this only at its end. */
const MAX_LIVE = 6000;
const MAX_COLOURED = 200_000;

function toElements(nodes: readonly HastNode[]): ComponentChildren[] {
  return nodes.map((node, i) =>
    node.type === 'text' ? (
      node.value
    ) : node.type === 'element' ? (
      <span key={i} class={node.properties.className?.join(' ')}>{toElements(node.children)}</span>
    ) : null,
  );
}

export function Code({ text, info, isLive }: { text: string; info: string; isLive: boolean }) {
  const lang = (info.trim().split(/\s+/)[0] ?? '').toLowerCase();
  const isDiagram = lang === 'mermaid';
  const engine = highlighter.value;
  const isColoured = text.length <= (isLive ? MAX_LIVE : MAX_COLOURED);
  const body = useMemo(() => {
    if (lang === '' || isDiagram || !isColoured) return text;
    if (!engine) {
      wantHighlighter();
      return text;
    }
    return engine.registered(lang) ? toElements(engine.highlight(lang, text).children) : text;
  }, [text, lang, engine, isColoured, isDiagram]);
  return (
    <figure class="code">
      <figcaption>
        <span>{isDiagram ? t.value.diagramSource : lang}</span>
        <CopyButton text={() => text} label={t.value.copyCode} />
      </figcaption>
      <pre tabIndex={0}><code>{body}</code></pre>
    </figure>
  );
}
