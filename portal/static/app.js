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

// A warning two minutes before the page closes (WCAG 2.2.1); the server decides when that is.
const warning = document.getElementById("timeout");
if (warning?.showModal) {
  const seconds = +warning.dataset.seconds, before = Math.min(120, seconds / 2);
  let timers = [];
  const start = () => {
    timers.forEach(clearTimeout);
    timers = [
      setTimeout(() => warning.showModal(), (seconds - before) * 1000),
      setTimeout(() => location.replace(warning.dataset.out), seconds * 1000),
    ];
  };
  warning.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch(warning.dataset.stay || location.href, { redirect: "manual" }).catch(() => null);
    if (answer?.ok) start();
    warning.close();
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
