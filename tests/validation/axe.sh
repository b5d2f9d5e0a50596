#!/usr/bin/env bash
# Runs axe-core over pages of macfit in Chromium, in both themes and at three widths: no findings, no
# word on the console, no sideways scrolling. axe can't tell the contrast of text in drawings and over
# see-through cells: that is computed here, for every text of a page. Needs node, npm and Chromium; installs axe-core and
# puppeteer-core into a folder that is removed. Usage: tests/validation/axe.sh path/to/macfit
set -euo pipefail

macfit=$(realpath "$1")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >npm.log
npm install --no-audit --no-fund axe-core@4 puppeteer-core@24 >>npm.log 2>&1 || { cat npm.log; exit 2; }

"$macfit" plan --model 230b-q4 --nodes 2x128 --format html --output nominal.html
"$macfit" plan --model minimax-m2.5 --nodes 1x64+1x128 --format html --output mixed.html
"$macfit" plan --model kimi-k2 --nodes 1x64 --against 2x512 --format html --output wont-fit.html
"$macfit" plan --model minimax-m2.5 --nodes 4x64 --link tb5-rdma --split tensor --format html --output tensor.html
"$macfit" night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2000 --output-tokens 500 --format html --output night.html
"$macfit" breakeven --nodes 2x128 --link tb5-rdma --format html --output breakeven.html
"$macfit" survey --nodes 2x128 --format html --output survey.html
"$macfit" sweep --model 'qwen3*' --nodes 2x128,4x64 --context 8k..128k*2 --format html --output sweep.html

cat >check.cjs <<'JS'
const fs = require('fs');
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
// Runs in the page: texts with less than 4.5:1 against what they stand on.
const poorContrast = () => {
  const color = (words) => (words.match(/[\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const own = color(getComputedStyle(element).backgroundColor);
    return own.length > 3 && own[3] === 0 ? ground(element.parentElement) : over(own, ground(element.parentElement));
  };
  const behind = (text) => {
    const style = getComputedStyle(text);
    if (style.stroke !== 'none') return color(style.stroke);  // a halo goes round the letters
    const box = text.getBoundingClientRect();
    text.scrollIntoView({ block: 'center' });
    const now = text.getBoundingClientRect();
    const below = document.elementsFromPoint(now.x + box.width / 2, now.y + box.height / 2)
      .find((one) => one !== text && one.tagName === 'rect');
    return below ? color(getComputedStyle(below).fill) : ground(text.closest('svg').parentElement);
  };
  const poor = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data).join(' ');
    if (!words || element.closest('defs, title, desc, .skip, pattern') || !element.getClientRects().length) continue;
    const svg = element instanceof SVGElement;
    const style = getComputedStyle(element);
    const below = svg ? behind(element) : ground(element);
    const found = below.length < 3 ? 0 : ratio(over(color(svg ? style.fill : style.color), below), below);
    seen += 1;
    if (found < 4.5) poor.push(`${found.toFixed(2)}: ${words.slice(0, 60)}`);
  }
  return { seen, poor };
};
(async () => {
  const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] });
  let wrong = 0;
  const tell = (...words) => { wrong += 1; console.log(...words); };
  for (const file of process.argv.slice(3)) {
    for (const theme of ['light', 'dark']) {
      const page = await browser.newPage();
      page.on('console', (message) => tell(file, theme, message.text()));
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      for (const width of [1280, 768, 390]) {
        await page.setViewport({ width, height: 900 });
        await page.goto('file://' + fs.realpathSync(file));
        await page.evaluate(axe);
        const result = await page.evaluate(() => axe.run());
        for (const found of result.violations) {
          tell(file, theme, width, found.id, found.help, found.nodes[0].html);
        }
        const contrast = await page.evaluate(poorContrast);
        for (const found of contrast.poor) tell(file, theme, width, 'contrast', found);
        if (contrast.seen < 50) tell(file, theme, width, 'only', contrast.seen, 'texts looked at');
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        if (wide) tell(file, theme, width, 'wider than the window');
      }
      await page.close();
    }
    console.log(file, 'done');
  }
  await browser.close();
  process.exit(wrong ? 1 : 0);
})();
JS
node check.cjs "$browser" ./*.html
