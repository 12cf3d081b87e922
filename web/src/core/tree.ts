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

/** The versions of a message: children of the same parent in order of creation. */
export function versionsOf(messages: readonly Message[], message: Message): Message[] {
  return messages
    .filter((m) => m.parent === message.parent && m.role === message.role)
    .sort((a, b) => a.created - b.created);
}

/** The end of the newest branch below a message. */
export function newestLeaf(messages: readonly Message[], from: string): string {
  const children = new Map<string, Message>();
  for (const m of messages) {
    if (m.parent === null) continue;
    const best = children.get(m.parent);
    if (!best || m.created >= best.created) children.set(m.parent, m);
  }
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
