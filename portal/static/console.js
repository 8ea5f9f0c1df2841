// Extras of the consoles. Every page works without this file.

// What an answer says of a field (data-beside) is shown beside that field too: below its row in a
// table. What it understood (data-note) goes where the field has a place for it.
const tell = (form, into) => {
  for (const old of form.querySelectorAll(".err")) if (!into.contains(old)) old.remove();
  for (const box of form.querySelectorAll(".bad")) box.classList.remove("bad");
  for (const row of form.querySelectorAll(".told")) row.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    describe(field);
  }
  for (const note of form.querySelectorAll("[id$=-note]"))
    note.textContent = into.querySelector(`[data-note="${note.id}"]`)?.textContent || "";
  for (const line of into.querySelectorAll("[data-beside]")) {
    const field = document.getElementById(line.dataset.beside);
    if (!field) continue;
    const words = line.textContent, link = document.createElement("a");
    link.href = "#" + field.id;
    link.textContent = words;
    line.replaceChildren(link);
    const box = field.closest("td, .f"), below = field.closest("tr")?.nextElementSibling;
    if (!box) continue;
    const beside = document.createElement("p");
    beside.className = "err";
    beside.id = field.id + "-problem";
    beside.textContent = below ? `${line.dataset.label}: ${words}` : words;
    if (below) {
      below.hidden = false;
      below.firstElementChild.append(beside);
    } else (box.querySelector(".hint, legend, .t") || box.firstElementChild).after(beside);
    box.classList.add("bad");
    field.setAttribute("aria-invalid", "true");
    describe(field, beside.id);
  }
};

// A field is described by what is still there, and by one thing more.
const describe = (field, more) => {
  const ids = (field.getAttribute("aria-describedby") || "").split(" ").filter(id => document.getElementById(id));
  if (more) ids.push(more);
  if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
  else field.removeAttribute("aria-describedby");
};

// A form with data-live="URL" is posted there while somebody types, without its files; the elements
// named by data-live-into then show what the answer has under the same ids. With data-live-tell the
// first of them says what is wrong, which is told beside the fields too. Nothing else moves.
for (const form of document.querySelectorAll("form[data-live]")) {
  let timer, asked;
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const fields = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    try {
      const answer = await fetch(form.dataset.live, { method: "POST", body: fields, signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const ids = form.dataset.liveInto.split(" ");
      for (const id of ids) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
      }
      if ("liveTell" in form.dataset && page.getElementById(ids[0])) tell(form, document.getElementById(ids[0]));
    } catch { /* The page keeps what it shows; its button still asks the server. */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
}

// What [data-again="URL"] shows is fetched anew every few seconds, for a quarter of an hour and while
// somebody looks. The header says that nobody asked, so that it keeps no log-in and no call alive.
for (const panel of document.querySelectorAll("[data-again]")) {
  let left = 180;
  const timer = setInterval(async () => {
    if (document.hidden || panel.contains(document.activeElement)) return;
    if (!left--) return clearInterval(timer);
    try {
      const answer = await fetch(panel.dataset.again, { headers: { "X-By-Itself": "1" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = answer.ok && page.getElementById(panel.id);
      if (fresh && fresh.textContent !== panel.textContent) panel.replaceChildren(...fresh.childNodes);
    } catch { /* The link in it still asks the server. */ }
  }, 5000);
}

// A color picker beside the text field that counts: each follows the other.
for (const picker of document.querySelectorAll("input[type=color][data-for]")) {
  const text = document.getElementById(picker.dataset.for);
  picker.hidden = false;
  picker.addEventListener("input", () => {
    text.value = picker.value;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  text.addEventListener("input", () => {
    if (/^#[0-9a-f]{6}$/i.test(text.value.trim())) picker.value = text.value.trim();
  });
}

// The arrows lead from the search box through what was found, and back; Enter is the browser's own.
// "/" goes to the box, unless it was turned off: for who speaks to the machine it is a letter.
const box = document.getElementById("q"), slash = document.getElementById("slash");
const hits = document.querySelectorAll("[aria-labelledby=found] th a, [aria-labelledby=recent] th a");
if (slash) {
  slash.checked = localStorage.getItem("slash") !== "off";
  slash.addEventListener("change", () => localStorage.setItem("slash", slash.checked ? "on" : "off"));
  document.getElementById("keys").hidden = false;
}
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const stops = [box, ...hits], at = stops.indexOf(event.target);
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  const jumps = event.key === "/" && !typing && localStorage.getItem("slash") !== "off";
  const to = jumps ? box : at >= 0 && stops[at + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
  if (!to) return;
  event.preventDefault();
  to.focus();
  to.select?.();
});
