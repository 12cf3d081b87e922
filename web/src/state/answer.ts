/* Ask the model and take its answer: send, stop, regenerate, edit, continue. */
import { ApiError } from '../api/base';
import { newId } from '../core/id';
import { byId, pathTo } from '../core/tree';
import type { Attachment, Conversation, Message } from '../core/types';
import { t } from '../i18n';
import {
  addMessage, changeMessage, current, currentId, currentOrNew, dropMessage, filesOf, loaded, openChat, refreshChat, refreshList,
  unsent,
} from './chats';
import { endLive, Live, lives, startLive } from './live';
import { notify, spoken } from './notices';
import { model, serverIsGone } from './server';
import { tellOthers } from './tabs';
import { answerNow as endThinking, stopTalk, talk, type Plan } from './talk';
import { nameChat, provisionalTitle } from './titles';

function message(role: Message['role'], parent: string | null, content = ''): Message {
  return { id: newId(), parent, role, content, reasoning: '', created: Date.now() };
}

/** The text of an error for the user; also notes that the server is away. */
function explain(e: unknown): string {
  if (!(e instanceof ApiError)) return String(e);
  if (e.status === 0) serverIsGone();
  if (e.code === 'conflict') return t.value.busyElsewhere;
  if (e.code === 'disk_full') return t.value.diskFull;
  if (e.status === 429 && e.code !== 'insufficient_quota') return t.value.tooBusy;
  if (e.status === 413) return t.value.tooLarge;
  return e.status === 0 ? t.value.serverDown : e.message;
}

/* What does not fit even when all older turns are left out is too long by itself. */
function codeOf(e: unknown, isShortened: boolean): string {
  const code = e instanceof ApiError ? e.code : '';
  return code === 'context_length_exceeded' && isShortened ? 'message_too_long' : code;
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

/** Has the reader let this branch go on without its oldest turns? */
function mayShorten(c: Conversation, answer: Message): boolean {
  return pathTo(c.messages, answer.id).some((m) => m.since !== undefined);
}

async function run(chatId: string, answer: Message, plan: Plan, shorten = false): Promise<void> {
  const conversation = loaded.value[chatId];
  if (!conversation) return;
  const live = new Live(chatId, answer.id);
  if (plan === 'continue') live.restart(answer.reasoning, answer.content);
  const wish = { plan, shorten: shorten || mayShorten(conversation, answer) };
  startLive(live);
  try {
    const end = await talk(conversation, answer, wish, live);
    changeMessage(chatId, answer.id, { ...ended(live), ...end });
    spoken.value = t.value.answerDone;
  } catch (e) {
    changeMessage(chatId, answer.id, {
      ...ended(live),
      finish: live.isStopped ? 'aborted' : 'error',
      ...(live.isStopped ? {} : { error: explain(e), code: codeOf(e, wish.shorten) }),
    });
    if (!live.isStopped) notify(t.value.failed, true);
  } finally {
    endLive(live);
  }
  if (!conversation.isTemporary) tellOthers(chatId);
  if (unsent.has(answer.id)) void catchUp(chatId); // refused, perhaps because of another window
  void nameChat(chatId);
}

function ask(chatId: string, parent: string, plan: Plan, shorten = false): void {
  const answer = { ...message('assistant', parent), model: model.value?.id ?? '' };
  unsent.add(answer.id);
  addMessage(chatId, answer);
  void run(chatId, answer, plan, shorten);
}

function join(id: string): void {
  const conversation = loaded.value[id];
  const answer = byId(conversation?.messages ?? [], conversation?.live ?? null);
  if (answer && !lives.value[id]) void run(id, answer, 'join');
}

/** Show a conversation; if the server is still answering in it, listen in. */
export async function show(id: string): Promise<void> {
  if (await openChat(id)) join(id);
}

/** A chat that is open here was changed elsewhere. */
async function catchUp(id: string): Promise<void> {
  await refreshChat(id);
  if (currentId.value === id) join(id);
}

/** Another window has changed this chat; null: there may be anything new. */
export function heard(id: string | null): void {
  const changed = id ?? currentId.value;
  if (changed !== null && loaded.value[changed]) void catchUp(changed);
  void refreshList().catch(() => undefined);
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
  unsent.add(question.id);
  addMessage(conversation.id, question);
  ask(conversation.id, question.id, 'ask');
}

export function stop(): void {
  const live = liveNow();
  if (live && current.value) stopTalk(live, current.value);
}

/** End the thinking of the live answer. */
export function answerNow(): void {
  const live = liveNow();
  if (live && current.value) endThinking(live, current.value);
}

/** Write an answer on that was cut. */
export function continueAnswer(answer: Message): void {
  if (current.value && !liveNow()) void run(current.value.id, answer, 'continue');
}

/** Another answer beside this one. */
export function regenerate(answer: Message): void {
  if (!current.value || liveNow() || answer.parent === null) return;
  ask(current.value.id, answer.parent, 'again');
}

/** What did not fit is asked again, and the model reads the newest turns only. */
export function askShorter(answer: Message): void {
  const conversation = current.value;
  if (!conversation || liveNow() || answer.parent === null) return;
  if (unsent.has(answer.id)) {
    dropMessage(conversation.id, answer.id); // it never began
    ask(conversation.id, answer.parent, 'again', true);
  } else void run(conversation.id, answer, 'continue', true);
}

/** Another question beside this one, and its answer. */
export async function edit(question: Message, text: string): Promise<void> {
  const conversation = current.value;
  if (!conversation || liveNow() || !byId(conversation.messages, question.id)) return;
  const changed = message('user', question.parent, text);
  if (question.files) changed.files = await filesOf(conversation.id, question);
  unsent.add(changed.id);
  addMessage(conversation.id, changed);
  ask(conversation.id, changed.id, 'ask');
}
