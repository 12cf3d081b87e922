/* What the model is told: instructions and the branch, with files as text. */
import type { ApiMessage } from '../api/chat';
import type { Attachment, Conversation, Message } from '../core/types';

/** The form DeepSeek publishes for files in a prompt. */
function fileText(file: Attachment): string {
  return `[file name]: ${file.name}\n[file content begin]\n${file.text}\n[file content end]\n`;
}

export function userContent(message: Message): string {
  return (message.files ?? []).map(fileText).join('') + message.content;
}

export function promptOf(conversation: Conversation, branch: readonly Message[]): ApiMessage[] {
  const messages: ApiMessage[] = [];
  if (conversation.system.trim() !== '')
    messages.push({ role: 'system', content: conversation.system });
  for (const m of branch) {
    if (m.role === 'user') messages.push({ role: 'user', content: userContent(m) });
    else if (m.content !== '') messages.push({ role: 'assistant', content: m.content });
  }
  return messages;
}
