/* Which way an answer comes: by the store's API, which writes it down; by the same API for
 * a temporary chat; or by the chat completions that every server has. */
import { app, joinAnswer, streamAnswer, type AnswerEnd, type AnswerEvents } from '../api/app';
import { ApiError } from '../api/base';
import { streamChat } from '../api/chat';
import { byId, pathTo, readFrom } from '../core/tree';
import type { Conversation, Message } from '../core/types';
import { t } from '../i18n';
import { changeMessage, hasAppApi, isStored, unsent, whenCreated } from './chats';
import type { Live } from './live';
import { notify } from './notices';
import { promptOf } from './prompt';
import { settings } from './settings';
import { tellOthers } from './tabs';

export type Plan = 'ask' | 'again' | 'continue' | 'join';

export interface Wish {
  plan: Plan;
  /** If the branch does not fit, the model may read its newest turns only. */
  shorten: boolean;
}

/** Can an answer be written on, and thinking be ended early? */
export function canSteer(): boolean {
  return hasAppApi();
}

function eventsOf(live: Live): AnswerEvents {
  return {
    onStart: (answer) => {
      live.remoteId = answer.id;
      live.restart(answer.reasoning, answer.content);
      if (answer.since !== undefined) changeMessage(live.chatId, live.messageId, { since: answer.since });
    },
    onReasoning: (text) => {
      live.addReasoning(text);
    },
    onContent: (text) => {
      live.addContent(text);
    },
  };
}

function endOf({ answer, isSaved }: AnswerEnd): Partial<Message> {
  if (!isSaved) notify(t.value.storeFull, true);
  const { finish, usage, thinkingMs, answerMs } = answer;
  return {
    ...(finish && { finish }),
    ...(usage && { usage }),
    ...(thinkingMs !== undefined && { thinkingMs }),
    ...(answerMs !== undefined && { answerMs }),
  };
}

/** The nearest message above that the server knows. */
function knownAbove(c: Conversation, id: string | null): string | null {
  let at = byId(c.messages, id);
  while (at && unsent.has(at.id)) at = byId(c.messages, at.parent);
  return at?.id ?? null;
}

async function stored(c: Conversation, answer: Message, { plan, shorten }: Wish, live: Live): Promise<AnswerEnd> {
  await whenCreated(c.id);
  const path = `conversations/${c.id}/answers`;
  const { signal } = live.abort;
  const events = eventsOf(live);
  if (plan === 'join') return joinAnswer(`${path}/${answer.id}`, signal, events);
  const { effort } = settings.value;
  const common = { effort, model: answer.model, shorten };
  if (plan === 'continue') return streamAnswer(path, { ...common, continues: answer.id }, signal, events);
  const question = byId(c.messages, answer.parent);
  const isAsked = question && (plan === 'ask' || unsent.has(question.id)); // or asked before in vain
  const asked = isAsked
    ? {
        parent: knownAbove(c, question.parent),
        content: question.content,
        files: question.files ?? [],
        user_id: question.id,
      }
    : { parent: answer.parent };
  const onStart = (begun: Message) => {
    if (question) unsent.delete(question.id);
    unsent.delete(answer.id);
    tellOthers(c.id);
    events.onStart(begun);
  };
  return streamAnswer(path, { ...common, ...asked, answer_id: answer.id }, signal, { ...events, onStart });
}

async function temporary(c: Conversation, answer: Message, { shorten }: Wish, live: Live): Promise<AnswerEnd> {
  const messages = pathTo(c.messages, answer.parent).map(({ id, role, content, files, since }) => ({
    id,
    role,
    content,
    ...(files && { files }),
    ...(since !== undefined && { since }),
  }));
  const { effort } = settings.value;
  const body = { messages, system: c.system, model: answer.model, effort, shorten };
  return streamAnswer('answers', body, live.abort.signal, eventsOf(live));
}

/* Without a store: the page leaves out older turns itself, a quarter at a time, until the server
 * takes the rest.  The next question begins where this answer did. */
async function plain(c: Conversation, answer: Message, { shorten }: Wish, live: Live): Promise<Partial<Message>> {
  let branch = pathTo(c.messages, answer.parent);
  const before = branch.findIndex((m) => m.id === readFrom(branch));
  if (before > 0) branch = branch.slice(before);
  for (;;) {
    const chat = { model: answer.model ?? '', messages: promptOf(c, branch), effort: settings.value.effort };
    const since = branch[0] && branch.length < pathTo(c.messages, answer.parent).length ? { since: branch[0].id } : {};
    try {
      return { ...(await streamChat(chat, live.abort.signal, eventsOf(live))), ...since };
    } catch (e) {
      const isFull = e instanceof ApiError && e.code === 'context_length_exceeded';
      const rest = branch.findIndex((m, i) => m.role === 'user' && i > 0 && i >= branch.length / 4);
      if (!shorten || !isFull || rest < 0) throw e;
      branch = branch.slice(rest);
    }
  }
}

/** Resolves with what is known at the end beside the text; rejects when it broke off. */
export async function talk(
  c: Conversation,
  answer: Message,
  wish: Wish,
  live: Live,
): Promise<Partial<Message>> {
  if (isStored(c)) return endOf(await stored(c, answer, wish, live));
  if (hasAppApi()) return endOf(await temporary(c, answer, wish, live));
  return plain(c, answer, wish, live);
}

const PATIENCE_MS = 3000;

function steer(live: Live, c: Conversation, action: 'stop' | 'answer_now'): Promise<unknown> {
  const path = isStored(c) ? `conversations/${c.id}/answers` : 'answers';
  return app('POST', `${path}/${live.remoteId}`, { action });
}

export function stopTalk(live: Live, c: Conversation): void {
  live.isStopped = true;
  const end = () => {
    live.abort.abort();
  };
  if (!hasAppApi() || live.remoteId === '') {
    end();
    return;
  }
  steer(live, c, 'stop').catch(end);
  setTimeout(end, PATIENCE_MS); // its stream has ended long ago, usually
}

export function answerNow(live: Live, c: Conversation): void {
  steer(live, c, 'answer_now').catch(() => undefined); // the thinking was over anyway
}
