// Text whose contrast with what lies behind it is below WCAG AA; stripes count by their worst colour.
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const grounds = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const stripes = style.backgroundImage.match(/(?:rgb|color|oklab)a?\\([^)]*\\)/g);
      if (stripes) { layers.push(stripes.map(rgba)); break; }
      const colour = rgba(style.backgroundColor);
      if (colour[3] > 0) layers.push([colour]);
      if (colour[3] === 1) break;
    }
    let found = [[255, 255, 255, 1]];
    for (const layer of layers.reverse()) found = layer.flatMap((top) => found.map((under) => over(top, under)));
    return found;
  };
  const bad = [];
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element) || !element.checkVisibility()) continue;
    if (element.closest('script, style, noscript, .unseen, option, svg title, svg desc')) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const ink = rgba(element.closest('svg') ? style.fill : style.color);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    for (const ground of grounds(element)) {
      const found = ratio(over(ink, ground), ground);
      if (found < (large ? 3 : 4.5)) bad.push([walker.currentNode.textContent.trim().slice(0, 40), found.toFixed(2)]);
    }
  }
  return { bad, checked: seen.size };
}
