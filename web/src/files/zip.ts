/* Reads one member of a zip archive: enough for .docx.  Total: any bytes give the member
 * or null, and nothing grows beyond the limit, whatever the archive claims. */

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;

async function inflate(bytes: Uint8Array<ArrayBuffer>, limit: number): Promise<Uint8Array | null> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let n = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      n += value.length;
      if (n > limit) {
        await reader.cancel();
        return null;
      }
      parts.push(value);
    }
  } catch {
    return null; // broken
  }
  const whole = new Uint8Array(n);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - 65535);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--)
    if (view.getUint32(at, true) === END) return at;
  return -1;
}

interface Entry {
  method: number;
  packed: number; // bytes
  local: number; // offset of its header
}

function findEntry(bytes: Uint8Array, view: DataView, wanted: string): Entry | null {
  const end = findEnd(view);
  if (end < 0) return null;
  const n = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < n && at + ENTRY_BYTES <= bytes.length; i++) {
    if (view.getUint32(at, true) !== ENTRY) return null;
    const nameBytes = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes));
    if (name === wanted)
      return {
        method: view.getUint16(at + 10, true),
        packed: view.getUint32(at + 20, true),
        local: view.getUint32(at + 42, true),
      };
    at += ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return null;
}

export async function zipMember(
  bytes: Uint8Array,
  name: string,
  limit: number,
): Promise<Uint8Array | null> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < END_BYTES) return null;
  const entry = findEntry(bytes, view, name);
  if (!entry || entry.local + LOCAL_BYTES > bytes.length) return null;
  const start =
    entry.local + LOCAL_BYTES + view.getUint16(entry.local + 26, true) + view.getUint16(entry.local + 28, true);
  const content = bytes.slice(start, start + entry.packed);
  if (entry.method === 0) return content.length <= limit ? content : null;
  return entry.method === 8 ? inflate(content, limit) : null;
}
