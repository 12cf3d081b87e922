import { memo } from '../core/memo';
import { useRef } from 'preact/hooks';
import { Blocks } from './blocks';
import type { Block } from './parser';
import { renderTokens } from './render';

const BlockView = memo(function BlockView({ block, isLive }: { block: Block; isLive: boolean }) {
  return <>{renderTokens(block.tokens, isLive)}</>;
});

/** isLive: the text still grows. */
export function Markdown({ text, isLive }: { text: string; isLive: boolean }) {
  const blocks = useRef<Blocks | null>(null);
  const all = (blocks.current ??= new Blocks()).update(text);
  return (
    <div class="markdown" dir="auto">
      {all.map((block, i) => (
        <BlockView key={i} block={block} isLive={isLive && i === all.length - 1} />
      ))}
    </div>
  );
}
