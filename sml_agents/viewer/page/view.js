"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const token = location.hash.slice(1);

  // Text only ever goes in as text.
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }
  const bdi = (text) => make("bdi", {}, text);

  let word = 0;
  function say(text) {
    $("word").textContent = text;
    $("word").hidden = false;
    clearTimeout(word);
    word = setTimeout(() => { $("word").hidden = true; }, 6000);
  }

  async function ask(path, options) {
    const answer = await fetch(path, { ...options, headers: { "X-Token": token } }).catch(() => null);
    if (answer === null) { say("The viewer does not answer: is the command still running?"); return null; }
    const body = await answer.json();
    if (!answer.ok) say(body.error);
    return answer.ok || body.now ? { ok: answer.ok, body } : null;
  }

  // ---- theme ----
  const themes = ["auto", "light", "dark"];
  let theme = 0;
  $("theme").addEventListener("click", () => {
    theme = (theme + 1) % themes.length;
    if (theme === 0) root.removeAttribute("data-theme"); else root.dataset.theme = themes[theme];
    $("theme").textContent = "Theme: " + themes[theme];
  });

  // ---- the list ----
  const controls = ["words", "outcome", "moment", "family", "form", "stop", "order"];
  let page = 0, rows = [], open = null, shown = null, writable = false, asked = 0;

  function choices(id, any, options) {
    $(id).append(make("option", { value: "" }, any), ...options.map(([value, text]) => make("option", { value }, text)));
  }

  async function list(keep) {
    const mine = ++asked;
    const given = new URLSearchParams({ page });
    for (const id of controls) if ($(id).value) given.set(id, $(id).value);
    const got = await ask("/api/traces?" + given);
    if (got === null || mine !== asked) return;
    rows = got.body.rows;
    const first = page * got.body.per_page;
    $("count").textContent = got.body.total === 0 ? "Nothing fits." : `${first + 1} to ${first + rows.length} of ${got.body.total.toLocaleString("en")}`;
    $("back").disabled = page === 0;
    $("on").disabled = first + rows.length >= got.body.total;
    $("rows").replaceChildren(...rows.map(line));
    if (!keep && rows.length && matchMedia("(min-width: 801px)").matches) read(rows[0].id);
  }

  function line(row) {
    const button = make("button", { type: "button", class: "row", "data-id": row.id, "aria-current": row.id === open ? "true" : "false" },
      make("span", { class: "request" }, bdi(row.request)),
      make("span", { class: "small" }, make("span", {}, bdi(row.note)), make("span", { class: "state-" + row.state.replace(/[^a-z]/g, "-") }, row.state), make("span", {}, row.date)));
    button.addEventListener("click", () => read(row.id));
    return make("li", {}, button);
  }

  // ---- one ----
  async function read(id) {
    open = id;
    for (const button of document.querySelectorAll(".row")) button.setAttribute("aria-current", String(button.dataset.id === id));
    const got = await ask("/api/traces/" + encodeURIComponent(id));
    if (got === null || open !== id) return;
    show(got.body);
    document.body.classList.add("reading");
  }

  function show(trace) {
    shown = trace;
    const away = make("button", { type: "button", class: "only-narrow" }, "Back to the list");
    away.addEventListener("click", () => document.body.classList.remove("reading"));
    const facts = make("dl", { class: "facts" }, ...trace.facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, bdi(value)))));
    $("detail").replaceChildren(...[
      away, make("h2", {}, bdi(trace.request)), make("p", { class: "small" }, bdi(trace.id + (trace.date ? " · " + trace.date : ""))), facts,
      trace.lesson ? lesson(trace) : null,
      trace.system ? fold("System prompt", make("pre", {}, bdi(trace.system))) : null,
      trace.tools.length ? fold("Tools (" + trace.tools.length + ")", make("dl", { class: "call" }, ...trace.tools.flatMap(([name, about]) => [make("dt", {}, make("code", {}, name)), make("dd", {}, bdi(about))]))) : null,
      ...trace.turns.map(turn),
      ...trace.reviews.map((text) => make("p", { class: "small" }, "A reviewer: ", bdi(text))),
      trace.private.answer || trace.private.facts.length ? fold("Private: what the other side must not see", secret(trace.private)) : null,
    ].filter(Boolean));
    $("detail").scrollTop = 0;
  }
  const fold = (title, inside) => make("details", {}, make("summary", {}, title), inside);
  const secret = (known) => make("div", {}, make("p", {}, "Answer: ", bdi(known.answer || "not known")),
    ...known.facts.map(([name, statement, question]) => make("p", {}, make("b", {}, bdi(name)), ": ", bdi(statement), question ? make("span", { class: "small" }, " Asked for as: ", bdi(question)) : null)));

  function turn(one) {
    return make("section", { class: "turn" + (one.mine ? " mine" : "") + (one.trained ? " trained" : "") },
      make("h3", {}, one.who, make("span", { class: "small" }, bdi(one.notes.join(" · "))), one.trained ? make("span", { class: "small" }, "learnt from") : null),
      one.thought ? make("p", { class: "thought" }, bdi(one.thought)) : null,
      ...one.calls.map((made) => call(made)),
      one.text ? make("p", {}, bdi(one.text)) : null,
      one.replaced || one.replaced_calls.length ? fold("In place of", make("div", {}, ...one.replaced_calls.map((made) => call(made)), make("p", {}, bdi(one.replaced)))) : null);
  }
  const call = (made) => make("div", { class: "call" }, make("code", {}, made.name),
    make("dl", {}, ...made.arguments.flatMap(([name, value]) => [make("dt", {}, bdi(name)), make("dd", {}, make("code", {}, value))])),
    made.result === null ? null : make("p", { class: "small" }, "returned: ", bdi(made.result)));

  // ---- decisions ----
  function lesson(trace) {
    const known = trace.lesson;
    const button = (text, act) => { const made = make("button", { type: "button" }, text); made.addEventListener("click", act); return made; };
    return make("div", { class: "lesson" },
      make("h3", {}, known.kind.replaceAll("_", " ") + ", " + Math.round(100 * known.confidence) + " % sure: ", make("span", { id: "review", class: "state-" + known.review }, known.review)),
      make("p", { class: "small" }, bdi(known.by)),
      known.question ? make("p", {}, "Asks: ", make("b", {}, bdi(known.question))) : null,
      ...known.evidence.map(([quote, why]) => make("blockquote", {}, bdi(quote), make("span", { class: "small" }, " (" + why + ")"))),
      writable ? make("div", { class: "acts" }, button("Accept (a)", () => decide("accepted")), button("Reject (r)", () => decide("rejected")),
        known.question ? button("Edit the question (e)", () => edit("question")) : null, button("Edit the answer (w)", () => edit("answer"))) : null,
      make("div", { id: "editor" }));
  }

  async function decide(decision, edits) {
    if (!shown || !shown.lesson || !writable) return;
    const got = await ask("/api/traces/" + encodeURIComponent(shown.id), { method: "POST", body: JSON.stringify({ decision, version: shown.version, ...edits }) });
    if (got === null) return;
    const now = got.ok ? got.body : got.body.now;
    const at = rows.findIndex((row) => row.id === now.id);
    if (at >= 0) { rows[at] = now; $("rows").children[at].replaceWith(line(now)); }
    if (!got.ok || edits || at < 0 || at + 1 >= rows.length) show(now); else read(rows[at + 1].id);
  }

  function edit(which) {
    if (!shown || !shown.lesson || !writable || (which === "question" && !shown.lesson.question)) return;
    const last = shown.turns.filter((one) => one.mine).at(-1);
    const area = make("textarea", { "aria-label": "The " + which }, which === "question" ? shown.lesson.question : last.text);
    const keep = make("button", { type: "button" }, "Accept with this " + which);
    keep.addEventListener("click", () => decide("accepted", { [which]: area.value }));
    const leave = make("button", { type: "button" }, "Leave it");
    leave.addEventListener("click", () => $("editor").replaceChildren());
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); $("editor").replaceChildren(); $("detail").focus(); }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep.click();
    });
    $("editor").replaceChildren(area, make("div", { class: "acts" }, keep, leave));
    area.focus();
  }

  // ---- keys ----
  const keys = [["j", "next"], ["k", "the one before"], ["/", "search"], ["a", "accept"], ["r", "reject"], ["e", "edit the question"], ["w", "edit the answer"], ["n", "later page"], ["p", "earlier page"], ["Esc", "back"]];
  $("keys").append(...keys.map(([key, does]) => make("div", {}, make("dt", {}, key), make("dd", {}, does))));
  $("help").addEventListener("click", () => {
    $("keys").hidden = !$("keys").hidden;
    $("help").setAttribute("aria-expanded", String(!$("keys").hidden));
  });
  function step(by) {
    const at = rows.findIndex((row) => row.id === open);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) { read(next.id); document.querySelector(`.row[data-id="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: "nearest" }); }
  }
  function turnPage(by) { page = Math.max(0, page + by); list(); }
  $("back").addEventListener("click", () => turnPage(-1));
  $("on").addEventListener("click", () => turnPage(1));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
    const does = { j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1), a: () => decide("accepted"), r: () => decide("rejected"), e: () => edit("question"), w: () => edit("answer"),
      n: () => $("on").disabled || turnPage(1), p: () => $("back").disabled || turnPage(-1), "/": () => $("words").focus(), "?": () => $("help").click(), Escape: () => document.body.classList.remove("reading") }[event.key];
    if (does) { event.preventDefault(); does(); }
  });

  let waiting = 0;
  $("filters").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { page = 0; list(); }, 150); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());

  (async () => {
    const got = await ask("/api/about");
    if (got === null) return;
    writable = got.body.writable;
    $("store").textContent = got.body.store;
    choices("outcome", "any outcome", [["solved", "solved, accepted"], ["unsolved", "not solved, rejected"], ["open", "open"]]);
    choices("moment", "any kind", ["corrected", "late_fact", "asked", "answered", "mistake"].map((kind) => [kind, kind.replaceAll("_", " ")]));
    for (const id of ["family", "form", "stop"]) choices(id, "any " + id, got.body.kinds[id].map((kind) => [kind, kind.replaceAll("_", " ")]));
    $("order").append(make("option", { value: "run" }, "in order"), make("option", { value: "unsure" }, "least sure first"));
    await list();
  })();
})();
