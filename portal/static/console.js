// Extras of the consoles. Every page works without this file.

// A form with data-live="URL" is posted there while somebody types, without its files; the elements
// named by data-live-into then show what the answer has under the same ids. Nothing else moves.
for (const form of document.querySelectorAll("form[data-live]")) {
  let timer, asked;
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const fields = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    try {
      const answer = await fetch(form.dataset.live, { method: "POST", body: fields, signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of form.dataset.liveInto.split(" ")) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
      }
    } catch { /* The page keeps what it shows; its button still asks the server. */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
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
