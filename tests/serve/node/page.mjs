// Shows pages in a browser without a screen, in both colour schemes, wide and at phone width: what axe finds, what the
// console says, what is wider than the screen. With a folder it takes pictures instead, of the pages and sizes for which
// `shot` says how high one may be.
//
//   node page.mjs '{"chromium": PATH or null, "pages": [{"name", "url"}], "token": TOKEN, "shots": FOLDER}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launched } from "./browser.mjs";

const asked = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launched(asked.chromium);
// Whoever waits gives up later than this, so that no browser is left behind.
setTimeout(() => {
  browser.process().kill("SIGKILL");
  process.stderr.write("The browser took too long.\n");
  process.exit(1);
}, 540_000).unref();
const STILL = { name: "prefers-reduced-motion", value: "reduce" };
const found = { pages: [], walks: [], live: null, search: null, login: null };

const watched = async (scheme, width) => {
  const page = await browser.newPage();
  page.said = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.said.push(message.text()); });
  page.on("pageerror", (error) => page.said.push(error.message));
  page.on("dialog", (dialog) => { page.said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("requestfailed", (request) => {
    if (!request.url().endsWith("/events")) page.said.push(`${request.url()} failed: ${request.failure().errorText}`);
  });
  await page.setViewport({ width, height: width < 500 ? 844 : 900, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, STILL]);
  return page;
};

// Every page in full once at each width; in the other scheme only what depends on colours.
const looked = async (page, scheme) => {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, STILL]);
  const rules = scheme === "light" ? {} : { runOnly: ["color-contrast", "link-in-text-block"] };
  const { violations } = await page.evaluate((asks) => window.axe.run(document, { ...asks, resultTypes: ["violations"] }), rules);
  return {
    scheme, said: page.said, violations: violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target).join(", ")}`),
    wider: await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    foreign: await page.evaluate(() => [...document.querySelectorAll("*")].filter((each) =>
      /^(IMG|IFRAME|STYLE|OBJECT|X)$/.test(each.tagName) || (each.tagName === "SCRIPT" && !each.src) ||
      [...each.attributes].some(({ name, value }) => /^on|^style$/.test(name) || /^javascript:/i.test(value))).map((each) => each.outerHTML)),
  };
};

// By keyboard alone from the top to the end: every control that is seen is reached, its focus is seen, and nothing holds it.
const walked = async (page, name) => {
  const controls = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
    const seen = all.filter((each) => each.type !== "hidden" && each.checkVisibility());
    seen.forEach((each, number) => { each.dataset.stop = number; });
    document.activeElement.blur();
    return seen.length;
  });
  const reached = new Set(), unseen = [];
  let first = null, left = false;
  for (let presses = 0; presses < controls + 4 && (reached.size < controls || !left); presses += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const active = document.activeElement, style = getComputedStyle(active), box = active.getBoundingClientRect();
      return {
        stop: active.dataset.stop, text: active.textContent.trim(),
        seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && box.right > 0 && box.bottom > 0 && box.top < innerHeight,
      };
    });
    first ??= at.text;
    if (at.stop === undefined) left = true;
    else if (!reached.has(at.stop)) { reached.add(at.stop); if (!at.seen) unseen.push(at.text); }
  }
  found.walks.push({ name, first, missed: controls - reached.size, unseen, held: !left });
};

for (const { name, url, shot } of asked.pages) {
  for (const [size, width] of [["wide", 1280], ["phone", 390]]) {
    const page = await watched("light", width);
    const answer = await page.goto(url, { waitUntil: "load" });
    await page.evaluate(() => { for (const each of document.querySelectorAll("details")) each.open = true; });
    if (!asked.shots) {
      await page.evaluate(axe);
      const of = { name, size, status: answer.status(), policy: answer.headers()["content-security-policy"] };
      for (const scheme of ["light", "dark"]) found.pages.push({ ...of, ...(await looked(page, scheme)) });
      if (size === "wide") await walked(page, name);
    }
    for (const scheme of asked.shots && shot?.[size] ? ["light", "dark"] : []) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, STILL]);
      await page.reload({ waitUntil: "load" });
      const height = Math.min(await page.evaluate(() => document.documentElement.scrollHeight), shot[size]);
      await page.screenshot({
        path: `${asked.shots}/${name}-${size}-${scheme}.webp`, type: "webp", quality: 80,
        clip: { x: 0, y: 0, width, height }, captureBeyondViewport: true,
      });
    }
    await page.close();
  }
}

if (asked.live) {
  const page = await watched("light", 1280);
  // Live: what the server sends takes the place of what is there; what was opened stays open, the focus stays.
  await page.evaluateOnNewDocument(() => document.addEventListener("DOMContentLoaded", () => {
    for (const each of document.querySelectorAll("[data-live]")) each.dataset.old = "yes";
    const closed = document.querySelector("main details:not([open])");
    closed.open = true;
    closed.dataset.opened = "yes";
    closed.querySelector("summary").focus();
  }));
  await page.goto(asked.live, { waitUntil: "load" });
  await page.waitForFunction(() => !document.querySelector("[data-old]"), { timeout: 15000, polling: 100 });
  found.live = await page.evaluate(() => {
    const at = document.activeElement;
    return {
      said: document.getElementById("liveness").textContent, anew: !document.querySelector("[data-opened]"),
      open: at.tagName === "SUMMARY" && at.parentElement.open,
    };
  });
  await page.close();
}

if (asked.search) {
  // The search, by keyboard and without JavaScript.
  const page = await watched("dark", 390);
  await page.setJavaScriptEnabled(false);
  await page.goto(asked.search.url, { waitUntil: "load" });
  for (let presses = 0; presses < 10; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.id === "find")) break;
  }
  await page.keyboard.type(asked.search.words);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  found.search = {
    listed: await page.$$eval("main h3 a, .lines a", (all) => all.map((each) => each.textContent)),
    said: await page.$eval("#liveness", (each) => each.textContent),
  };
  await page.close();
}

if (asked.token) {
  const page = await watched("light", 390);
  await page.goto(asked.login, { waitUntil: "load" });
  await page.type("#token", asked.token);
  await page.type("#name", "Jane");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const inside = await page.evaluate(() => document.querySelector(".who").textContent.trim().replace(/\s+/g, " "));
  await page.setJavaScriptEnabled(false);
  await page.goto(asked.login.replace(/login.*/, ""), { waitUntil: "load" });
  const without = await page.$eval("h1", (title) => title.textContent);
  found.login = { path: new URL(page.url()).pathname, inside, without, said: page.said };
  await page.close();
}
await browser.close();
process.stdout.write(JSON.stringify(found));
