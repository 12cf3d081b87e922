/* KaTeX sets most styles as properties, but a few (arrows over letters, braces) as the
 * attribute `style`, which the page's policy refuses.  While `work` runs, such an attribute
 * is set as properties too; afterwards everything is as before. */
export function withStyleProperties(work: () => void): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back as it was
  const original = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (this: Element, name: string, value: string) {
    if (name === 'style' && 'style' in this) (this as HTMLElement | SVGElement).style.cssText = value;
    else original.call(this, name, value);
  };
  try {
    work();
  } finally {
    Element.prototype.setAttribute = original;
  }
}
