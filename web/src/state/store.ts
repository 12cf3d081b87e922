/* Where conversations are kept.  The app speaks to this interface only. */
import type { Attachment, Conversation, Message, Summary } from '../core/types';

export type Meta = Pick<Conversation, 'title' | 'folder' | 'isPinned' | 'leaf' | 'system' | 'model'>;

/** Part of a list, newest first; `next` asks for what follows. */
export interface Page {
  summaries: Summary[];
  next: string | null;
}

export interface Store {
  /** The server writes down questions and answers itself while it gives them. */
  readonly keepsAnswers: boolean;
  list(from: string | null): Promise<Page>;
  /** onPart: what was found so far; false: nobody wants more. */
  search(query: string, onPart: (found: Summary[]) => boolean): Promise<void>;
  open(id: string): Promise<Conversation>;
  /** An empty one. */
  create(conversation: Conversation): Promise<void>;
  /** Whole ones; those whose ids are there already are left out.  How many came in? */
  add(conversations: Conversation[]): Promise<number>;
  change(id: string, meta: Partial<Meta>): Promise<void>;
  putMessage(id: string, message: Message): Promise<void>;
  /** A message's files with their texts, which `open` may leave out. */
  filesOf(id: string, message: Message): Promise<Attachment[]>;
  remove(id: string): Promise<void>;
}
