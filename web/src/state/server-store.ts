/* Conversations in the server's store. */
import { app } from '../api/app';
import type { Attachment, Conversation, Message, Summary } from '../core/types';
import {
  conversationOf, messageOf, summaryOf, wireConversation, wireMessage, type WireConversation,
  type WireMessage, type WireSummary,
} from '../io/wire';
import type { Meta, Page, Store } from './store';

interface WirePage {
  conversations: WireSummary[];
  next: string | null;
  is_partial?: boolean;
}

const PAGE = 100;
const BATCH_BYTES = 8 << 20; // of one import; the server takes 32 MiB

async function page(query: string): Promise<Page & { isPartial: boolean }> {
  const wire = await app<WirePage>('GET', `conversations?limit=${PAGE}${query}`);
  return { summaries: wire.conversations.map(summaryOf), next: wire.next, isPartial: wire.is_partial ?? false };
}

/* As many in one request as the size allows, and at least one. */
function* batches(conversations: Conversation[]): Generator<WireConversation[]> {
  let batch: WireConversation[] = [];
  let bytes = 0;
  for (const wire of conversations.map(wireConversation)) {
    const more = new Blob([JSON.stringify(wire)]).size;
    if (batch.length > 0 && bytes + more > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(wire);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}

export class ServerStore implements Store {
  readonly keepsAnswers = true;

  list(from: string | null): Promise<Page> {
    return page(from === null ? '' : `&before=${encodeURIComponent(from)}`);
  }

  /* The server answers after a moment with what it has, and goes on where it stopped. */
  async search(query: string, onPart: (found: Summary[]) => boolean): Promise<void> {
    let found: Summary[] = [];
    let at = '';
    for (;;) {
      const part = await page(`&q=${encodeURIComponent(query)}${at}`);
      found = [...found, ...part.summaries];
      if (!onPart(found) || !part.isPartial || part.next === null || found.length >= PAGE) return;
      at = `&before=${encodeURIComponent(part.next)}`;
    }
  }

  async open(id: string): Promise<Conversation> {
    return conversationOf(await app<WireConversation>('GET', `conversations/${id}`));
  }

  async create({ id, title, folder, system, model }: Conversation): Promise<void> {
    await app('POST', 'conversations', { id, title, folder, system, model });
  }

  async add(conversations: Conversation[]): Promise<number> {
    let n = 0;
    for (const batch of batches(conversations))
      n += (await app<{ n_conversations: number }>('POST', 'import', { conversations: batch })).n_conversations;
    return n;
  }

  async change(id: string, { isPinned, ...meta }: Partial<Meta>): Promise<void> {
    const body = isPinned === undefined ? meta : { ...meta, is_pinned: isPinned };
    await app('PATCH', `conversations/${id}`, body);
  }

  async putMessage(id: string, message: Message): Promise<void> {
    await app('POST', `conversations/${id}/messages`, wireMessage(message));
  }

  async filesOf(id: string, { id: mid, files = [] }: Message): Promise<Attachment[]> {
    if (files.every((f) => f.text !== '' || f.bytes === 0)) return files;
    return messageOf(await app<WireMessage>('GET', `conversations/${id}/messages/${mid}`)).files ?? [];
  }

  async remove(id: string): Promise<void> {
    await app('DELETE', `conversations/${id}`);
  }
}
