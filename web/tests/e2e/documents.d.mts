/* For the unit tests, which are TypeScript. */
export function zip(name: string, content: Uint8Array): Uint8Array;
