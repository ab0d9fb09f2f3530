"use strict";
// Takes the page's sections anew as the server sends them. Without it the page is the same, and is reloaded by hand.
(() => {
  const from = document.body.dataset.events;
  const liveness = document.getElementById("liveness");
  if (!from || !window.EventSource) return;
  const say = (words) => { if (liveness) liveness.textContent = words; };

  const busy = (section) => {
    const at = document.activeElement;
    return at && section.contains(at) && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
  };

  const stops = (section) => [...section.querySelectorAll("a, button, summary, [tabindex]")];

  // What somebody opened or closed, typed, or has the focus on, stays so.
  const exchange = (old, html) => {
    const made = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    if (!made || made.id !== old.id || busy(old)) return;
    const at = stops(old).indexOf(document.activeElement);
    const words = at < 0 ? "" : document.activeElement.textContent;
    for (const each of old.querySelectorAll("details[id]")) {
      const same = made.querySelector("#" + CSS.escape(each.id));
      if (same) same.open = each.open;
    }
    for (const each of old.querySelectorAll("select[id], textarea[id]")) {
      const same = made.querySelector("#" + CSS.escape(each.id));
      if (same) same.value = each.value;
    }
    old.replaceWith(made);
    const again = stops(made)[at];
    if (again && again.textContent === words) again.focus({ preventScroll: true });
  };

  const events = new EventSource(from);
  events.addEventListener("open", () => say("Updated as it changes."));
  events.addEventListener("error", () => say("Not updated now: the connection is lost, and tried again."));
  events.addEventListener("page", (event) => {
    const told = JSON.parse(event.data);
    for (const [id, html] of Object.entries(told.sections)) {
      const old = document.getElementById(id);
      if (old) exchange(old, html);
    }
    if (told.title !== document.title) {
      document.title = told.title;
      const announced = document.getElementById("announced");
      if (announced) announced.textContent = told.title;
    }
    const asOf = document.getElementById("as-of");
    if (asOf) { asOf.dateTime = told.stamp; asOf.textContent = told.moment; }
  });
  events.addEventListener("gone", () => { events.close(); location.reload(); });

  // A button is pressed once.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button) setTimeout(() => { button.disabled = true; }, 0);
  });
})();
