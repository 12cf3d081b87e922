/* Text that grows, cut into top-level blocks.  What is added can only change the last
 * one (CommonMark closes all blocks before it), so only that is parsed again: an answer
 * costs the same per token however long it is. */
import { parseBlocks, type Block, type Env } from './parser';

export class Blocks {
  private finished: Block[] = [];
  private env: Env = {};
  private text = '';
  private start = 0; // of the last block

  /** The blocks of the whole text so far.  Finished ones keep their identity. */
  update(text: string): Block[] {
    if (!text.startsWith(this.text)) {
      this.finished = [];
      this.env = {};
      this.start = 0;
    }
    this.text = text;
    const blocks = parseBlocks(text.slice(this.start), this.env);
    const last = blocks.pop();
    for (const block of blocks) {
      this.start += block.source.length;
      this.finished.push(block);
    }
    return last ? [...this.finished, last] : [...this.finished];
  }
}
