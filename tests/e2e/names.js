// What a screen reader would miss: names, broken references, headings out of order, boxes no key can scroll.
() => {
  const label = (e) => (e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') || '').split(' ')
    .map((id) => document.getElementById(id)?.textContent || '').join(' ') || [...(e.labels || [])]
    .map((l) => l.textContent).join(' ') || e.textContent || '').trim();
  const all = [...document.querySelectorAll('a, button, select, input, [role=img], [role=region], [role=listbox], nav, article')];
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  const pointing = [...document.querySelectorAll('[aria-labelledby], [aria-activedescendant], [aria-controls]')];
  return {
    unnamed: all.filter((e) => !label(e)).map((e) => e.outerHTML.slice(0, 120)),
    twice: ids.filter((id, at) => ids.indexOf(id) !== at),
    dangling: pointing.flatMap((e) => ['aria-labelledby', 'aria-activedescendant', 'aria-controls']
      .flatMap((name) => (e.getAttribute(name) || '').split(' ').filter((id) => id && !document.getElementById(id)))),
    anchors: [...document.querySelectorAll('a[href^="#"], use')].map((e) => e.getAttribute('href').slice(1))
      .filter((id) => !document.getElementById(id)),
    headings: [...document.querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility()).map((e) => +e.tagName[1]),
    scrollable: [...document.querySelectorAll('*')].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1
      && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).map((e) => e.className),
    headers: [...document.querySelectorAll('th:not([scope])')].length,
    language: document.documentElement.lang, title: document.title,
    landmarks: ['main', 'header', 'footer', 'nav'].filter((tag) => !document.querySelector(tag)),
  };
}
