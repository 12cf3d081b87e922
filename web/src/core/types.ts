/* What a conversation is made of.  A conversation is a tree: every message but the
 * first ones has a parent, and `leaf` says which branch is shown. */

export type Role = 'user' | 'assistant';

/** Why an answer ended; `aborted`: the user stopped it; `error`: it broke off. */
export type Finish = 'stop' | 'length' | 'aborted' | 'error';

export interface Usage {
  prompt: number;
  cached: number;
  completion: number;
  reasoning: number;
}

/** A file's text, as it is put into the prompt. */
export interface Attachment {
  name: string;
  bytes: number;
  text: string;
}

export interface Message {
  id: string;
  parent: string | null;
  role: Role;
  content: string;
  reasoning: string;
  created: number;
  files?: Attachment[];
  model?: string;
  thinkingMs?: number;
  answerMs?: number;
  finish?: Finish;
  error?: string;
  /** What the server calls the error. */
  code?: string;
  /** Of an answer: the first message that the model read; what was before did not fit. */
  since?: string;
  usage?: Usage;
}

/** What the sidebar knows of a conversation. */
export interface Summary {
  id: string;
  title: string;
  folder: string;
  isPinned: boolean;
  created: number;
  updated: number;
}

export interface Conversation extends Summary {
  isTemporary: boolean;
  model: string;
  system: string;
  messages: Message[];
  leaf: string | null;
  /** The answer that the server is writing at the moment. */
  live?: string;
}

/** Whether the model thinks.  The API has more efforts; no model here tells them apart. */
export type Effort = 'off' | 'high';
export const EFFORTS: readonly Effort[] = ['off', 'high'];
