// Shows pages in a browser without a screen, in both colour schemes, wide and at phone width: what axe finds, what the
// console says, what is wider than the screen. With a folder it also takes pictures.
//
//   node page.mjs '{"chromium": PATH, "pages": [{"name", "url"}], "token": TOKEN, "shots": FOLDER}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const asked = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--force-color-profile=srgb"],
});
const STILL = { name: "prefers-reduced-motion", value: "reduce" };
const found = { pages: [], keyboard: [], live: null, login: null };

const watched = async (scheme, width) => {
  const page = await browser.newPage();
  page.said = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.said.push(message.text()); });
  page.on("pageerror", (error) => page.said.push(error.message));
  page.on("requestfailed", (request) => {
    if (!request.url().endsWith("/events")) page.said.push(`${request.url()} failed: ${request.failure().errorText}`);
  });
  await page.setViewport({ width, height: width < 500 ? 844 : 900, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, STILL]);
  return page;
};

for (const { name, url, shot } of asked.pages) {
  for (const [size, width] of [["wide", 1280], ["phone", 390]]) {
    const page = await watched("light", width);
    const answer = await page.goto(url, { waitUntil: "load" });
    await page.evaluate(() => { for (const each of document.querySelectorAll("details")) each.open = true; });
    await page.evaluate(axe);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, STILL]);
      const { violations } = await page.evaluate(() => window.axe.run(document));
      found.pages.push({
        name, scheme, size, status: answer.status(), policy: answer.headers()["content-security-policy"], said: page.said,
        wider: await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        violations: violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target).join(", ")}`),
      });
    }
    for (const scheme of asked.shots && shot ? ["light", "dark"] : []) {
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

if (asked.walk) {
  // By keyboard alone: the first key leads past the header, and every button can be reached and seen to be.
  const page = await watched("light", 1280);
  const answer = await page.goto(asked.walk, { waitUntil: "load" });
  if (answer.status() !== 200) throw new Error(`${answer.status()}: ${await answer.text()}`);
  await page.waitForSelector("main button", { visible: true });
  const buttons = await page.$$eval("main button", (all) => all.filter((each) => each.checkVisibility()).length);
  const reached = new Set();
  for (let presses = 0; presses < 200 && reached.size < buttons; presses += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const active = document.activeElement;
      const style = getComputedStyle(active);
      return { tag: active.tagName, id: active.id, text: active.textContent.trim(), outline: style.outlineStyle, inMain: !!active.closest("main") };
    });
    if (presses === 0) found.keyboard.push(at.text);
    if (at.tag === "BUTTON" && at.inMain) { reached.add(at.id); if (at.outline === "none") found.keyboard.push(`${at.id}: no outline`); }
  }
  found.keyboard.push(`${reached.size} of ${buttons} buttons`);

  // Live: what the server sends takes the place of what is there; what was opened stays open, the focus stays.
  await page.evaluateOnNewDocument(() => document.addEventListener("DOMContentLoaded", () => {
    for (const each of document.querySelectorAll("[data-live]")) each.dataset.old = "yes";
    const closed = document.querySelector("main details:not([open])");
    closed.open = true;
    closed.dataset.opened = "yes";
    closed.querySelector("summary").focus();
  }));
  await page.reload({ waitUntil: "load" });
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
