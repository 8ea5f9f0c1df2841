"""What every page of a journey must be: free of barriers, fitting a narrow phone, easy to hit."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = {"width": 320, "height": 640}
SMALLEST_TARGET, GOOD_TARGET = 24, 44

OUTLINE = """() => [document.documentElement.lang, ...document.querySelectorAll("body *")]
  .map(e => e.tagName ? e.tagName + e.className + (e.type || "") + e.id : e).join()"""
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.body.querySelectorAll("*")]
    .filter(e => e.getBoundingClientRect().right > room + 1)
    .map(e => e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 40));
}"""
TARGETS = """() => {
  const within = (a, b) => ({left: Math.min(a.left, b.left), top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom)});
  const inSentence = e => e.tagName === "A" && getComputedStyle(e).display === "inline"
    && [...e.parentNode.childNodes].some(n => n.nodeType === 3 && n.textContent.trim().length > 1);
  const found = [];
  for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
    let box = e.getBoundingClientRect();
    if (e.type === "hidden" || box.width < 2 || box.right < 0 || inSentence(e)) continue;
    if (["radio", "checkbox"].includes(e.type))
      for (const label of e.labels) box = within(box, label.getBoundingClientRect());
    const size = Math.min(box.right - box.left, box.bottom - box.top);
    found.push([Math.round(size), e.tagName + ": " + (e.textContent.trim() || e.name)]);
  }
  return found;
}"""


class Looks:
    """Looks at pages; one whose outline was seen before is not tried for barriers again."""

    def __init__(self) -> None:
        self._axe, self._seen = Axe(), set[int]()

    def at(self, page: Page, *, scripts: bool = True) -> None:
        """Check the page that is shown, in light and in dark; axe needs a browser with scripts."""
        here = page.viewport_size
        outline = hash(page.evaluate(OUTLINE))
        if outline in self._seen:
            return
        if scripts:
            self._seen.add(outline)
            for scheme in ("dark", "light"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                self._no_barriers(page, scheme)
        self._targets(page)
        self._fits(page, "360 px")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        self._fits(page, "320 px")
        if here:
            page.set_viewport_size(here)

    def _no_barriers(self, page: Page, scheme: str) -> None:
        options = {"runOnly": STANDARD, "resultTypes": ["violations"]}
        found = self._axe.run(page, options=options).response["violations"]
        told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        assert not told, f"{page.url} in {scheme}: {told}"

    def _targets(self, page: Page) -> None:
        sizes = page.evaluate(TARGETS)
        least = SMALLEST_TARGET if page.locator(".con").count() else GOOD_TARGET
        small = [(size, name) for size, name in sizes if size < least]
        assert not small, f"{page.url} has small targets: {small}"

    def _fits(self, page: Page, width: str) -> None:
        out = page.evaluate(TOO_WIDE)
        assert not out, f"{page.url} does not fit {width}: {out}"
