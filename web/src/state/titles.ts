/* Names of chats: the first words of the question at once, the model's own after the
 * first answer. */
import { streamChat } from '../api/chat';
import { pathTo } from '../core/tree';
import type { Attachment } from '../core/types';
import { app } from '../api/app';
import { changeChat, isStored, loaded, noteTitle } from './chats';
import { language, t } from '../i18n';

const LONGEST = 60;
const MAX_WORDS = 10;
const MAX_TOKENS = 24;
const instructions = {
  en: 'Give this conversation a title of at most six words. Answer with the title only.',
  de: 'Gib diesem Gespräch einen Titel aus höchstens sechs Wörtern. Antworte nur mit dem Titel.',
  zh: '请为这段对话起一个不超过十个字的标题。只回答标题。',
};

/** One line without markup, bidi and control characters, cut at a word. */
export function cleanTitle(text: string): string {
  const line = text
    .replace(/[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .replace(/[*_`#"“”„]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= LONGEST) return line;
  const cut = line.slice(0, LONGEST);
  return cut.slice(0, Math.max(cut.lastIndexOf(' '), LONGEST / 2)).trimEnd() + '…';
}

export function provisionalTitle(text: string, files: Attachment[]): string {
  return cleanTitle(text) || cleanTitle(files[0]?.name ?? '') || t.value.untitled;
}

/** After the first whole answer, unless somebody has named the chat already. */
export async function nameChat(chatId: string): Promise<void> {
  const chat = loaded.value[chatId];
  if (!chat || chat.isTemporary) return;
  const [question, answer, more] = pathTo(chat.messages, chat.leaf);
  if (!question || answer?.finish !== 'stop' || more || chat.messages.length !== 2) return;
  const given = provisionalTitle(question.content, question.files ?? []);
  if (chat.title !== given) return;

  if (isStored(chat)) {
    await app<{ title: string }>('POST', `conversations/${chatId}/title`, { language: language.value })
      .then(({ title }) => { if (loaded.value[chatId]?.title === given) noteTitle(chatId, title); })
      .catch(() => undefined); // the first words stay
    return;
  }
  let title = '';
  const wish = instructions[language.value];
  const talk = `${question.content.slice(0, 1500)}\n\n${answer.content.slice(0, 1500)}\n\n${wish}`;
  await streamChat(
    {
      model: answer.model ?? '',
      messages: [{ role: 'user', content: talk }],
      effort: 'off',
      maxTokens: MAX_TOKENS,
      temperature: 0,
    },
    AbortSignal.timeout(60_000),
    { onReasoning: () => undefined, onContent: (text) => (title += text) },
  ).catch(() => undefined);
  title = cleanTitle(title.split('\n')[0] ?? '');
  const isTitle = title !== '' && !title.endsWith('…') && title.split(' ').length <= MAX_WORDS;
  if (isTitle && !answer.content.startsWith(title) && loaded.value[chatId]?.title === given) await changeChat(chatId, { title });
}
