/* A component that is drawn anew only when a prop is another one (preact/compat's memo
 * without the rest of it). */
import { Component, h, type ComponentType, type FunctionComponent } from 'preact';

export function memo<P extends object>(inner: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const now = this.props as Record<string, unknown>;
      const then = next as Record<string, unknown>;
      const keys = new Set([...Object.keys(now), ...Object.keys(then)]);
      for (const key of keys) if (now[key] !== then[key]) return true;
      return false;
    }
    override render() {
      return h(inner as FunctionComponent<object>, this.props);
    }
  };
}
