"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);

  // ---- elements: text only ever goes in as text ----
  const SVG = "http://www.w3.org/2000/svg";
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }
  function icon(id) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "-8 -8 16 16");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", "#" + id);
    svg.append(use);
    return svg;
  }
  const number = (student) => data.numbers[student];
  const keys = {};
  const keyOf = (student) => (keys[student] ??= newKey(student)).cloneNode(true);
  const newKey = (student) => make("span", { class: "key s" + (number(student) % 6) }, icon("shape" + (number(student) % 4)), make("bdi", { title: student }, data.short[student]));

  // ---- theme ----
  const themes = ["auto", "light", "dark"];
  function remember(name, value) { try { localStorage.setItem("sml-report-" + name, value); } catch { /* private mode */ } }
  function recall(name) { try { return localStorage.getItem("sml-report-" + name); } catch { return null; } }
  function setTheme(theme) {
    if (theme === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = theme;
    $("theme").textContent = "Theme: " + theme;
  }
  let theme = themes.includes(recall("theme")) ? recall("theme") : "auto";
  setTheme(theme);
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
    remember("theme", theme);
  });

  // ---- jumps: where a place is can only be known once all before it is laid out ----
  const settle = () => root.classList.add("settled");
  if (location.hash) settle();
  document.addEventListener("click", (event) => { if (event.target.closest("a")) settle(); }, true);
  document.addEventListener("keydown", (event) => { if (event.key === "End") settle(); }, true);

  if (!data.tasks.length) return;

  // ---- words ----
  const outcomes = { solved: "solved", unsolved: "not solved", unscored: "not scored", failed: "failed" };
  const stops = {
    solved: "solved", max_turns: "turns used up", leaked: "answer leaked", teacher_stopped: "ended by the teacher",
    unscored: "could not be scored", failed: "failed",
  };
  const acts = {
    answer_attempt: "answer attempt", clarification: "clarification", interrogation: "interrogation",
    discussion: "discussion", hedge: "hedge", refuse: "refuses", missing: "says nothing",
  };
  const asksWord = { yes: "asks first", no: "does not ask first", unknown: "no first turn" };
  const outcomeText = (d) => (d.outcome === "solved" ? "solved in turn " + d.solved : outcomes[d.outcome]);
  const outcomeKind = (d) => ({ solved: "good", unsolved: "bad" })[d.outcome] || "odd";
  const sign = (d) => ({ solved: "✓ " + d.solved, unsolved: "✗", unscored: "?", failed: "!" })[d.outcome];

  // ---- filters ----
  const controls = ["student", "kind", "outcome", "asked", "stop", "differ", "find"].map($).filter(Boolean);
  const value = (id) => ($(id) ? $(id).value : "");
  const shownStudents = () => (value("student") ? [value("student")] : data.students);
  const talksOf = (task) => shownStudents().filter((s) => s in task.talks).map((s) => task.talks[s]);
  const haystacks = [];
  const haystack = (task, index) => haystacks[index] ??=
    [task.id, task.prompt, task.answer, ...Object.values(task.talks).flatMap((d) => d.turns.map((t) => t.text))].join("\n").toLowerCase();
  function fits(task, index) {
    if (value("kind") && task.kind !== value("kind")) return false;
    const talks = talksOf(task);
    const differ = value("differ");
    if (differ && new Set(Object.values(task.talks).map((d) => (differ === "outcome" ? d.outcome === "solved" : d.asked))).size < 2) return false;
    const found = talks.some((d) =>
      (!value("outcome") || d.outcome === value("outcome")) &&
      (!value("asked") || d.asked === value("asked")) &&
      (!value("stop") || d.stop === value("stop")));
    const words = value("find").trim().toLowerCase();
    return found && (!words || haystack(task, index).includes(words));
  }

  // ---- the list ----
  const list = $("list");
  const rows = data.tasks.map((task, index) => {
    const row = make("li", { role: "option", id: "task-" + index, "aria-selected": "false" },
      make("span", { class: "excerpt", dir: "auto" }, task.prompt.slice(0, 180)), make("span", { class: "marks" }));
    row.addEventListener("click", () => select(index, true));
    list.append(row);
    return row;
  });
  let visible = [];
  let current = -1;
  function refresh() {
    visible = [];
    data.tasks.forEach((task, index) => {
      const fit = fits(task, index);
      rows[index].hidden = !fit;
      if (!fit) return;
      visible.push(index);
      const marks = rows[index].querySelector(".marks");
      marks.replaceChildren(make("span", {}, task.kind));
      for (const student of shownStudents()) {
        const talk = task.talks[student];
        if (!talk) continue;
        const key = keyOf(student);
        key.append(make("span", { "aria-hidden": "true" }, sign(talk) + (talk.asked === "yes" ? " asks" : "")),
          make("span", { class: "unseen" }, ": " + outcomeText(talk) + ", " + asksWord[talk.asked] + ";"));
        marks.append(key);
      }
    });
    $("count").textContent = visible.length + " of " + data.tasks.length + (data.tasks.length === 1 ? " task" : " tasks");
    $("empty").hidden = visible.length > 0;
    select(visible.includes(current) ? current : visible.length ? visible[0] : -1, false);
  }
  function select(index, chosen) {
    if (current >= 0) rows[current].setAttribute("aria-selected", "false");
    current = index;
    list.removeAttribute("aria-activedescendant");
    $("bench").hidden = index < 0;
    if (index < 0) return;
    rows[index].setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", rows[index].id);
    if (seen || chosen) reveal();
    show(data.tasks[index]);
    const at = visible.indexOf(index);
    $("previous").disabled = at <= 0;
    $("next").disabled = at >= visible.length - 1;
    if (chosen) {
      try { history.replaceState(null, "", "#task=" + encodeURIComponent(data.tasks[index].key)); } catch { /* sandboxed */ }
    }
  }
  // Where a row is can only be known by laying out the whole list: not before the list has been on the screen, or was used.
  let seen = false;
  function reveal() {
    if (current < 0) return;
    const row = rows[current];
    if (row.offsetTop < list.scrollTop) list.scrollTop = row.offsetTop;
    else if (row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = row.offsetTop + row.offsetHeight - list.clientHeight;
  }
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen = true;
    observer.disconnect();
    reveal();
  }).observe(list);
  function step(by) {
    const at = visible.indexOf(current) + by;
    if (at >= 0 && at < visible.length) select(visible[at], true);
  }

  // ---- one task ----
  function prose(text, cut, mark) {
    const box = make("div", { class: "text", dir: "auto" });
    if (!text) box.append(make("span", { class: "empty" }, "(nothing)"));
    else if (mark) {
      const letters = Array.from(text); // spans count characters, not UTF-16 units
      const [from, to] = mark;
      box.append(letters.slice(0, from).join(""), make("span", { class: "span", title: "This decided the act" }, letters.slice(from, to).join("")), letters.slice(to).join(""));
    } else box.append(text);
    if (cut) box.append(make("span", { class: "empty" }, " … " + cut.toLocaleString("en") + " more characters are left out of this page"));
    if ((text || "").length < 1100 && (text || "").split("\n").length < 18) return [box];
    box.classList.add("long");
    const words = (open) => (open ? "Show less" : "Show all " + text.length.toLocaleString("en") + " characters");
    const button = make("button", { type: "button", class: "more", "aria-expanded": "false" }, words(false));
    button.addEventListener("click", () => {
      const open = !box.classList.toggle("long");
      button.setAttribute("aria-expanded", String(open));
      button.textContent = words(open);
    });
    return [box, button];
  }
  function veil(title, pairs) {
    const dl = make("dl", {});
    for (const [term, content] of pairs) dl.append(make("dt", {}, term), make("dd", {}, ...(typeof content === "string" ? prose(content) : content)));
    const heading = title ? make("h4", {}, icon("lock"), title) : null;
    return make("div", { class: "private" }, heading, dl);
  }
  function toldIn(talk, name) {
    const turn = talk.turns.find((t) => t.reveals && t.reveals.includes(name));
    return turn ? "told after turn " + turn.after : "never told";
  }
  function privatePanel(task) {
    const talks = shownStudents().filter((s) => s in task.talks);
    const pairs = [["Answer", task.answer]];
    for (const fact of task.facts) {
      const told = talks.map((s) => data.short[s] + ": " + toldIn(task.talks[s], fact.name)).join("; ");
      pairs.push(["Withheld: " + fact.name, [...prose(fact.statement), make("span", { class: "small" }, make("bdi", {}, told))]]);
    }
    if (!task.facts.length) pairs.push(["Withheld", "nothing"]);
    if (task.solution) pairs.push(["Solution", task.solution]);
    return veil("Private: the student never sees this", pairs);
  }
  function verdictOf(turn) {
    if (!turn.verdict) return null;
    const { outcome, extracted } = turn.verdict;
    const word = { correct: "✓ right", incorrect: "✗ wrong", unparseable: "✗ no answer found", timeout: "? check timed out", error: "? check failed" }[outcome];
    const kind = outcome === "correct" ? "good" : outcome === "incorrect" || outcome === "unparseable" ? "bad" : "odd";
    return make("span", { class: kind }, word, extracted ? ": " : "", extracted ? make("bdi", {}, extracted) : "");
  }
  function turnItem(turn) {
    const student = turn.role === "student";
    const meta = make("div", { class: "meta" }, make("span", {}, student ? "Student, turn " + turn.turn : "Teacher"));
    const item = make("li", { class: "turn " + turn.role }, make("div", { class: "bubble" }, ...prose(turn.text, turn.cut, turn.span)), meta);
    if (turn.act) meta.append(make("span", { title: turn.by ? "Decided by " + turn.by : null }, acts[turn.act] || turn.act));
    if (turn.primed) meta.append(make("span", { class: "odd" }, "written by Q-priming"));
    const verdict = verdictOf(turn);
    if (verdict) meta.append(verdict);
    if (turn.reveals) meta.append(make("span", {}, "tells: ", make("bdi", {}, turn.reveals.join(", "))));
    if (turn.leak) meta.append(make("span", { class: "odd" }, (turn.masked ? "leak masked: " : "gives the answer away: ") + turn.leak));
    if (turn.finish === "length") meta.append(make("span", { class: "odd" }, "cut off at the token limit"));
    const hidden = [];
    if (turn.verdict && turn.verdict.diagnosis) hidden.push(["Diagnosis for the teacher", turn.verdict.diagnosis]);
    if (turn.replaced) hidden.push(["The attempt that was replaced", turn.replaced]);
    if (hidden.length) item.append(veil(null, hidden));
    return item;
  }
  function talkCard(student, talk) {
    const heading = make("h3", {}, keyOf(student));
    const end = make("span", { class: "end" }, make("span", { class: outcomeKind(talk) }, outcomeText(talk)),
      talk.outcome !== talk.stop && !(talk.outcome === "unsolved" && talk.stop === "solved") ? " · " + (stops[talk.stop] || talk.stop) : "");
    const card = make("article", { class: "card talk s" + (number(student) % 6), "aria-label": "Dialogue of " + student }, make("header", {}, heading, end));
    card.append(make("ol", { class: "turns" }, ...talk.turns.map(turnItem)));
    if (!talk.turns.length) card.append(make("p", { class: "small" }, "The student said nothing."));
    if (talk.error) card.append(make("div", { class: "error" }, make("strong", {}, "Why it failed"), ...prose(talk.error)));
    return card;
  }
  function show(task) {
    $("where").replaceChildren(make("strong", {}, task.kind), " · ", make("code", {}, make("bdi", {}, task.id)), task.sample ? " · sample " + task.sample : "");
    const opening = make("div", { class: "card opening" }, make("h3", {}, "The teacher opens"), ...prose(task.prompt, task.cut));
    const talks = shownStudents().filter((s) => s in task.talks);
    const cards = make("div", { class: "talks" + (talks.length > 1 ? " pair" : "") }, ...talks.map((s) => talkCard(s, task.talks[s])));
    const missing = shownStudents().filter((s) => !(s in task.talks));
    $("dialogue").replaceChildren(opening, privatePanel(task), cards,
      missing.length ? make("p", { class: "small" }, "No dialogue of ", make("bdi", {}, missing.map((s) => data.short[s]).join(", ")), " on this task.") : "");
  }

  // ---- private knowledge ----
  let veiled = true;
  function setPrivate(on) {
    veiled = on;
    $("bench").classList.toggle("unveiled", !on);
    $("private").setAttribute("aria-pressed", String(on));
  }
  $("private").addEventListener("click", () => setPrivate(!veiled));

  // ---- keys ----
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  list.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      const at = Math.min(visible.length - 1, Math.max(0, visible.indexOf(current) + moves[event.key]));
      if (visible.length) select(visible[at], true);
    } else if (event.key === "Home" && visible.length) select(visible[0], true);
    else if (event.key === "End" && visible.length) select(visible[visible.length - 1], true);
    else if (event.key === "Enter") { $("bench").focus(); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "p") setPrivate(!veiled);
    else if (event.key === "/") { $("find").focus(); event.preventDefault(); }
  });
  for (const control of controls) control.addEventListener(control.tagName === "INPUT" ? "input" : "change", refresh);
  $("reset").addEventListener("click", () => { for (const control of controls) control.value = ""; refresh(); });

  // ---- start ----
  function fromAddress() {
    const match = /^#task=(.+)$/.exec(location.hash);
    if (!match) return -1;
    try { return data.tasks.findIndex((task) => task.key === decodeURIComponent(match[1])); } catch { return -1; }
  }
  // begin where there is most to see: a task on which the students' first turns differ
  const telling = data.tasks.findIndex((task) => new Set(Object.values(task.talks).map((d) => d.asked)).size > 1);
  current = fromAddress() >= 0 ? fromAddress() : telling;
  window.addEventListener("hashchange", () => { const index = fromAddress(); if (index >= 0) select(index, false); });
  $("reader").hidden = false;
  setPrivate(true);
  refresh();
})();
