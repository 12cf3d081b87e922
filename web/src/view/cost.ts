/* What tokens would have cost in the cloud, by the prices that the server names. */
import { language } from '../i18n';

export interface Tokens {
  n_requests: number;
  n_prompt: number;
  n_cached: number;
  n_completion: number;
}

export interface Prices {
  currency: string;
  of: string;
  per_million: { cache_hit: number; cache_miss: number; output: number };
}

export function costOf(used: Tokens, prices: Prices): number {
  const { cache_hit, cache_miss, output } = prices.per_million;
  return (used.n_cached * cache_hit + (used.n_prompt - used.n_cached) * cache_miss + used.n_completion * output) / 1e6;
}

export function money(amount: number, currency: string): string {
  return new Intl.NumberFormat(language.value, { style: 'currency', currency, maximumFractionDigits: 4 }).format(amount);
}
