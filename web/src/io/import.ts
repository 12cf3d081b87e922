/* Conversations from elsewhere: our own export, DeepSeek's and ChatGPT's (conversations.json).
 * The files are strangers': everything is checked, what does not fit is left out. */
import { isId, newId } from '../core/id';
import type { Conversation, Message } from '../core/types';
import { conversationOf, type WireConversation } from './wire';

type Json = Record<string, unknown>;

const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);
const text = (x: unknown): string => (typeof x === 'string' ? x : '');

/** Seconds (ChatGPT) or a date (DeepSeek) in milliseconds. */
function time(x: unknown): number {
  const ms = typeof x === 'number' ? x * 1000 : Date.parse(text(x));
  return Number.isFinite(ms) ? Math.round(ms) : Date.now();
}

interface Said {
  role: Message['role'];
  content: string;
  reasoning: string;
}

function saidByChatGpt(message: Json): Said | null {
  const role = isObject(message['author']) ? message['author']['role'] : null;
  const content = isObject(message['content']) ? message['content'] : {};
  const parts = Array.isArray(content['parts']) ? content['parts'] : [content['text']];
  const words = parts.map(text).join('');
  if ((role !== 'user' && role !== 'assistant') || words === '') return null;
  return { role, content: words, reasoning: '' };
}

function saidByDeepSeek(message: Json): Said | null {
  const said: Said = { role: 'assistant', content: '', reasoning: '' };
  const fragments = Array.isArray(message['fragments']) ? message['fragments'].filter(isObject) : [];
  if (fragments.length === 0) {
    const role = text(message['role']).toLowerCase();
    if (role !== 'user' && role !== 'assistant') return null;
    const content = text(message['content']);
    return content === '' ? null : { role, content, reasoning: text(message['reasoning_content']) };
  }
  for (const f of fragments) {
    if (f['type'] === 'REQUEST') said.role = 'user';
    if (f['type'] === 'THINK') said.reasoning += text(f['content']);
    else if (f['type'] === 'REQUEST' || f['type'] === 'RESPONSE') said.content += text(f['content']);
  }
  return said.content === '' && said.reasoning === '' ? null : said;
}

/** Both keep a tree: id -> { parent, message }.  Nodes without words are stepped over. */
function fromMapping(chat: Json): Conversation | null {
  const mapping = isObject(chat['mapping']) ? chat['mapping'] : {};
  const saidBy = 'inserted_at' in chat ? saidByDeepSeek : saidByChatGpt;
  const kept = new Map<string, Message>();
  for (const [key, node] of Object.entries(mapping)) {
    const message = isObject(node) && isObject(node['message']) ? node['message'] : null;
    const said = message && saidBy(message);
    if (!message || !said) continue;
    const created = time(message['create_time'] ?? message['inserted_at']);
    const imported: Message = { id: newId(), parent: null, created, ...said };
    const metadata = isObject(message['metadata']) ? message['metadata'] : {};
    const model = text(message['model']) || text(metadata['model_slug']);
    if (said.role === 'assistant' && model !== '') imported.model = model;
    if (said.role === 'assistant') imported.finish = 'stop';
    kept.set(key, imported);
  }
  const parentOf = (key: string): string | null => {
    const node = mapping[key];
    return isObject(node) && typeof node['parent'] === 'string' ? node['parent'] : null;
  };
  for (const [key, message] of kept) {
    const seen = new Set([key]);
    let at = parentOf(key);
    while (at !== null && !kept.has(at) && !seen.has(at)) {
      seen.add(at);
      at = parentOf(at);
    }
    message.parent = at === null ? null : (kept.get(at)?.id ?? null);
  }
  const messages = [...kept.values()];
  const leaf = kept.get(text(chat['current_node'])) ?? messages.at(-1);
  return leaf ? conversation(chat, messages, leaf.id) : null;
}

function conversation(chat: Json, messages: Message[], leaf: string): Conversation {
  return {
    id: newId(),
    title: text(chat['title']).slice(0, 120),
    folder: '',
    isPinned: false,
    isTemporary: false,
    created: time(chat['create_time'] ?? chat['inserted_at']),
    updated: time(chat['update_time'] ?? chat['updated_at']),
    model: '',
    system: '',
    messages,
    leaf,
  };
}

const isTextOrNone = (x: unknown) => x === undefined || x === null || typeof x === 'string';
const isIdOrNone = (x: unknown) => x === undefined || x === null || isId(x);

function isOurFile(x: unknown): boolean {
  return isObject(x) && typeof x['name'] === 'string' && typeof x['bytes'] === 'number' && isTextOrNone(x['text']);
}

function isOurMessage(m: unknown): boolean {
  if (!isObject(m) || !isId(m['id']) || !isIdOrNone(m['parent'])) return false;
  const { role, files, error } = m;
  return (
    (role === 'user' || role === 'assistant') &&
    ['content', 'reasoning', 'model', 'finish'].every((name) => isTextOrNone(m[name])) &&
    (files === undefined || files === null || (Array.isArray(files) && files.every(isOurFile))) &&
    (error === undefined || error === null || (isObject(error) && typeof error['message'] === 'string'))
  );
}

/* Ids become parts of addresses, texts are cut and searched: neither may be anything else. */
function isOurs(x: unknown): x is WireConversation {
  return (
    isObject(x) &&
    isId(x['id']) &&
    isIdOrNone(x['leaf']) &&
    typeof x['title'] === 'string' &&
    typeof x['created'] === 'number' &&
    typeof x['updated'] === 'number' &&
    ['folder', 'system', 'model'].every((name) => isTextOrNone(x[name])) &&
    Array.isArray(x['messages']) &&
    x['messages'].every(isOurMessage)
  );
}

/** What the file has, or nothing. */
export function readImport(json: string): Conversation[] {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch {
    return [];
  }
  if (isObject(data) && data['format'] === 'tiefsee-export' && Array.isArray(data['conversations']))
    return data['conversations'].filter(isOurs).map((c) => conversationOf({ ...c, live: null }));
  const list: unknown[] = Array.isArray(data) ? data : [data];
  return list.filter(isObject).flatMap((chat) => {
    const imported = fromMapping(chat);
    return imported ? [imported] : [];
  });
}
