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
}

const PAGE = 100;

async function page(query: string): Promise<Page> {
  const wire = await app<WirePage>('GET', `conversations?limit=${PAGE}${query}`);
  return { summaries: wire.conversations.map(summaryOf), next: wire.next };
}

export class ServerStore implements Store {
  readonly keepsAnswers = true;

  list(from: string | null): Promise<Page> {
    return page(from === null ? '' : `&before=${encodeURIComponent(from)}`);
  }

  async search(query: string): Promise<Summary[]> {
    return (await page(`&q=${encodeURIComponent(query)}`)).summaries;
  }

  async open(id: string): Promise<Conversation> {
    return conversationOf(await app<WireConversation>('GET', `conversations/${id}`));
  }

  async create(c: Conversation): Promise<void> {
    if (c.messages.length > 0) {
      await app('POST', 'import', { conversations: [wireConversation(c)] });
      return;
    }
    const { id, title, folder, system, model } = c;
    await app('POST', 'conversations', { id, title, folder, system, model });
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
