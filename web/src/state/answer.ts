/* Ask the model and take its answer: send, stop, regenerate, edit. */
import { ApiError } from '../api/base';
import { streamChat } from '../api/chat';
import { newId } from '../core/id';
import { byId, pathTo } from '../core/tree';
import type { Attachment, Message } from '../core/types';
import { t } from '../i18n';
import { addMessage, changeMessage, current, currentOrNew, loaded } from './chats';
import { endLive, Live, lives, startLive } from './live';
import { notify, spoken } from './notices';
import { promptOf } from './prompt';
import { model, serverIsGone } from './server';
import { settings } from './settings';
import { nameChat, provisionalTitle } from './titles';

function message(role: Message['role'], parent: string | null, content = ''): Message {
  return { id: newId(), parent, role, content, reasoning: '', created: Date.now() };
}

/** The text of an error for the user; also notes that the server is away. */
function explain(e: unknown): string {
  if (!(e instanceof ApiError)) return String(e);
  if (e.status === 0) serverIsGone();
  if (e.code === 'context_length_exceeded') return t.value.contextFull;
  if (e.status === 429) return t.value.tooBusy;
  return e.status === 0 ? t.value.serverDown : e.message;
}

function ended(live: Live): Partial<Message> {
  live.flush();
  return {
    content: live.content.value,
    reasoning: live.reasoning.value,
    thinkingMs: live.reasoning.value === '' ? 0 : (live.thinkingMs.value ?? performance.now() - live.started),
    answerMs: performance.now() - (live.firstToken ?? live.started),
  };
}

async function run(chatId: string, answer: Message): Promise<void> {
  const conversation = loaded.value[chatId];
  if (!conversation) return;
  const live = new Live(chatId, answer.id);
  startLive(live);
  try {
    const end = await streamChat(
      {
        model: answer.model ?? '',
        messages: promptOf(conversation, pathTo(conversation.messages, answer.parent)),
        effort: settings.value.effort,
      },
      live.abort.signal,
      {
        onReasoning: (text) => {
          live.addReasoning(text);
        },
        onContent: (text) => {
          live.addContent(text);
        },
      },
    );
    changeMessage(chatId, answer.id, { ...ended(live), ...end });
    spoken.value = t.value.answerDone;
  } catch (e) {
    const isStopped = live.abort.signal.aborted;
    changeMessage(chatId, answer.id, {
      ...ended(live),
      finish: isStopped ? 'aborted' : 'error',
      ...(isStopped ? {} : { error: explain(e) }),
    });
    if (!isStopped) notify(t.value.failed, true);
  } finally {
    endLive(live);
  }
  void nameChat(chatId);
}

function ask(chatId: string, parent: string): void {
  const answer = { ...message('assistant', parent), model: model.value?.id ?? '' };
  addMessage(chatId, answer);
  void run(chatId, answer);
}

/** The live answer of the shown chat. */
export function liveNow(): Live | undefined {
  return current.value ? lives.value[current.value.id] : undefined;
}

export function send(text: string, files: Attachment[]): void {
  const conversation = currentOrNew(provisionalTitle(text, files));
  if (lives.value[conversation.id]) return;
  const question = message('user', conversation.leaf, text);
  if (files.length > 0) question.files = files;
  addMessage(conversation.id, question);
  ask(conversation.id, question.id);
}

export function stop(): void {
  liveNow()?.abort.abort();
}

/** Another answer beside this one. */
export function regenerate(answer: Message): void {
  if (!current.value || liveNow() || answer.parent === null) return;
  ask(current.value.id, answer.parent);
}

/** Another question beside this one, and its answer. */
export function edit(question: Message, text: string): void {
  const conversation = current.value;
  if (!conversation || liveNow() || !byId(conversation.messages, question.id)) return;
  const changed = message('user', question.parent, text);
  if (question.files) changed.files = question.files;
  addMessage(conversation.id, changed);
  ask(conversation.id, changed.id);
}
