/** A new id: 128 random bits.  (crypto.randomUUID exists only on https and localhost.) */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** The ids that the server takes (docs/app-api.md); none of them is a name of Object's. */
export function isId(x: unknown): x is string {
  return typeof x === 'string' && /^[\w-]{8,32}$/.test(x) && !(x in {});
}
