// Starts a browser without a screen: the chromium that the machine has, else the one inside @sparticuz/chromium, which
// unpacks itself into the temporary folder. Whoever calls gives TMPDIR a folder of its own and removes it afterwards.
import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--force-color-profile=srgb",
  "--font-render-hinting=none",
];

export const launched = async (installed) => {
  if (installed) return puppeteer.launch({ executablePath: installed, args: ARGS, pipe: true });
  // The package looks for what its host is and unpacks the libraries that are missing there; it is built for Lambda.
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
  if (existsSync("/etc/fonts/fonts.conf")) process.env.FONTCONFIG_PATH = "/etc/fonts";
  const { default: packed } = await import("@sparticuz/chromium");
  packed.setGraphicsMode = false;
  return puppeteer.launch({ executablePath: await packed.executablePath(), args: ARGS, headless: "shell", pipe: true });
};
