/* One answer, streamed, by the server's DeepSeek dialect (docs/api.md). */
import type { Effort, Finish, Usage } from '../core/types';
import type { AnswerEvents } from './app';
import { ApiError, request } from './base';
import { readEvents } from './sse';

export interface ApiMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
  reasoning_content?: string;
  prefix?: boolean;
}

export interface ChatRequest {
  model: string;
  messages: ApiMessage[];
  effort: Effort;
  maxTokens?: number;
  temperature?: number;
}

export type ChatEvents = Pick<AnswerEvents, 'onReasoning' | 'onContent'>;

export interface ChatEnd {
  finish: Finish;
  usage?: Usage;
}

interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_cache_hit_tokens?: number;
  completion_tokens_details?: { reasoning_tokens?: number };
}

interface Chunk {
  error?: { message: string; code?: string | null };
  choices?: {
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
  }[];
  usage?: WireUsage | null;
}

function bodyOf(chat: ChatRequest): string {
  return JSON.stringify({
    model: chat.model,
    messages: chat.messages,
    stream: true,
    thinking: { type: chat.effort === 'off' ? 'disabled' : 'enabled' },
    ...(chat.effort === 'off' ? {} : { reasoning_effort: chat.effort }),
    ...(chat.maxTokens === undefined ? {} : { max_tokens: chat.maxTokens }),
    ...(chat.temperature === undefined ? {} : { temperature: chat.temperature }),
  });
}

function usageOf(wire: WireUsage): Usage {
  return {
    prompt: wire.prompt_tokens,
    cached: wire.prompt_cache_hit_tokens ?? 0,
    completion: wire.completion_tokens,
    reasoning: wire.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

/** Resolves when the answer has ended; rejects with ApiError or AbortError. */
export async function streamChat(
  chat: ChatRequest,
  signal: AbortSignal,
  events: ChatEvents,
): Promise<ChatEnd> {
  const response = await request('chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: bodyOf(chat),
    signal,
  });
  const end: ChatEnd = { finish: 'error' };
  if (!response.body) throw new ApiError(0, 'unreachable', 'no body');
  for await (const data of readEvents(response.body)) {
    if (data === '[DONE]') return end;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new ApiError(500, chunk.error.code ?? '', chunk.error.message);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.reasoning_content) events.onReasoning(choice.delta.reasoning_content);
    if (choice?.delta?.content) events.onContent(choice.delta.content);
    if (choice?.finish_reason) end.finish = choice.finish_reason === 'length' ? 'length' : 'stop';
    if (chunk.usage) end.usage = usageOf(chunk.usage);
  }
  throw new ApiError(0, 'cut', 'the answer was cut off');
}
