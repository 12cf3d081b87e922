/* The tree of a conversation: pure functions, no state. */
import type { Conversation, Message } from './types';

export function byId(messages: readonly Message[], id: string | null): Message | undefined {
  return id === null ? undefined : messages.find((m) => m.id === id);
}

/** The branch that is shown, oldest first. */
export function pathTo(messages: readonly Message[], leaf: string | null): Message[] {
  const index = new Map(messages.map((m) => [m.id, m]));
  const path: Message[] = [];
  const seen = new Set<string>();
  let at = leaf === null ? undefined : index.get(leaf);
  while (at && !seen.has(at.id)) {
    seen.add(at.id);
    path.push(at);
    at = at.parent === null ? undefined : index.get(at.parent);
  }
  return path.reverse();
}

/** The versions of a message: children of the same parent in the order in which they came
 * (not by their times: clocks jump). */
export function versionsOf(messages: readonly Message[], message: Message): Message[] {
  return messages.filter((m) => m.parent === message.parent && m.role === message.role);
}

export interface Place {
  i: number;
  n: number;
}

/** Which of how many versions each message is: all at once, in one look at each. */
export function placesOf(messages: readonly Message[]): Map<string, Place> {
  const counts = new Map<string, number>();
  const keyOf = (m: Message) => `${m.parent ?? ''}/${m.role}`;
  const places = new Map<string, Place>();
  for (const m of messages) {
    const i = counts.get(keyOf(m)) ?? 0;
    counts.set(keyOf(m), i + 1);
    places.set(m.id, { i, n: 0 });
  }
  for (const m of messages) {
    const place = places.get(m.id);
    if (place) place.n = counts.get(keyOf(m)) ?? 1;
  }
  return places;
}

/** The first message of a branch that the model still reads; null: all of it. */
export function readFrom(branch: readonly Message[]): string | null {
  return branch.findLast((m) => m.role === 'assistant' && m.finish !== 'error')?.since ?? null;
}

/** The end of the newest branch below a message. */
export function newestLeaf(messages: readonly Message[], from: string): string {
  const children = new Map<string, Message>();
  for (const m of messages) if (m.parent !== null) children.set(m.parent, m); // the last that came
  const seen = new Set<string>();
  let at = from;
  for (let next = children.get(at); next && !seen.has(next.id); next = children.get(at)) {
    seen.add(next.id);
    at = next.id;
  }
  return at;
}

/** The conversation with a message added below its parent and shown. */
export function withMessage(conversation: Conversation, message: Message): Conversation {
  return {
    ...conversation,
    messages: [...conversation.messages, message],
    leaf: message.id,
    updated: message.created,
  };
}

/** The conversation with one message changed. */
export function withChange(
  conversation: Conversation,
  id: string,
  change: Partial<Message>,
): Conversation {
  return {
    ...conversation,
    messages: conversation.messages.map((m) => (m.id === id ? { ...m, ...change } : m)),
  };
}

function isAbove(messages: readonly Message[], id: string | null, leaf: string | null): boolean {
  return pathTo(messages, leaf).some((m) => m.id === id);
}

/** What the store has, and what only this page knows yet.  The branch that is shown stays
 * shown; if it was written on elsewhere, its new end is shown. */
export function merged(here: Conversation, stored: Conversation, isOnlyHere: (m: Message) => boolean): Conversation {
  const known = new Set(stored.messages.map((m) => m.id));
  const messages = [...stored.messages, ...here.messages.filter((m) => !known.has(m.id) && isOnlyHere(m))];
  const isHere = here.leaf !== null && messages.some((m) => m.id === here.leaf);
  const leaf = isHere && !isAbove(messages, here.leaf, stored.leaf) ? here.leaf : stored.leaf;
  return { ...stored, messages, leaf };
}
