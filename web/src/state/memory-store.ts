/* A store that forgets: for servers that keep nothing. */
import type { Attachment, Conversation, Message, Summary } from '../core/types';
import type { Meta, Page, Store } from './store';

export class MemoryStore implements Store {
  private readonly all = new Map<string, Conversation>();

  readonly keepsAnswers = false;

  list(): Promise<Page> {
    return Promise.resolve({ summaries: [...this.all.values()], next: null });
  }

  search(query: string, onPart: (found: Summary[]) => boolean): Promise<void> {
    const wanted = query.toLowerCase();
    const has = (text: string) => text.toLowerCase().includes(wanted);
    onPart([...this.all.values()].filter((c) => has(c.title) || c.messages.some((m) => has(m.content))));
    return Promise.resolve();
  }

  open(id: string): Promise<Conversation> {
    const found = this.all.get(id);
    return found ? Promise.resolve(found) : Promise.reject(new Error(`no conversation ${id}`));
  }

  create(conversation: Conversation): Promise<void> {
    this.all.set(conversation.id, conversation);
    return Promise.resolve();
  }

  add(conversations: Conversation[]): Promise<number> {
    const fresh = conversations.filter((c) => !this.all.has(c.id));
    for (const c of fresh) this.all.set(c.id, c);
    return Promise.resolve(fresh.length);
  }

  async change(id: string, meta: Partial<Meta>): Promise<void> {
    this.all.set(id, { ...(await this.open(id)), ...meta });
  }

  async putMessage(id: string, message: Message): Promise<void> {
    const c = await this.open(id);
    const messages = c.messages.some((m) => m.id === message.id)
      ? c.messages.map((m) => (m.id === message.id ? message : m))
      : [...c.messages, message];
    this.all.set(id, { ...c, messages, updated: message.created });
  }

  filesOf(_id: string, message: Message): Promise<Attachment[]> {
    return Promise.resolve(message.files ?? []);
  }

  remove(id: string): Promise<void> {
    this.all.delete(id);
    return Promise.resolve();
  }
}
