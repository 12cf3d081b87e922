/* A conversation as Markdown: the shown branch, thoughts folded, marked as made by an AI. */
import { pathTo } from '../core/tree';
import type { Conversation, Message } from '../core/types';

/** A fence longer than any in the text. */
function fenced(text: string, info: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${text}\n${fence}\n`;
}

function turn(m: Message): string {
  if (m.role === 'user') {
    const files = (m.files ?? []).map((f) => `**${f.name}**\n\n${fenced(f.text, '')}\n`).join('');
    return `## User\n\n${files}${m.content}\n`;
  }
  const by = m.model ? ` (${m.model})` : '';
  const thoughts = m.reasoning === '' ? '' : `${fenced(m.reasoning, 'thinking')}\n`;
  return `## AI${by}\n\n${thoughts}${m.content}\n`;
}

export function toMarkdown(c: Conversation): string {
  const head = `# ${c.title}\n\n<!-- ai_generated: true; answers were made by an AI -->\n`;
  const system = c.system.trim() === '' ? '' : `\n## System\n\n${c.system}\n`;
  const turns = pathTo(c.messages, c.leaf).map((m) => '\n' + turn(m));
  return head + system + turns.join('');
}
