/* Conversations as the server's API and its exports have them (docs/app-api.md). */
import type { Conversation, Finish, Message, Summary, Usage } from '../core/types';

export interface WireMessage {
  id: string;
  parent?: string | null;
  role: 'user' | 'assistant';
  content?: string;
  reasoning?: string;
  created?: number;
  files?: { name: string; bytes: number; text?: string }[];
  model?: string | null;
  finish?: string | null;
  usage?: Usage | null;
  timings?: { thinking_ms?: number; answer_ms?: number } | null;
  error?: { code: string; message: string } | null;
  ai_generated?: boolean;
  since?: string | null;
}

export interface WireSummary {
  id: string;
  title: string;
  folder?: string;
  is_pinned?: boolean;
  created: number;
  updated: number;
}

export interface WireConversation extends WireSummary {
  system?: string;
  model?: string;
  leaf?: string | null;
  live?: string | null;
  messages: WireMessage[];
}

const finishes: Record<string, Finish> = {
  stop: 'stop', length: 'length', stopped: 'aborted', error: 'error', broken: 'error',
};

export function messageOf(w: WireMessage): Message {
  const message: Message = {
    id: w.id,
    parent: w.parent ?? null,
    role: w.role,
    content: w.content ?? '',
    reasoning: w.reasoning ?? '',
    created: w.created ?? 0,
  };
  if (w.files?.length)
    message.files = w.files.map((f) => ({ name: f.name, bytes: f.bytes, text: f.text ?? '' }));
  if (w.model) message.model = w.model;
  const finish = finishes[w.finish ?? ''];
  if (finish) message.finish = finish;
  if (w.usage) message.usage = w.usage;
  if (w.timings) {
    message.thinkingMs = w.timings.thinking_ms ?? 0;
    message.answerMs = w.timings.answer_ms ?? 0;
  }
  if (w.error) message.error = w.error.message;
  if (w.since) message.since = w.since;
  return message;
}

export function summaryOf(w: WireSummary): Summary {
  return {
    id: w.id,
    title: w.title,
    folder: w.folder ?? '',
    isPinned: w.is_pinned ?? false,
    created: w.created,
    updated: w.updated,
  };
}

export function conversationOf(w: WireConversation): Conversation {
  return {
    ...summaryOf(w),
    isTemporary: false,
    model: w.model ?? '',
    system: w.system ?? '',
    messages: w.messages.map(messageOf),
    leaf: w.leaf ?? w.messages.at(-1)?.id ?? null,
    ...(w.live ? { live: w.live } : {}),
  };
}

export function wireMessage(m: Message): WireMessage {
  const { thinkingMs, answerMs, finish, error, code, files, ...rest } = m;
  const wire: WireMessage = { ...rest };
  if (files) wire.files = files;
  if (m.role === 'user') return wire;
  wire.finish = finish === 'aborted' ? 'stopped' : (finish ?? 'stop');
  wire.timings = { thinking_ms: Math.round(thinkingMs ?? 0), answer_ms: Math.round(answerMs ?? 0) };
  if (error !== undefined) wire.error = { code: code ?? 'internal', message: error };
  wire.ai_generated = true;
  return wire;
}

export function wireConversation(c: Conversation): WireConversation {
  return {
    id: c.id,
    title: c.title,
    folder: c.folder,
    is_pinned: c.isPinned,
    created: c.created,
    updated: c.updated,
    system: c.system,
    model: c.model,
    leaf: c.leaf,
    messages: c.messages.map(wireMessage),
  };
}
