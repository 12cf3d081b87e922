/* The assistant's own API (docs/app-api.md): sessions, conversations, answers. */
import type { Effort, Message } from '../core/types';
import { messageOf, type WireMessage } from '../io/wire';
import { ApiError, request } from './base';
import { readEvents } from './sse';

/** Every request but GET says by this header that it comes from the page. */
function init(method: string, body?: unknown): RequestInit {
  const headers: Record<string, string> = {};
  if (method !== 'GET') headers['X-Tiefsee'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

export async function app<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(`app/api/${path}`, init(method, body));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export interface User {
  id: string;
  name: string;
  role: 'admin' | 'member' | 'reader';
  is_frozen: boolean;
  retention_days: number;
}

export interface Session {
  mode: 'single' | 'accounts';
  needs_setup: boolean;
  user: User | null;
  server: { version: string; has_store: boolean };
}

/* ----------------------------------------------------------------- answers */

export interface AnswerRequest {
  parent?: string | null;
  content?: string;
  files?: { name: string; bytes: number; text: string }[];
  continues?: string;
  user_id?: string;
  answer_id?: string;
  model?: string;
  effort?: Effort;
}

export interface AnswerEvents {
  /** What there is so far; empty unless continued or joined late. */
  onStart(answer: Message): void;
  onReasoning(text: string): void;
  onContent(text: string): void;
}

interface AnswerEvent {
  type: 'start' | 'prompt' | 'reasoning' | 'content' | 'done' | 'error';
  text?: string;
  answer?: WireMessage;
  is_saved?: boolean;
  error?: { code: string; message: string };
}

export interface AnswerEnd {
  answer: Message;
  isSaved: boolean;
}

async function follow(response: Response, events: AnswerEvents): Promise<AnswerEnd> {
  if (!response.body) throw new ApiError(0, 'unreachable', 'no body');
  for await (const data of readEvents(response.body)) {
    const event = JSON.parse(data) as AnswerEvent;
    if (event.type === 'start' && event.answer) events.onStart(messageOf(event.answer));
    else if (event.type === 'reasoning') events.onReasoning(event.text ?? '');
    else if (event.type === 'content') events.onContent(event.text ?? '');
    else if (event.type === 'done' && event.answer)
      return { answer: messageOf(event.answer), isSaved: event.is_saved ?? true };
    else if (event.type === 'error')
      throw new ApiError(500, event.error?.code ?? '', event.error?.message ?? '');
  }
  throw new ApiError(0, 'cut', 'the answer was cut off');
}

/** path: "conversations/ID/answers", or "answers" for a temporary chat. */
export async function streamAnswer(
  path: string,
  body: object,
  signal: AbortSignal,
  events: AnswerEvents,
): Promise<AnswerEnd> {
  return follow(await request(`app/api/${path}`, { ...init('POST', body), signal }), events);
}

export async function joinAnswer(
  path: string,
  signal: AbortSignal,
  events: AnswerEvents,
): Promise<AnswerEnd> {
  return follow(await request(`app/api/${path}`, { ...init('GET'), signal }), events);
}
