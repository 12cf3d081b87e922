/* Where conversations are kept.  The app speaks to this interface only. */
import type { Conversation, Message, Summary } from '../core/types';

export type Meta = Pick<Conversation, 'title' | 'folder' | 'isPinned' | 'leaf' | 'system' | 'model'>;

export interface Store {
  list(): Promise<Summary[]>;
  search(query: string): Promise<Summary[]>;
  open(id: string): Promise<Conversation>;
  create(conversation: Conversation): Promise<void>;
  change(id: string, meta: Partial<Meta>): Promise<void>;
  putMessage(id: string, message: Message): Promise<void>;
  remove(id: string): Promise<void>;
}
