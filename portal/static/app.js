// Extras. Every page works without this file: no storage, no inline code, one request to stay open.
document.querySelector(".errbox")?.focus();

// One submit for each form; open again when the page comes back from the history.
addEventListener("submit", event => {
  const form = event.target, button = event.submitter;
  if (form.dataset.sent) event.preventDefault();
  else if (!button || button.name !== "keep") {
    form.dataset.sent = "1";
    button?.setAttribute("aria-disabled", "true");
  }
});
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// A warning two minutes before the page closes (WCAG 2.2.1); more time is asked of the server.
const warning = document.getElementById("timeout");
if (warning?.showModal) {
  let timers = [];
  const start = () => {
    const seconds = +warning.dataset.seconds, before = Math.min(120, seconds / 2);
    timers.forEach(clearTimeout);
    timers = [
      setTimeout(() => warning.showModal(), (seconds - before) * 1000),
      setTimeout(leave, seconds * 1000),
    ];
  };
  const leave = () => location.replace(warning.dataset.out);
  warning.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch(warning.dataset.stay || location.href).catch(() => null);
    if (!answer) return warning.close();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("timeout");
    if (!fresh) return leave();
    warning.dataset.seconds = fresh.dataset.seconds;
    document.querySelectorAll(".closes").forEach(line => line.textContent = page.querySelector(".closes").textContent);
    warning.close();
    start();
  });
  start();
}

// A payment on its way: look again quietly, and show the answer when there is one.
const wait = document.querySelector("[data-poll]");
if (wait) {
  let tries = 0;
  const look = setInterval(async () => {
    if (++tries > 20) return clearInterval(look);
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok && !(await answer.text()).includes("data-poll")) location.reload();
  }, 3000);
}
