import { requestJson } from './base';

export interface Model {
  id: string;
  context: number; // tokens; 0: not said
}

interface WireModels {
  data: { id: string; context_length?: number; max_model_len?: number }[];
}

export async function listModels(): Promise<Model[]> {
  const wire = await requestJson<WireModels>('GET', 'v1/models');
  return wire.data.map((m) => ({ id: m.id, context: m.context_length ?? m.max_model_len ?? 0 }));
}
